// Money from seconds and prices: pure functions. A price is a user's input; nothing here guesses.
#pragma once

#include <cstdint>
#include <optional>

namespace visavis::cost {

/// What `seconds` on a machine of `price_per_hour` cost.
double run_cost(double price_per_hour, double seconds);

/// The cost of 1000 questions that take `seconds_per_question` each, one after another; nothing
/// without a price or a time.
std::optional<double> per_1000_questions(double price_per_hour, double seconds_per_question);

/// The cost of one fully right answer at that share of right answers; nothing if none is right.
std::optional<double> per_correct_answer(double price_per_hour, double seconds_per_question,
                                         double accuracy);

/// Seconds that `money` buys; nothing without a price.
std::optional<double> affordable_seconds(double price_per_hour, double money);

}  // namespace visavis::cost
