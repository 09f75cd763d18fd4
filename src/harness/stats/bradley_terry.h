// Strengths out of votes between pairs: Bradley and Terry's model, P(i beats j) =
// 1 / (1 + exp(-(strength_i - strength_j))). Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "harness/stats/intervals.h"

namespace visavis::stats {

/// One vote between two models; `score` of the first is 1 (won), 0.5 (tie) or 0 (lost).
struct Vote {
  size_t first = 0;
  size_t second = 0;
  double score = 0.5;
  int64_t rater = 0;
};

struct Strength {
  double value = 0;  // all strengths add up to zero
  Interval interval = {};
};

/// Maximum likelihood with `ties_added` ties added between every pair that met, so that a model
/// that never won has a finite strength; intervals from `samples` bootstrap samples of raters (of
/// votes with only one rater). Nothing if the votes do not connect all `models`. Source: Hunter
/// 2004 (the minorise-maximise iteration).
std::optional<std::vector<Strength>> bradley_terry(size_t models, std::span<const Vote> votes,
                                                   uint64_t seed, int samples = 1000,
                                                   double confidence = 0.95,
                                                   double ties_added = 0.5);

}  // namespace visavis::stats
