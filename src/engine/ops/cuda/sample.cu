// One block draws one token. Probabilities are integers, so that their sums do not depend on the
// order of threads. The least logit that stays is found digit by digit from the highest: by counts
// for top-k, by probability for top-p.
#include "engine/ops/cuda/sample.h"
#include "engine/ops/cuda/value.cuh"

namespace visavis::ops::cuda {
namespace {

constexpr int kThreads = 1024;
constexpr int kDigits = 256;
constexpr float kOne = 1099511627776.0f;  // 2^40: the most likely token's weight

// Larger floats have larger keys.
__device__ uint32_t key_of(float x) {
  const uint32_t bits = __float_as_uint(x);
  return bits >> 31 != 0 ? ~bits : bits | 0x80000000u;
}

__device__ float value_of(uint32_t key) {
  return __uint_as_float(key >> 31 != 0 ? key & 0x7FFFFFFFu : ~key);
}

// Copies of the digits' sums: threads that add to the same one at a time wait for each other.
constexpr int kCopies = 16;

struct Shared {
  uint64_t digits[kCopies][kDigits];
  uint64_t sums[kThreads / kWarp];
  float room[kThreads / kWarp];
  uint32_t prefix;
  uint64_t above;  // what lies above the prefix
};

// The sum over all threads before this one; `total` over all.
__device__ uint64_t sum_before(uint64_t value, Shared& shared, uint64_t& total) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  uint64_t sum = value;
  for (int far = 1; far < kWarp; far *= 2) {
    const uint64_t other = __shfl_up_sync(0xFFFFFFFFu, sum, static_cast<unsigned>(far));
    if (lane >= far) sum += other;
  }
  __syncthreads();  // sums may still be read
  if (lane == kWarp - 1) shared.sums[warp] = sum;
  __syncthreads();
  uint64_t before = 0;
  total = 0;
  for (int w = 0; w < kThreads / kWarp; ++w) {
    if (w < warp) before += shared.sums[w];
    total += shared.sums[w];
  }
  return before + sum - value;
}

struct Row {
  const float* logits;
  int count;
  float temperature;
  float largest;

  __device__ float value(int i) const { return __fdiv_rn(logits[i], temperature); }
  __device__ uint64_t weight(float value) const {
    return static_cast<uint64_t>(expf(value - largest) * kOne);
  }
};

// The largest key at or above which lies at least `wanted`, counted in items or in weight; `above`:
// what lies above it alone.
template <bool kWeighed>
__device__ uint32_t find_key(const Row& row, uint32_t least, uint64_t wanted, Shared& shared,
                             uint64_t& above) {
  uint32_t prefix = 0;
  above = 0;
  for (int shift = 24; shift >= 0; shift -= 8) {
    for (int d = static_cast<int>(threadIdx.x); d < kCopies * kDigits; d += kThreads)
      shared.digits[d / kDigits][d % kDigits] = 0;
    __syncthreads();
    uint64_t* digits = shared.digits[threadIdx.x / kWarp % kCopies];
    for (int i = static_cast<int>(threadIdx.x); i < row.count; i += kThreads) {
      const float value = row.value(i);
      const uint32_t key = key_of(value);
      if (key < least || (shift < 24 && (key ^ prefix) >> (shift + 8) != 0)) continue;
      const uint64_t share = kWeighed ? row.weight(value) : 1;
      atomicAdd(reinterpret_cast<unsigned long long*>(&digits[key >> shift & 255u]),
                static_cast<unsigned long long>(share));
    }
    __syncthreads();
    if (threadIdx.x < kDigits) {
      uint64_t sum = 0;
      for (int c = 0; c < kCopies; ++c) sum += shared.digits[c][threadIdx.x];
      shared.digits[0][threadIdx.x] = sum;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      int digit = kDigits - 1;
      while (digit > 0 && above + shared.digits[0][digit] < wanted)
        above += shared.digits[0][digit--];
      shared.prefix = prefix | static_cast<uint32_t>(digit) << shift;
      shared.above = above;
    }
    __syncthreads();
    prefix = shared.prefix;
    above = shared.above;
  }
  return prefix;
}

__global__ void __launch_bounds__(kThreads, 1) sample_kernel(SampleArgs args) {
  __shared__ Shared shared;
  Row row{args.logits, args.count, args.temperature, 0};
  float largest = -INFINITY;
  bool finite = true;
  for (int i = static_cast<int>(threadIdx.x); i < row.count; i += kThreads) {
    finite = finite && isfinite(row.logits[i]);
    largest = fmaxf(largest, row.value(i));
  }
  row.largest = block_max(largest, shared.room);
  if (__syncthreads_and(finite) == 0) {
    if (threadIdx.x == 0) *args.id = -1;
    return;
  }

  uint32_t least = 0;  // keys below it are out
  uint64_t above = 0;  // of what lies above it
  if (args.top_k > 0 && args.top_k < row.count)
    least = find_key<false>(row, 0, static_cast<uint64_t>(args.top_k), shared, above);

  // Each thread takes neighbouring ids, so that the sums before it are those of smaller ids.
  const int each = (row.count + kThreads - 1) / kThreads;
  const int begin = min(row.count, static_cast<int>(threadIdx.x) * each);
  const int end = min(row.count, begin + each);
  uint64_t ties = ~uint64_t{0};  // how many with the least key stay, those of the smallest ids
  if (args.top_p < 1) {
    uint64_t own = 0;
    for (int i = begin; i < end; ++i) {
      const float value = row.value(i);
      if (key_of(value) >= least) own += row.weight(value);
    }
    uint64_t total;
    sum_before(own, shared, total);
    const auto wanted =
        static_cast<uint64_t>(ceil(static_cast<double>(args.top_p) * static_cast<double>(total)));
    least = find_key<true>(row, least, wanted, shared, above);
    const uint64_t weight = row.weight(value_of(least));
    const uint64_t missing = wanted > above ? wanted - above : 0;
    ties = weight == 0 ? 1 : max(uint64_t{1}, (missing + weight - 1) / weight);
  }

  uint64_t own_ties = 0;
  for (int i = begin; i < end; ++i) own_ties += key_of(row.value(i)) == least ? 1 : 0;
  uint64_t all_ties;
  const uint64_t ties_before = sum_before(own_ties, shared, all_ties);
  const auto walk = [&](auto&& visit) {
    uint64_t tie = ties_before;
    for (int i = begin; i < end; ++i) {
      const float value = row.value(i);
      const uint32_t key = key_of(value);
      if (key > least || (key == least && tie++ < ties)) visit(i, row.weight(value));
    }
  };
  uint64_t own = 0;
  walk([&](int, uint64_t weight) { own += weight; });
  uint64_t total;
  const uint64_t before = sum_before(own, shared, total);
  const uint64_t goal =
      min(static_cast<uint64_t>(args.uniform * static_cast<double>(total)), total - 1);
  if (goal < before || goal >= before + own) return;
  uint64_t sum = before;
  walk([&](int i, uint64_t weight) {
    if (goal >= sum && goal < sum + weight) *args.id = i;
    sum += weight;
  });
}

}  // namespace

void sample(const SampleArgs& args, cudaStream_t stream) {
  sample_kernel<<<1, kThreads, 0, stream>>>(args);
  launched("sample");
}

}  // namespace visavis::ops::cuda
