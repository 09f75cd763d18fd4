// Chooses the next token of one request from its logits, with transformers' definitions: repetition
// penalty over prompt and answer, temperature, top-k (ties with the k-th stay), top-p. Every
// request has a random stream of its own, so that batching and order change nothing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.h"
#include "chat/request.h"
#include "engine/ops/ops.h"

namespace visavis::generate {

/// Throws Error if a value is out of range (temperature below 0, top_p outside (0, 1], ...).
void check_sampling(const chat::Sampling& sampling);

class Sampler {
 public:
  Sampler(const chat::Sampling& sampling, int64_t vocabulary);

  /// Counts these ids (of the prompt) for the repetition penalty.
  void see(std::span<const int32_t> ids);
  /// Whether the arg max of the raw logits is the choice (greedy, no penalty).
  bool plain_greedy() const;
  /// Whether the logits alone decide (no penalty), so that a device may draw.
  bool draws_freely() const;
  /// What a device needs to draw the next token as choose() would.
  ops::Draw next_draw();
  /// The next token; also counts it. `logits` [vocabulary] is overwritten. Greedy takes the lowest
  /// index among equals.
  int32_t choose(std::span<float> logits);

 private:
  void penalise(std::span<float> logits) const;
  int32_t draw(std::span<const float> logits);

  chat::Sampling sampling_;
  std::vector<bool> seen_;
  base::Rng rng_;
};

/// log(sum(exp(logits))), summed in double.
double log_sum_exp(std::span<const float> logits);

/// The index of the largest value, the lowest among equals.
int32_t arg_max(std::span<const float> values);

}  // namespace visavis::generate
