// The loops of ceilings.h on Vec. Included after simd_avx2.h or simd_avx512.h.

namespace visavis::ops {
namespace {

constexpr int kChains = 12;  // enough independent additions to hide their latency

float read_all(const float* data, int64_t bytes) {
  Vec acc[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) acc[i] = zeros();
  const int64_t count = bytes / 4;
  for (int64_t k = 0; k < count; k += 8 * kLanes)
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) acc[i] = add(acc[i], load(data + k + i * kLanes));
  Vec total = zeros();
  for (int i = 0; i < 8; ++i) total = add(total, acc[i]);
  return sum_of(total);
}

float multiply_all(int64_t rounds, float start) {
  Vec acc[kChains];
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) acc[i] = set1(start + static_cast<float>(i));
  const Vec factor = set1(0.999f);
  const Vec term = set1(start);
  for (int64_t k = 0; k < rounds; ++k)
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) acc[i] = fma(acc[i], factor, term);
  Vec total = zeros();
  for (int i = 0; i < kChains; ++i) total = add(total, acc[i]);
  return sum_of(total);
}

constexpr CeilingLoops kCeilingLoops = {
    .read = read_all, .multiply = multiply_all, .flops_per_round = 2 * kChains * kLanes};

}  // namespace
}  // namespace visavis::ops
