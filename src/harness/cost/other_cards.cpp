#include "harness/cost/other_cards.h"

#include "harness/cost/cost.h"

namespace visavis::cost {
namespace {

double mean_seconds(const chat::Effort& effort, std::span<const CountedAnswer> answers,
                    const machine::Rates& rates) {
  double sum = 0;
  for (const CountedAnswer& answer : answers)
    sum += answer.host_seconds +
           machine::estimated_seconds(work_of(effort, answer.usage, answer.pictures), rates);
  return sum / static_cast<double>(answers.size());
}

}  // namespace

OtherCards on_other_cards(const chat::Effort& effort, std::span<const CountedAnswer> answers,
                          int64_t planned_bytes, const std::string& device,
                          const std::vector<Price>& prices) {
  OtherCards out;
  if (!effort.known() || answers.empty()) return out;
  if (const machine::Card* here = machine::card_named_in(device)) {
    double measured = 0;
    for (const CountedAnswer& answer : answers) measured += answer.seconds;
    out.measured_over_formula = measured / static_cast<double>(answers.size()) /
                                mean_seconds(effort, answers, here->sustained);
  }
  for (const Price& price : prices) {
    const machine::Card* card = machine::card_named_in(price.card);
    if (card == nullptr) continue;
    const double seconds =
        mean_seconds(effort, answers, card->sustained) * out.measured_over_formula.value_or(1);
    out.cards.push_back({.price = price,
                         .seconds_per_question = seconds,
                         .per_1000 = run_cost(price.per_hour, 1000 * seconds),
                         .fits = planned_bytes < card->memory_bytes});
  }
  return out;
}

}  // namespace visavis::cost
