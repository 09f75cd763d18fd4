#include "engine/compress/hqq.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace visavis::compress {
namespace {

constexpr float kMostCode = 15.0f;
// Adding and subtracting 1.5 * 2^23 rounds a small float to the nearest integer, ties to even.
constexpr float kRounder = 12582912.0f;
constexpr float kSmallestScale = 0x1.0p-24f;  // the smallest f16

// The limit of small p, whose shrinkage e - 1 / (beta e) costs one division; p = 0.5 and 0.75 end
// within 0.1 % of its error.
constexpr float kBeta = 10.0f;  // in units of the scale
constexpr float kBetaGrowth = 1.01f;
constexpr int kTurns = 6;
constexpr float kStarts[] = {1.0f, 0.9f, 0.8f, 0.7f, 0.6f};  // of the group's range
constexpr int kRefits = 2;  // of the scale, for a zero point that was rounded

struct Group {
  const float* values;
  const float* weights;
  int64_t count;
};

// Weighted sums in eight lanes, whose order no compiler may change.
template <class Term>
float sum(const Group& group, const Term& term) {
  constexpr int kLanes = 8;
  float lanes[kLanes] = {};
  for (int64_t i = 0; i < group.count; i += kLanes)
    for (int lane = 0; lane < kLanes; ++lane)
      lanes[lane] += group.weights[i + lane] * term(i + lane);
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
         ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

float code_of(float value, float inverse, float zero) {
  const float scaled = value * inverse + zero;
  const float low = scaled < 0.0f ? 0.0f : scaled;
  const float inside = low > kMostCode ? kMostCode : low;
  return (inside + kRounder) - kRounder;
}

struct Affine {
  float scale;
  float zero;
};

// One turn: codes, then the few large errors, then zero point and scale.
void improve(const Group& group, float beta, Affine& fit) {
  float codes[kHqqLargest];
  float targets[kHqqLargest];
  const float inverse = 1.0f / fit.scale;
  const float threshold = 1.0f / beta;
  for (int64_t i = 0; i < group.count; ++i) {
    const float value = group.values[i];
    const float code = code_of(value, inverse, fit.zero);
    const float off = value * inverse - (code - fit.zero);
    // sign(e) max(|e| - 1 / (beta |e|), 0)
    const float safe = off == 0.0f ? 1.0f : off;
    const float shrunk = off * off > threshold ? off - threshold / safe : 0.0f;
    codes[i] = code;
    targets[i] = value - shrunk * fit.scale;
  }
  const float count = sum(group, [](int64_t) { return 1.0f; });
  const float zero = sum(group, [&](int64_t i) { return codes[i] - targets[i] * inverse; }) / count;
  const float ct = sum(group, [&](int64_t i) { return (codes[i] - zero) * targets[i]; });
  const float cc = sum(group, [&](int64_t i) { return (codes[i] - zero) * (codes[i] - zero); });
  fit.zero = zero;
  if (ct > 0.0f && cc > 0.0f) fit.scale = std::max(ct / cc, kSmallestScale);
}

// The best scale for codes around a whole zero point, and the squared error that is left.
float settle(const Group& group, float (*stored)(float), Affine& fit) {
  for (int i = 0; i < kRefits; ++i) {
    const float inverse = 1.0f / fit.scale;
    const auto level = [&](int64_t at) {
      return code_of(group.values[at], inverse, fit.zero) - fit.zero;
    };
    const float lv = sum(group, [&](int64_t at) { return level(at) * group.values[at]; });
    const float ll = sum(group, [&](int64_t at) { return level(at) * level(at); });
    if (!(lv > 0.0f && ll > 0.0f)) break;
    fit.scale = std::max(lv / ll, kSmallestScale);
  }
  fit.scale = stored(fit.scale);
  if (!(fit.scale > 0.0f) || !std::isfinite(fit.scale)) return HUGE_VALF;
  const float inverse = 1.0f / fit.scale;
  return sum(group, [&](int64_t at) {
    const float level = code_of(group.values[at], inverse, fit.zero) - fit.zero;
    const float off = level * fit.scale - group.values[at];
    return off * off;
  });
}

}  // namespace

ZeroPointFit fit_zero_point(std::span<const float> values, std::span<const float> weights,
                            float (*stored)(float scale)) {
  float alike[kHqqLargest];
  if (weights.empty()) std::fill_n(alike, values.size(), 1.0f);
  const Group group = {values.data(), weights.empty() ? alike : weights.data(),
                       static_cast<int64_t>(values.size())};
  assert(group.count > 0 && group.count <= kHqqLargest && group.count % kHqqStep == 0);
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const float low = std::min(*least, 0.0f);
  const float high = std::max(*most, 0.0f);
  if (high - low < kSmallestScale) return {};
  ZeroPointFit best;
  best.scale = HUGE_VALF;
  float least_error = HUGE_VALF;
  for (const float start : kStarts) {
    Affine fit = {std::max(start * (high - low) / kMostCode, kSmallestScale), 0.0f};
    fit.zero = -start * low / fit.scale;
    float beta = kBeta;
    for (int turn = 0; turn < kTurns; ++turn, beta *= kBetaGrowth) improve(group, beta, fit);
    const float below = std::clamp(std::floor(fit.zero), 0.0f, kMostCode);
    for (const float zero : {below, std::min(below + 1.0f, kMostCode)}) {
      Affine settled = {fit.scale, zero};
      const float error = settle(group, stored, settled);
      if (!(error < least_error)) continue;
      least_error = error;
      best = {settled.scale, static_cast<uint8_t>(zero)};
    }
  }
  return best;
}

void encode_with_zero(std::span<const float> values, const ZeroPointFit& fit, uint8_t* codes) {
  const float inverse = fit.scale > 0.0f && std::isfinite(fit.scale) ? 1.0f / fit.scale : 0.0f;
  const auto zero = static_cast<float>(fit.zero);
  for (size_t i = 0; i < values.size(); ++i)
    codes[i] = static_cast<uint8_t>(code_of(values[i], inverse, zero));
}

}  // namespace visavis::compress
