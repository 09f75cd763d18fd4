// Asks one model one question and waits, ready to give up when the user does.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "chat/chat_model.h"
#include "harness/runner/experiment.h"
#include "harness/store/rows.h"

namespace visavis::runner {

/// The item's pictures and videos, or why one of them could not be read.
using Pictures = std::variant<std::vector<chat::Part>, chat::Failure>;

/// Reads the item's pictures. A picture that is not the one that was planned is a Failure.
Pictures load_pictures(const store::ItemRow& item);

/// Names the random stream of an item's answer, whatever its place in the run.
std::string seed_label(const store::ItemRow& item);

/// One user turn: the pictures in order, then the question. The random stream is named after the
/// question, so that neither order nor resuming changes an answer.
chat::Request make_request(const store::ItemRow& item, const std::vector<chat::Part>& pictures,
                           const Generation& generation, uint64_t seed);

/// Submits the request and waits for its end. When `stop` becomes true the request is cancelled and
/// the result is nothing, unless the answer was complete already. Errors of the model are Failures.
std::optional<chat::Outcome> ask(chat::ChatModel& model, chat::Request request,
                                 const std::atomic<bool>& stop);

}  // namespace visavis::runner
