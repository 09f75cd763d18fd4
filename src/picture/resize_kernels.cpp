#include "picture/resize_kernels.h"

#include <algorithm>

namespace visavis::picture {
namespace {

template <class Weight>
void add_rows(const uint8_t* in, int64_t stride, const Weight* weights, int64_t taps, int precision,
              int64_t count, uint8_t* out) {
  constexpr int64_t kBlock = 32;
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const int64_t width = std::min(kBlock, count - begin);
    int32_t sums[kBlock];
    std::fill(sums, sums + kBlock, int32_t{1} << (precision - 1));
    for (int64_t k = 0; k < taps; ++k) {
      const uint8_t* row = in + k * stride + begin;
      const int32_t weight = weights[k];
      for (int64_t j = 0; j < width; ++j) sums[j] += weight * row[j];
    }
    for (int64_t j = 0; j < width; ++j) {
      out[begin + j] = static_cast<uint8_t>(std::clamp(sums[j] >> precision, 0, 255));
    }
  }
}

}  // namespace

void weighted_rows_plain(const uint8_t* in, int64_t stride, const int16_t* weights, int64_t taps,
                         int precision, int64_t count, uint8_t* out) {
  add_rows(in, stride, weights, taps, precision, count, out);
}

void weighted_rows_fine(const uint8_t* in, int64_t stride, const int32_t* weights, int64_t taps,
                        int64_t count, uint8_t* out) {
  add_rows(in, stride, weights, taps, kFinePrecision, count, out);
}

WeightedRows weighted_rows() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return &weighted_rows_avx2;
#endif
  return &weighted_rows_plain;
}

}  // namespace visavis::picture
