// Speed at equal lengths: answered questions asked once more for exactly so many tokens. What a
// user waits for is the measured answer; this track takes out that one model says more than
// another.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "chat/chat_model.h"
#include "harness/runner/experiment.h"
#include "harness/store/rows.h"

namespace visavis::runner {

/// Asks for `tokens` tokens. The result has neither model nor session; it is nothing when `stop`
/// became true.
std::optional<store::FixedLengthRow> ask_fixed_length(chat::ChatModel& model,
                                                      const store::ItemRow& item,
                                                      const std::vector<chat::Part>& pictures,
                                                      const Generation& generation, uint64_t seed,
                                                      int tokens, const std::atomic<bool>& stop);

}  // namespace visavis::runner
