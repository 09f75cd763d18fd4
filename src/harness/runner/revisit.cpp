#include "harness/runner/revisit.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "harness/runner/ask.h"

namespace visavis::runner {
namespace {

constexpr const char* kOtherQuestion = "?";
// Enough for the first visible text; the whole answer was measured before.
constexpr int kMostTokens = 16;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD, for a character cut in two

// Whether `part`, an answer that may have been cut short, begins as `whole` does.
bool begins_as(std::string_view whole, std::string_view part, chat::Finish finish) {
  if (finish != chat::Finish::length) return whole == part;
  while (part.ends_with(kReplacement)) part.remove_suffix(kReplacement.size());
  return whole.starts_with(part);
}

}  // namespace

std::optional<store::RevisitRow> ask_again(chat::ChatModel& model, const store::ItemRow& item,
                                           const std::vector<chat::Part>& pictures,
                                           const Generation& generation, uint64_t seed,
                                           const std::string& answer,
                                           const std::atomic<bool>& stop) {
  store::RevisitRow row;
  row.item = item.id;
  store::ItemRow other = item;
  other.question.question = kOtherQuestion;
  chat::Request first = make_request(other, pictures, generation, seed);
  chat::Request second = make_request(item, pictures, generation, seed);
  first.reuse = second.reuse = true;
  first.max_tokens = 1;
  second.max_tokens = std::min(item.max_tokens, kMostTokens);
  for (chat::Request* request : {&first, &second}) {
    const std::optional<chat::Outcome> outcome = ask(model, std::move(*request), stop);
    if (!outcome) return std::nullopt;
    if (const auto* failure = std::get_if<chat::Failure>(&*outcome)) {
      row.failure = failure->message.empty() ? "failed without a reason" : failure->message;
      return row;
    }
    const auto& completion = std::get<chat::Completion>(*outcome);
    row.usage = completion.usage;
    row.timing = completion.timing;
    row.same = begins_as(answer, completion.text, completion.finish);
  }
  return row;
}

}  // namespace visavis::runner
