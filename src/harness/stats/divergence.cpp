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

}  // namespace visavis::stats
