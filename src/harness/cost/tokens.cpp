#include "harness/cost/tokens.h"

namespace visavis::cost {
namespace {

constexpr double kMillion = 1e6;

}  // namespace

std::optional<double> token_cost(const chat::ModelFacts& facts, const chat::Usage& usage) {
  if (facts.price_prompt < 0 || facts.price_completion < 0) return std::nullopt;
  return (facts.price_prompt * static_cast<double>(usage.prompt_tokens) +
          facts.price_completion * static_cast<double>(usage.completion_tokens)) /
         kMillion;
}

}  // namespace visavis::cost
