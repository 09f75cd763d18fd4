// Attention with AVX512_BF16's dot products: pairs of dimensions make a score, pairs of keys a
// weighted sum. Softmax, the running results and their corrections are those of the f32 kernels.
#include "engine/ops/cpu/attention_simd.h"

#if defined(__AVX512BF16__)
#include "engine/ops/cpu/simd_avx512.h"
#include "engine/ops/cpu/unroll.h"

#include "engine/ops/cpu/exp_simd.inl"

#include "engine/ops/cpu/attention_simd.inl"

namespace visavis::ops {
namespace {

// 32 values as 16 pairs; the first value of a pair in its low half.
inline Vec pairs_of(Vec first_16, Vec last_16) {
  return reinterpret_cast<Vec>(_mm512_cvtne2ps_pbh(last_16, first_16));
}
inline Vec dot_pairs(Vec sums, Vec a, Vec b) {
  return _mm512_dpbf16_ps(sums, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
}

// Values [d, d + 16) of a row of `count`, zeros behind its end.
inline Vec part_of(const float* row, int64_t count, int64_t d) {
  const int64_t left = count - d;
  return load_first(row + d, left > kLanes ? kLanes : left < 0 ? 0 : left);
}

// A row as pairs, whole vectors of them.
inline void round_row(const float* row, int64_t count, float* out) {
  for (int64_t d = 0; d < count; d += 32)
    store(out + d / 2, pairs_of(part_of(row, count, d), part_of(row, count, d + kLanes)));
}

void pack_pairs(const float* const* key_rows, const float* const* value_rows, int64_t count,
                int64_t head_dim, float* keys, float* values, float* work) {
  const int64_t padded = padded_to_lanes(head_dim);
  const int64_t pairs = (head_dim + 31) / 32 * kLanes;  // of one key, whole vectors
  for (int64_t j = 0; j < kKeyBlock; j += kLanes) {
    for (int64_t i = 0; i < kLanes; ++i) {
      float* out = work + i * pairs;
      if (j + i < count)
        round_row(key_rows[j + i], head_dim, out);
      else
        for (int64_t d = 0; d < pairs; d += kLanes) store(out + d, zeros());
    }
    for (int64_t d = 0; d < pairs; d += kLanes)
      transpose_block(work + d, pairs, keys + d * kKeyBlock + j, kKeyBlock);
  }
  const auto bits = [](Vec v) {
    return _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)));
  };
  for (int64_t j = 0; j < kKeyBlock; j += 2)
    for (int64_t d = 0; d < padded; d += kLanes) {
      const Vec even = j < count ? part_of(value_rows[j], head_dim, d) : zeros();
      const Vec odd = j + 1 < count ? part_of(value_rows[j + 1], head_dim, d) : zeros();
      const __m512i both = _mm512_or_si512(bits(even), _mm512_slli_epi32(bits(odd), 16));
      store(values + j / 2 * padded + d, _mm512_castsi512_ps(both));
    }
}

constexpr int kVectors = static_cast<int>(kKeyBlock / kLanes);  // of one row's scores

// 2^x within 4e-6, far below what rounding to bf16 leaves; 0 for anything below -150.
inline Vec exp2_of(Vec x) {
  const Vec n = round_to_int(x);
  const Vec r = sub(x, n);
  Vec p = set1(9.6181291e-3f);
  p = fma(p, r, set1(5.5504109e-2f));
  p = fma(p, r, set1(2.4022651e-1f));
  p = fma(p, r, set1(6.9314718e-1f));
  p = fma(p, r, set1(1.0f));
  return times_power_of_two(p, n);
}

// Scores in units of ln 2 to weights relative to the new largest score, in pairs of keys; returns
// the factor by which everything before shrinks. `largest` and `sum` are the row's, in the same
// unit.
inline float weigh_pairs(Vec (&scores)[kVectors], int64_t visible, float& largest, float& sum,
                         float* weights) {
  if (visible <= 0) {
    for (int64_t j = 0; j < kKeyBlock / 2; j += kLanes) store(weights + j, zeros());
    return 1.0f;
  }
  if (visible < kKeyBlock) {
    const Vec hidden = set1(-1e30f);
    const Vec seen = set1(static_cast<float>(visible));
    each<kVectors>(VISAVIS_BODY(i) {
      const Vec number = add(lane_numbers(), set1(static_cast<float>(i * kLanes)));
      scores[i] = if_less(number, seen, scores[i], hidden);
    });
  }
  const float before = largest;
  const float most = max_of(max(max(scores[0], scores[1]), max(scores[2], scores[3])));
  largest = most > before ? most : before;
  const Vec reference = set1(largest);
  each<kVectors>(VISAVIS_BODY(i) { scores[i] = exp2_of(sub(scores[i], reference)); });
  store(weights, pairs_of(scores[0], scores[1]));
  store(weights + kLanes, pairs_of(scores[2], scores[3]));
  const float shrink = _mm_cvtss_f32(first_of(exp2_of(set1(before - largest))));
  sum = sum * shrink + sum_of(add(add(scores[0], scores[1]), add(scores[2], scores[3])));
  return shrink;
}

