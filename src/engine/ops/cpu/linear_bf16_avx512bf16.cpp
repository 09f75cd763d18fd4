// linear over dense bf16 weights with AVX512_BF16's dot products. Weights are transposed on the way
// (16 rows side by side), so that a broadcast pair of x feeds 16 outputs.
#include "engine/ops/cpu/linear_bf16.h"

#if defined(__AVX512BF16__)
#include "engine/ops/cpu/simd_avx512.h"
#include "engine/ops/cpu/unroll.h"

namespace visavis::ops {
namespace {

constexpr int64_t kBlockRows = 16;
constexpr int64_t kPairs = kBf16Columns / 2;
constexpr int kRowBlocks = 4;
constexpr int kTokens = 6;

inline __m512bh as_bf16(__m512i bits) { return reinterpret_cast<__m512bh>(bits); }

void round(const float* x, int64_t cols, int64_t padded, uint16_t* out) {
  for (int64_t i = 0; i < padded; i += kLanes) {
    const int64_t left = cols - i;
    const Vec values = load_first(x + i, left > kLanes ? kLanes : left < 0 ? 0 : left);
    const __m256bh rounded = _mm512_cvtneps_pbh(values);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), reinterpret_cast<__m256i>(rounded));
  }
}

// Columns [k, k + columns) of up to 16 rows as [columns / 2][16 rows] pairs, zero padded to 32
// columns.
void unpack_block(const uint16_t* w, int64_t rows, int64_t cols, int64_t k, int64_t columns,
                  uint16_t* out) {
  for (int64_t j = 0; j < columns; j += 32, out += 32 * kBlockRows) {
    const int64_t left = cols - k - j;
    const auto inside = static_cast<__mmask32>(left >= 32 ? ~0u : (1u << left) - 1);
    Vec in[16];
    for (int64_t r = 0; r < kBlockRows; ++r) {
      const uint16_t* at = w + r * cols + k + j;
      // Each row is a stream of its own, too many for the CPU's own prefetching.
      _mm_prefetch(reinterpret_cast<const char*>(at + 2 * kBf16Columns), _MM_HINT_T0);
      in[r] = r < rows ? _mm512_castsi512_ps(_mm512_maskz_loadu_epi16(inside, at)) : zeros();
    }
    transpose(in, reinterpret_cast<float*>(out), kBlockRows);
  }
}

// R blocks of rows x N tokens over `pairs` pairs of columns.
template <int R, int N>
inline void tile_tokens(const uint16_t* w, const uint16_t* x, int64_t x_stride, int64_t pairs,
                        bool first, float* c) {
  __m512 sums[N * R];
  each<N>(VISAVIS_BODY(t) {
    each<R>(VISAVIS_BODY(r) {
      sums[t * R + r] = first ? zeros() : load(c + t * kBf16Rows + r * kBlockRows);
    });
  });
  for (int64_t j = 0; j < pairs; ++j, w += 2 * kBlockRows, x += 2) {
    __m512i rows[R];
    each<R>(VISAVIS_BODY(r) { rows[r] = _mm512_loadu_si512(w + r * 2 * kBlockRows * kPairs); });
    each<N>(VISAVIS_BODY(t) {
      int32_t two;
      __builtin_memcpy(&two, x + t * x_stride, sizeof(two));
      const __m512i pair = _mm512_set1_epi32(two);
      each<R>(VISAVIS_BODY(r) {
        sums[t * R + r] = _mm512_dpbf16_ps(sums[t * R + r], as_bf16(rows[r]), as_bf16(pair));
      });
    });
  }
  each<N>(VISAVIS_BODY(t) {
    each<R>(VISAVIS_BODY(r) { store(c + t * kBf16Rows + r * kBlockRows, sums[t * R + r]); });
  });
}

template <int R, int N>
void tile_rest(const uint16_t* w, const uint16_t* x, int64_t x_stride, int64_t n, int64_t pairs,
               bool first, float* c) {
  if constexpr (N > 0) {
    if (n == N) return tile_tokens<R, N>(w, x, x_stride, pairs, first, c);
    tile_rest<R, N - 1>(w, x, x_stride, n, pairs, first, c);
  }
}

template <int R>
void tile_all(const uint16_t* w, const uint16_t* x, int64_t x_stride, int64_t n, int64_t pairs,
              bool first, float* c) {
  int64_t t = 0;
  for (; t + kTokens <= n; t += kTokens)
    tile_tokens<R, kTokens>(w, x + t * x_stride, x_stride, pairs, first, c + t * kBf16Rows);
  tile_rest<R, kTokens - 1>(w, x + t * x_stride, x_stride, n - t, pairs, first, c + t * kBf16Rows);
}

template <int R>
void tile_rows(int64_t blocks, const uint16_t* w, const uint16_t* x, int64_t x_stride, int64_t n,
               int64_t pairs, bool first, float* c) {
  if (blocks == R) return tile_all<R>(w, x, x_stride, n, pairs, first, c);
  if constexpr (R > 1) tile_rows<R - 1>(blocks, w, x, x_stride, n, pairs, first, c);
}

void multiply(const uint16_t* w, int64_t rows, int64_t cols, const uint16_t* x, int64_t x_stride,
              int64_t n, uint16_t* tile, float* c) {
  static_assert(kBf16Rows == kRowBlocks * kBlockRows);
  const int64_t blocks = (rows + kBlockRows - 1) / kBlockRows;
  for (int64_t k = 0; k < cols; k += kBf16Columns) {
    const int64_t columns = cols - k < kBf16Columns ? cols - k : kBf16Columns;
    for (int64_t b = 0; b < blocks; ++b)
      unpack_block(w + b * kBlockRows * cols, rows - b * kBlockRows, cols, k, columns,
                   tile + b * kBlockRows * kBf16Columns);
    tile_rows<kRowBlocks>(blocks, tile, x + k, x_stride, n, (columns + 1) / 2, k == 0, c);
  }
}

constexpr Bf16Simd kBf16Simd = {.round = round, .multiply = multiply};

}  // namespace

const Bf16Simd* bf16_simd_avx512bf16() { return &kBf16Simd; }

}  // namespace visavis::ops

#else

namespace visavis::ops {
const Bf16Simd* bf16_simd_avx512bf16() { return nullptr; }
}  // namespace visavis::ops

#endif
