#include "harness/runner/fixed_length.h"

#include <utility>

#include "base/text.h"
#include "harness/runner/ask.h"

namespace visavis::runner {

std::optional<store::FixedLengthRow> ask_fixed_length(chat::ChatModel& model,
                                                      const store::ItemRow& item,
                                                      const std::vector<chat::Part>& pictures,
                                                      const Generation& generation, uint64_t seed,
                                                      int tokens, const std::atomic<bool>& stop) {
  chat::Request request = make_request(item, pictures, generation, seed);
  request.max_tokens = tokens;
  request.exact_length = true;
  const std::optional<chat::Outcome> outcome = ask(model, std::move(request), stop);
  if (!outcome) return std::nullopt;
  store::FixedLengthRow row;
  row.item = item.id;
  if (const auto* failure = std::get_if<chat::Failure>(&*outcome)) {
    row.failure = failure->message.empty() ? "failed without a reason" : failure->message;
    return row;
  }
  const auto& completion = std::get<chat::Completion>(*outcome);
  row.completion_tokens = completion.usage.completion_tokens;
  row.characters = base::count_code_points(completion.text);
  row.ttft = completion.timing.ttft;
  row.tpot = completion.timing.tpot;
  row.e2e = completion.timing.e2e;
  return row;
}

}  // namespace visavis::runner
