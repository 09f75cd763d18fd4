#include "harness/cost/cost.h"

namespace visavis::cost {
namespace {

constexpr double kSecondsPerHour = 3600;

}  // namespace

double run_cost(double price_per_hour, double seconds) {
  return price_per_hour * seconds / kSecondsPerHour;
}

std::optional<double> per_1000_questions(double price_per_hour, double seconds_per_question) {
  if (!(price_per_hour > 0) || !(seconds_per_question > 0)) return std::nullopt;
  return run_cost(price_per_hour, 1000 * seconds_per_question);
}

std::optional<double> per_correct_answer(double price_per_hour, double seconds_per_question,
                                         double accuracy) {
  const std::optional<double> thousand = per_1000_questions(price_per_hour, seconds_per_question);
  if (!thousand || !(accuracy > 0)) return std::nullopt;
  return *thousand / (1000 * accuracy);
}

std::optional<double> affordable_seconds(double price_per_hour, double money) {
  if (!(price_per_hour > 0)) return std::nullopt;
  return money / price_per_hour * kSecondsPerHour;
}

}  // namespace visavis::cost
