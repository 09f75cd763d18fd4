// What a picture that the model has just seen saves: asks an answered question once more, behind
// another one about the same pictures. The figures stand beside the measured ones, never among
// them.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "chat/chat_model.h"
#include "harness/runner/experiment.h"
#include "harness/store/rows.h"

namespace visavis::runner {

/// Asks for the beginning of the item's answer. `answer` is the text that was measured. The result
/// has neither model nor session; it is nothing when `stop` became true.
std::optional<store::RevisitRow> ask_again(chat::ChatModel& model, const store::ItemRow& item,
                                           const std::vector<chat::Part>& pictures,
                                           const Generation& generation, uint64_t seed,
                                           const std::string& answer,
                                           const std::atomic<bool>& stop);

}  // namespace visavis::runner
