// The scale search without instruction sets: the reference.
#include "engine/load/fit_search.h"

namespace visavis::load {
namespace {

// Adding and subtracting 1.5 * 2^23 rounds a small float to the nearest integer, ties to even.
constexpr float kRounder = 12582912.0f;

// A lane per candidate. The integers are held as floats, exactly: every CPU multiplies those.
using Lanes [[gnu::vector_size(kFour * sizeof(float))]] = float;

struct PlainSteps {
  static float largest(const float* values, int64_t count) {
    float least = 0;
    float most = 0;
    for (int64_t i = 0; i < count; ++i) {
      most = values[i] > most ? values[i] : most;
      least = values[i] < least ? values[i] : least;
    }
    return most >= -least ? most : least;
  }

  static void to_fixed(const float* values, int64_t count, float factor, int16_t* fixed) {
    for (int64_t i = 0; i < count; ++i)
      fixed[i] = static_cast<int16_t>((values[i] * factor + kRounder) - kRounder);
  }

  static void candidates(const int16_t* fixed, int64_t count, const int16_t* multipliers,
                         Range range, FitSums& sums) {
    Lanes multiplier = {};
    for (int c = 0; c < kFour; ++c) multiplier[c] = static_cast<float>(multipliers[c]) / kOne;
    const Lanes lowest = Lanes{} + static_cast<float>(range.lowest);
    const Lanes highest = Lanes{} + static_cast<float>(range.highest);
    Lanes ly = {};
    Lanes ll = {};
    for (int64_t i = 0; i < count; ++i) {
      const auto y = static_cast<float>(fixed[i]);
      Lanes level = multiplier * y;
      level = level < lowest ? lowest : level;
      level = level > highest ? highest : level;
      level = (level + kRounder) - kRounder;
      ly += level * y;
      ll += level * level;
    }
    for (int c = 0; c < kFour; ++c) {
      sums.ly[c] = static_cast<int32_t>(ly[c]);
      sums.ll[c] = static_cast<int32_t>(ll[c]);
    }
  }

  static void encode(const float* values, int64_t count, float inverse, uint8_t* codes) {
    for (int64_t i = 0; i < count; i += 2)
      codes[i / 2] =
          static_cast<uint8_t>(code(values[i] * inverse) | (code(values[i + 1] * inverse) << 4));
  }

 private:
  static int code(float scaled) {
    const float low = scaled < -8.0f ? -8.0f : scaled;
    const float inside = low > 7.0f ? 7.0f : low;
    return static_cast<int>((inside + kRounder) - kRounder) + 8;
  }
};

constexpr FitLoops kLoops = {&search<PlainSteps>, &PlainSteps::encode};

}  // namespace

const FitLoops* fit_loops_plain() { return &kLoops; }

}  // namespace visavis::load