// Scores of R rows with a whole block of keys, and the weights that follow from them.
template <int R>
inline void weigh_rows(const float* const* queries, const int64_t* visible, int64_t head_dim,
                       float scale, const float* keys, float* largest, float* sum,
                       float (&weights)[R][kKeyBlock / 2], float (&shrink)[R]) {
  alignas(64) float query[R][kLargestBf16Head / 2];
  for (int r = 0; r < R; ++r) round_row(queries[r], head_dim, query[r]);
  Vec acc[R * kVectors];
  each<R * kVectors>(VISAVIS_BODY(i) { acc[i] = zeros(); });
  for (int64_t d = 0; d < (head_dim + 1) / 2; ++d) {
    Vec key[kVectors];
    each<kVectors>(VISAVIS_BODY(i) { key[i] = load(keys + d * kKeyBlock + i * kLanes); });
    each<R>(VISAVIS_BODY(r) {
      const Vec pair = set1(query[r][d]);
      each<kVectors>(VISAVIS_BODY(i) {
        acc[r * kVectors + i] = dot_pairs(acc[r * kVectors + i], key[i], pair);
      });
    });
  }
  const Vec unit = set1(scale * 1.44269504f);
  each<R>(VISAVIS_BODY(r) {
    Vec scores[kVectors];
    each<kVectors>(VISAVIS_BODY(i) { scores[i] = mul(acc[r * kVectors + i], unit); });
    shrink[r] = weigh_pairs(scores, visible[r], largest[r], sum[r], weights[r]);
  });
}

// N vectors of columns; weights are pairs of keys.
template <int R, int N>
inline void gather_pairs(const float (&weights)[R][kKeyBlock / 2], const float (&shrink)[R],
                         int64_t count, const float* values, int64_t padded, float* weighted) {
  Vec acc[R * N];
  each<R>(VISAVIS_BODY(r) {
    each<N>(VISAVIS_BODY(i) {
      acc[r * N + i] = mul(load(weighted + r * padded + i * kLanes), set1(shrink[r]));
    });
  });
  for (int64_t j = 0; j < (count + 1) / 2; ++j) {
    Vec value[N];
    each<N>(VISAVIS_BODY(i) { value[i] = load(values + j * padded + i * kLanes); });
    each<R>(VISAVIS_BODY(r) {
      const Vec pair = set1(weights[r][j]);
      each<N>(VISAVIS_BODY(i) { acc[r * N + i] = dot_pairs(acc[r * N + i], value[i], pair); });
    });
  }
  each<R>(VISAVIS_BODY(r) {
    each<N>(VISAVIS_BODY(i) { store(weighted + r * padded + i * kLanes, acc[r * N + i]); });
  });
}

template <int R>
void attend_pairs(const float* const* queries, const int64_t* visible, int64_t head_dim,
                  float scale, const KeyBlock& block, float* weighted, float* largest, float* sum) {
  float shrink[R];
  alignas(64) float weights[R][kKeyBlock / 2];
  weigh_rows<R>(queries, visible, head_dim, scale, block.keys, largest, sum, weights, shrink);
  const int64_t padded = padded_to_lanes(head_dim);
  for (int64_t d = 0; d < padded;) {
    const int64_t vectors = (padded - d) / kLanes;
    const int64_t pieces = (vectors + kValueVectors - 1) / kValueVectors;
    const int64_t piece = (vectors + pieces - 1) / pieces;
    const float* values = block.values + d;
    if (piece == 4)
      gather_pairs<R, 4>(weights, shrink, block.count, values, padded, weighted + d);
    else if (piece == 3)
      gather_pairs<R, 3>(weights, shrink, block.count, values, padded, weighted + d);
    else if (piece == 2)
      gather_pairs<R, 2>(weights, shrink, block.count, values, padded, weighted + d);
    else
      gather_pairs<R, 1>(weights, shrink, block.count, values, padded, weighted + d);
    d += piece * kLanes;
  }
}

template <int R>
void attend_pairs_up_to(const float* const* queries, const int64_t* visible, int64_t rows,
                        int64_t head_dim, float scale, const KeyBlock& block, float* weighted,
                        float* largest, float* sum) {
  if (rows == R)
    return attend_pairs<R>(queries, visible, head_dim, scale, block, weighted, largest, sum);
  if constexpr (R > 1)
    attend_pairs_up_to<R - 1>(queries, visible, rows, head_dim, scale, block, weighted, largest,
                              sum);
}

void attend_in_pairs(const float* const* queries, const int64_t* visible, int64_t rows,
                     int64_t head_dim, float scale, const KeyBlock& block,
                     const AttentionState& state) {
  const int64_t padded = padded_to_lanes(head_dim);
  for (int64_t r = 0; r < rows; r += kQueriesPerTile) {
    const int64_t some = rows - r < kQueriesPerTile ? rows - r : kQueriesPerTile;
    attend_pairs_up_to<kQueriesPerTile>(queries + r, visible + r, some, head_dim, scale, block,
                                        state.weighted + r * padded, state.largest + r,
                                        state.sum + r);
  }
}

// The largest score is kept in units of ln 2.
constexpr AttentionSimd kInPairs = {.lanes = kLanes,
                                    .pack = pack_pairs,
                                    .attend = attend_in_pairs,
                                    .attend_cached = nullptr,  // for segments only
                                    .merge = nullptr,          // a segment's keys are one range
                                    .clear = clear,
                                    .finish = finish_rows};

}  // namespace

const AttentionSimd* attention_simd_avx512bf16() { return &kInPairs; }

}  // namespace visavis::ops

#else

namespace visavis::ops {
const AttentionSimd* attention_simd_avx512bf16() { return nullptr; }
}  // namespace visavis::ops

#endif
