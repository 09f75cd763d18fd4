// Attention of a few query rows over one block of keys, written on Vec. Included by
// attention_avx2.cpp and attention_avx512.cpp after the simd header and exp_simd.inl.

namespace visavis::ops {
namespace {

constexpr float kMinusInfinity = -__builtin_inff();

inline int64_t padded_to_lanes(int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

// Copies one row as f32, zero padded.
inline void widen(const void* row, bool halves, int64_t count, float* out) {
  if (!halves) {
    const float* from = static_cast<const float*>(row);
    for (int64_t d = 0; d < count; d += kLanes)
      store(out + d, load_first(from + d, count - d < kLanes ? count - d : kLanes));
    return;
  }
  const uint16_t* from = static_cast<const uint16_t*>(row);
  int64_t d = 0;
  for (; d + kLanes <= count; d += kLanes) store(out + d, load_f16(from + d));
  if (d == count) return;
  for (int64_t i = d; i < d + kLanes; ++i) out[i] = i < count ? half_to_float(from[i]) : 0.0f;
}

void pack(const void* const* key_rows, const void* const* value_rows, bool halves, int64_t count,
          int64_t head_dim, float* keys, float* values, float* work) {
  const int64_t padded = padded_to_lanes(head_dim);
  for (int64_t j = 0; j < count; ++j) {
    widen(key_rows[j], halves, head_dim, work + j * padded);
    widen(value_rows[j], halves, head_dim, values + j * padded);
  }
  for (int64_t i = count * padded; i < kKeyBlock * padded; i += kLanes) {
    store(work + i, zeros());
    store(values + i, zeros());
  }
  for (int64_t j = 0; j < kKeyBlock; j += kLanes)
    for (int64_t d = 0; d < padded; d += kLanes)
      transpose_block(work + j * padded + d, padded, keys + d * kKeyBlock + j, kKeyBlock);
}

// scores[r][j] = queries[r] . key j, for R rows and the whole block.
template <int R>
inline void score_rows(const float* const* queries, int64_t head_dim, const float* keys,
                       float (&scores)[R][kKeyBlock]) {
  for (int64_t j = 0; j < kKeyBlock; j += kKeyVectors * kLanes) {
    Vec acc[R][kKeyVectors];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int i = 0; i < kKeyVectors; ++i) acc[r][i] = zeros();
    for (int64_t d = 0; d < head_dim; ++d) {
      Vec key[kKeyVectors];
#pragma GCC unroll 8
      for (int i = 0; i < kKeyVectors; ++i) key[i] = load(keys + d * kKeyBlock + j + i * kLanes);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const Vec query = set1(queries[r][d]);
#pragma GCC unroll 8
        for (int i = 0; i < kKeyVectors; ++i) acc[r][i] = fma(query, key[i], acc[r][i]);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int i = 0; i < kKeyVectors; ++i) store(&scores[r][j + i * kLanes], acc[r][i]);
  }
}

// Turns one row's scores into weights relative to the new largest score, zero for keys that it does
// not see; returns the factor by which everything before shrinks.
inline float weigh(float* scores, int64_t visible, float scale, float& largest, float& sum) {
  if (visible <= 0) {
    for (int64_t j = 0; j < kKeyBlock; j += kLanes) store(scores + j, zeros());
    return 1.0f;
  }
  const Vec factor = set1(scale);
  const Vec hidden = set1(kMinusInfinity);
  const Vec seen = set1(static_cast<float>(visible));
  Vec most = set1(largest);
  for (int64_t j = 0; j < kKeyBlock; j += kLanes) {
    const Vec number = add(lane_numbers(), set1(static_cast<float>(j)));
    const Vec score = if_less(number, seen, mul(load(scores + j), factor), hidden);
    store(scores + j, score);
    most = max(score, most);
  }
  const float before = largest;
  largest = max_of(most);
  const Vec reference = set1(largest);
  Vec total = zeros();
  for (int64_t j = 0; j < kKeyBlock; j += kLanes) {
    const Vec weight = exp_of(sub(load(scores + j), reference));
    store(scores + j, weight);
    total = add(total, weight);
  }
  const float shrink = _mm_cvtss_f32(first_of(exp_of(set1(before - largest))));
  sum = sum * shrink + sum_of(total);
  return shrink;
}

// weighted[r] = weighted[r] * shrink[r] + weights[r] . values, for R rows and N vectors of columns.
template <int R, int N>
inline void gather_values(const float (&weights)[R][kKeyBlock], const float (&shrink)[R],
                          int64_t count, const float* values, int64_t padded, float* weighted) {
  Vec acc[R][N];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i)
      acc[r][i] = mul(load(weighted + r * padded + i * kLanes), set1(shrink[r]));
  for (int64_t j = 0; j < count; ++j) {
    Vec value[N];
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) value[i] = load(values + j * padded + i * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vec weight = set1(weights[r][j]);
#pragma GCC unroll 8
      for (int i = 0; i < N; ++i) acc[r][i] = fma(weight, value[i], acc[r][i]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) store(weighted + r * padded + i * kLanes, acc[r][i]);
}

template <int R>
void attend_rows(const float* const* queries, const int64_t* visible, int64_t head_dim, float scale,
                 const KeyBlock& block, float* weighted, float* largest, float* sum) {
  alignas(64) float scores[R][kKeyBlock];
  score_rows<R>(queries, head_dim, block.keys, scores);
  float shrink[R];
  for (int r = 0; r < R; ++r) shrink[r] = weigh(scores[r], visible[r], scale, largest[r], sum[r]);
  const int64_t padded = padded_to_lanes(head_dim);
  for (int64_t d = 0; d < padded;) {
    const int64_t vectors = (padded - d) / kLanes;
    // Equal pieces (5 = 3 + 2) keep the multiply-adds busy better than 4 + 1.
    const int64_t pieces = (vectors + kValueVectors - 1) / kValueVectors;
    const int64_t piece = (vectors + pieces - 1) / pieces;
    const float* values = block.values + d;
    if (kValueVectors >= 4 && piece == 4)
      gather_values<R, 4>(scores, shrink, block.count, values, padded, weighted + d);
    else if (kValueVectors >= 3 && piece == 3)
      gather_values<R, 3>(scores, shrink, block.count, values, padded, weighted + d);
    else if (piece == 2)
      gather_values<R, 2>(scores, shrink, block.count, values, padded, weighted + d);
    else
      gather_values<R, 1>(scores, shrink, block.count, values, padded, weighted + d);
    d += piece * kLanes;
  }
}

void attend(const float* const* queries, const int64_t* visible, int64_t rows, int64_t head_dim,
            float scale, const KeyBlock& block, const AttentionState& state) {
  static_assert(kQueriesPerTile == 6);
  const int64_t padded = padded_to_lanes(head_dim);
  for (int64_t r = 0; r < rows; r += kQueriesPerTile) {
    const int64_t some = rows - r < kQueriesPerTile ? rows - r : kQueriesPerTile;
    bool any = false;
    for (int64_t i = 0; i < some; ++i) any = any || visible[r + i] > 0;
    if (!any) continue;
    const float* const* q = queries + r;
    const int64_t* seen = visible + r;
    float* weighted = state.weighted + r * padded;
    float* largest = state.largest + r;
    float* sum = state.sum + r;
    switch (some) {
      case 1:
        attend_rows<1>(q, seen, head_dim, scale, block, weighted, largest, sum);
        break;
      case 2:
        attend_rows<2>(q, seen, head_dim, scale, block, weighted, largest, sum);
        break;
      case 3:
        attend_rows<3>(q, seen, head_dim, scale, block, weighted, largest, sum);
        break;
      case 4:
        attend_rows<4>(q, seen, head_dim, scale, block, weighted, largest, sum);
        break;
      case 5:
        attend_rows<5>(q, seen, head_dim, scale, block, weighted, largest, sum);
        break;
      default:
        attend_rows<6>(q, seen, head_dim, scale, block, weighted, largest, sum);
        break;
    }
  }
}

void merge(const AttentionState& from, int64_t rows, int64_t head_dim, const AttentionState& into) {
  const int64_t padded = padded_to_lanes(head_dim);
  for (int64_t r = 0; r < rows; ++r) {
    if (from.largest[r] == kMinusInfinity) continue;
    const float most = from.largest[r] > into.largest[r] ? from.largest[r] : into.largest[r];
    const Vec theirs = exp_of(set1(from.largest[r] - most));
    const Vec ours = exp_of(set1(into.largest[r] - most));
    for (int64_t d = 0; d < padded; d += kLanes) {
      float* at = into.weighted + r * padded + d;
      store(at, fma(load(from.weighted + r * padded + d), theirs, mul(load(at), ours)));
    }
    into.sum[r] =
        from.sum[r] * _mm_cvtss_f32(first_of(theirs)) + into.sum[r] * _mm_cvtss_f32(first_of(ours));
    into.largest[r] = most;
  }
}

void clear(const AttentionState& state, int64_t rows, int64_t head_dim) {
  const int64_t padded = padded_to_lanes(head_dim);
  for (int64_t i = 0; i < rows * padded; i += kLanes) store(state.weighted + i, zeros());
  for (int64_t r = 0; r < rows; ++r) {
    state.largest[r] = kMinusInfinity;
    state.sum[r] = 0;
  }
}

void finish_rows(const AttentionState& state, int64_t rows, int64_t head_dim, float* const* out) {
  const int64_t padded = padded_to_lanes(head_dim);
  for (int64_t r = 0; r < rows; ++r) {
    const Vec share = set1(1.0f / state.sum[r]);
    for (int64_t d = 0; d < head_dim; d += kLanes)
      store_first(out[r] + d, mul(load(state.weighted + r * padded + d), share),
                  head_dim - d < kLanes ? head_dim - d : kLanes);
  }
}

constexpr AttentionSimd kAttentionSimd = {.lanes = kLanes,
                                          .pack = pack,
                                          .attend = attend,
                                          .merge = merge,
                                          .clear = clear,
                                          .finish = finish_rows};

}  // namespace
}  // namespace visavis::ops
