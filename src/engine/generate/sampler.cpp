#include "engine/generate/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace visavis::generate {
namespace {

struct Candidate {
  int32_t id = 0;
  float logit = 0;
  double weight = 0;  // exp(logit - largest)
};

// The k-th largest value and everything equal to it stay.
void keep_top_k(std::vector<Candidate>& candidates, int top_k) {
  if (top_k <= 0 || static_cast<size_t>(top_k) >= candidates.size()) return;
  std::vector<float> logits;
  logits.reserve(candidates.size());
  for (const Candidate& candidate : candidates) logits.push_back(candidate.logit);
  const auto kth = logits.begin() + (top_k - 1);
  std::nth_element(logits.begin(), kth, logits.end(), std::greater<>());
  const float least = *kth;
  std::erase_if(candidates, [least](const Candidate& c) { return c.logit < least; });
}

// The smallest set of most likely tokens whose probability reaches top_p stays, at least one.
void keep_top_p(std::vector<Candidate>& candidates, double top_p) {
  if (top_p >= 1) return;
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.logit > b.logit; });
  double total = 0;
  for (const Candidate& candidate : candidates) total += candidate.weight;
  double before = 0;
  size_t kept = 0;
  while (kept < candidates.size() && (kept == 0 || before < top_p * total)) {
    before += candidates[kept++].weight;
  }
  candidates.resize(kept);
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
}

}  // namespace

void check_sampling(const chat::Sampling& sampling) {
  require(std::isfinite(sampling.temperature) && sampling.temperature >= 0, "temperature is ",
          sampling.temperature, ", wanted 0 or more");
  require(sampling.top_k >= 0, "top_k is ", sampling.top_k, ", wanted 0 (off) or more");
  require(sampling.top_p > 0 && sampling.top_p <= 1, "top_p is ", sampling.top_p,
          ", wanted above 0 and at most 1");
  require(std::isfinite(sampling.repetition_penalty) && sampling.repetition_penalty > 0,
          "repetition_penalty is ", sampling.repetition_penalty, ", wanted above 0");
}

Sampler::Sampler(const chat::Sampling& sampling, int64_t vocabulary)
    : sampling_(sampling),
      seen_(static_cast<size_t>(vocabulary), false),
      rng_(sampling.seed, sampling.seed_label) {
  check_sampling(sampling);
}

void Sampler::see(std::span<const int32_t> ids) {
  for (const int32_t id : ids) seen_[static_cast<size_t>(id)] = true;
}

bool Sampler::plain_greedy() const {
  return sampling_.temperature <= 0 && sampling_.repetition_penalty == 1;
}

bool Sampler::draws_freely() const {
  return sampling_.temperature > 0 && sampling_.repetition_penalty == 1;
}

ops::Draw Sampler::next_draw() {
  return {.temperature = sampling_.temperature,
          .top_k = sampling_.top_k,
          .top_p = sampling_.top_p,
          .uniform = rng_.uniform()};
}

void Sampler::penalise(std::span<float> logits) const {
  const float penalty = sampling_.repetition_penalty;
  if (penalty == 1) return;
  for (size_t id = 0; id < logits.size(); ++id) {
    if (seen_[id]) logits[id] = logits[id] < 0 ? logits[id] * penalty : logits[id] / penalty;
  }
}

int32_t Sampler::draw(std::span<const float> logits) {
  std::vector<Candidate> candidates(logits.size());
  const float largest = *std::max_element(logits.begin(), logits.end());
  for (size_t i = 0; i < logits.size(); ++i) {
    candidates[i] = {static_cast<int32_t>(i), logits[i],
                     std::exp(static_cast<double>(logits[i]) - static_cast<double>(largest))};
  }
  keep_top_k(candidates, sampling_.top_k);
  keep_top_p(candidates, static_cast<double>(sampling_.top_p));
  double total = 0;
  for (const Candidate& candidate : candidates) total += candidate.weight;
  double left = rng_.uniform() * total;
  for (const Candidate& candidate : candidates) {
    left -= candidate.weight;
    if (left < 0) return candidate.id;
  }
  return candidates.back().id;  // rounding may leave a crumb
}

int32_t Sampler::choose(std::span<float> logits) {
  penalise(logits);
  int32_t id = 0;
  if (sampling_.temperature <= 0) {
    id = arg_max(logits);
  } else {
    for (float& logit : logits) logit /= sampling_.temperature;
    id = draw(logits);
  }
  seen_[static_cast<size_t>(id)] = true;
  return id;
}

double log_sum_exp(std::span<const float> logits) {
  const auto largest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double total = 0;
  for (const float logit : logits) total += std::exp(static_cast<double>(logit) - largest);
  return largest + std::log(total);
}

int32_t arg_max(std::span<const float> values) {
  return static_cast<int32_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

}  // namespace visavis::generate
