// Loops whose index is a constant of the program: each<3>(f) is f(0), f(1), f(2). Arrays that are
// indexed so stay in registers; g++ unrolls ordinary loops too late to take them out of memory.
// Included by *_avx2.cpp and the like: internal linkage, nothing of std::.
#pragma once

namespace visavis::ops {
namespace {

template <int I>
struct Constant {
  constexpr operator int() const { return I; }  // NOLINT: it stands for the number
};

template <int N, class Body>
[[gnu::always_inline]] inline void each(const Body& body) {
  if constexpr (N > 0) {
    each<N - 1>(body);
    body(Constant<N - 1>{});
  }
}

}  // namespace
}  // namespace visavis::ops

/// A body for each(): captures by reference and is always inlined.
#define VISAVIS_BODY(index) [&](auto index) __attribute__((always_inline))
