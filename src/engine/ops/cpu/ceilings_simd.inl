// The loops of ceilings.h on Vec. Included after simd_avx2.h or simd_avx512.h.

namespace visavis::ops {
namespace {

constexpr int kChains = 12;  // enough independent additions to hide their latency

// kStreams places at once, each asking for what lies kAhead bytes further on (0: nothing). kNear is
// __builtin_prefetch's locality: 0 = past the caches, 3 = into all of them.
template <int kStreams, int kAhead, int kNear>
float read_all(const float* data, int64_t bytes) {
  constexpr int kVectors = 8;
  constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(float));
  const int64_t stream = bytes / kStreams / static_cast<int64_t>(sizeof(float));
  Vec acc[kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < kVectors; ++i) acc[i] = zeros();
  for (int64_t k = 0; k < stream; k += kVectors * kLanes) {
#pragma GCC unroll 8
    for (int s = 0; s < kStreams; ++s) {
      const float* from = data + s * stream + k;
      if constexpr (kAhead > 0) {
#pragma GCC unroll 8
        for (int64_t i = 0; i < kVectors * kLanes; i += kLine)
          __builtin_prefetch(reinterpret_cast<const char*>(from + i) + kAhead, 0, kNear);
      }
#pragma GCC unroll 8
      for (int i = 0; i < kVectors; ++i) acc[i] = add(acc[i], load(from + i * kLanes));
    }
  }
  Vec total = zeros();
  for (int i = 0; i < kVectors; ++i) total = add(total, acc[i]);
  return sum_of(total);
}

constexpr ReadLoop kReads[] = {read_all<1, 0, 0>, read_all<1, 4096, 0>, read_all<8, 512, 3>};

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
    .reads = kReads,
    .multiply = {.name = "fma", .run = multiply_all, .ops_per_round = 2 * kChains * kLanes}};

}  // namespace
}  // namespace visavis::ops
