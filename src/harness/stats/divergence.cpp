#include "harness/stats/divergence.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace visavis::stats {

double divergence(std::span<const float> reference, std::span<const float> model) {
  assert(reference.size() == model.size());
  double sum = 0;
  for (size_t i = 0; i < reference.size(); ++i) {
    const auto log_p = static_cast<double>(reference[i]);
    const double p = std::exp(log_p);
    if (p > 0) sum += p * (log_p - static_cast<double>(model[i]));
  }
  return std::max(0.0, sum);  // rounding can bring equal ones a little below
}

bool same_choice(std::span<const float> reference, std::span<const float> model) {
  return std::max_element(reference.begin(), reference.end()) - reference.begin() ==
         std::max_element(model.begin(), model.end()) - model.begin();
}

void RelativeError::add(std::span<const float> reference, std::span<const float> model) {
  assert(reference.size() == model.size());
  for (size_t i = 0; i < reference.size(); ++i) {
    const auto wanted = static_cast<double>(reference[i]);
    const double off = static_cast<double>(model[i]) - wanted;
    squares += off * off;
    power += wanted * wanted;
  }
}

double RelativeError::value() const { return power > 0 ? std::sqrt(squares / power) : 0; }

}  // namespace visavis::stats
