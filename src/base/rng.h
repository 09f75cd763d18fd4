// Seeded random numbers that are the same on every machine and compiler (std:: distributions are
// not). Streams are derived from a seed and labels, so that the order of work changes nothing.
#pragma once

#include <cassert>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/hash.h"

namespace visavis::base {

/// SplitMix64 (Steele, Lea, Flood 2014): 64 bits of state, passes BigCrush.
class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}
  /// A stream of its own for (seed, label), e.g. label = "item 17 sample 0".
  Rng(uint64_t seed, std::string_view label) : state_(fnv1a(label, seed ^ 0xcbf29ce484222325ull)) {
    next();
  }

  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }

  /// Uniform in [0, 1) with 53 bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  /// Uniform in [0, bound) without bias; bound > 0.
  uint64_t below(uint64_t bound) {
    assert(bound > 0);
    const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    uint64_t value = next();
    while (value >= limit) value = next();
    return value % bound;
  }

  /// Fisher-Yates in place.
  template <class Container>
  void shuffle(Container& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  uint64_t state_;
};

}  // namespace visavis::base
