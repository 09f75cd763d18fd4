// Attention of a few query rows over one block of keys, written on Vec. Included by
// attention_avx2.cpp and attention_avx512.cpp after the simd header and exp_simd.inl.

namespace visavis::ops {
namespace {

constexpr float kMinusInfinity = -__builtin_inff();

template <int I>
struct Number {
  static constexpr int kValue = I;
};

inline int64_t padded_to_lanes(int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

// Copies one row, zero padded.
inline void copy_row(const float* from, int64_t count, float* out) {
  for (int64_t d = 0; d < count; d += kLanes)
    store(out + d, load_first(from + d, count - d < kLanes ? count - d : kLanes));
}

void pack(const float* const* key_rows, const float* const* value_rows, int64_t count,
          int64_t head_dim, float* keys, float* values, float* work) {
  const int64_t padded = padded_to_lanes(head_dim);
  for (int64_t j = 0; j < count; ++j) {
    copy_row(key_rows[j], head_dim, work + j * padded);
    copy_row(value_rows[j], head_dim, values + j * padded);
  }
  for (int64_t i = count * padded; i < kKeyBlock * padded; i += kLanes) {
    store(work + i, zeros());
    store(values + i, zeros());
  }
  for (int64_t j = 0; j < kKeyBlock; j += kLanes)
    for (int64_t d = 0; d < padded; d += kLanes)
      transpose_block(work + j * padded + d, padded, keys + d * kKeyBlock + j, kKeyBlock);
}

// How keys and values are held: kLanes of them from element `at` on.
struct F32 {
  static Vec values(const void* data, int64_t at) {
    return load(static_cast<const float*>(data) + at);
  }
};
struct F16 {
  static Vec values(const void* data, int64_t at) {
    return load_f16(static_cast<const uint16_t*>(data) + at);
  }
};
struct I8 {
  static Vec values(const void* data, int64_t at) {
    return load_i8(static_cast<const int8_t*>(data) + at);
  }
};

// scores[r][j] = queries[r] . key j, for R rows and the whole block.
template <class Held, int R>
inline void score_rows(const float* const* queries, int64_t head_dim, const void* keys,
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
      for (int i = 0; i < kKeyVectors; ++i) key[i] = Held::values(keys, d * kKeyBlock + j + i * kLanes);
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
template <class Held, int R, int N>
inline void gather_values(const float (&weights)[R][kKeyBlock], const float (&shrink)[R],
                          int64_t count, const void* values, int64_t first, int64_t padded,
                          float* weighted) {
  Vec acc[R][N];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i)
      acc[r][i] = mul(load(weighted + r * padded + i * kLanes), set1(shrink[r]));
  for (int64_t j = 0; j < count; ++j) {
    Vec value[N];
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) value[i] = Held::values(values, j * padded + first + i * kLanes);
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

// As much of a block as both kinds of it have; scales are null but for i8.
struct AnyBlock {
  const void* keys;
  const void* values;
  const float* key_scales;
  const float* value_scales;
  int64_t count;
};

template <int R>
inline void scale_rows(const float* by, float (&rows)[R][kKeyBlock]) {
  if (by == nullptr) return;
  for (int r = 0; r < R; ++r)
    for (int64_t j = 0; j < kKeyBlock; j += kLanes)
      store(&rows[r][j], mul(load(&rows[r][j]), load(by + j)));
}

template <class Held, int R>
void attend_rows(const float* const* queries, const int64_t* visible, int64_t head_dim, float scale,
                 const AnyBlock& block, float* weighted, float* largest, float* sum) {
  alignas(64) float scores[R][kKeyBlock];
  score_rows<Held, R>(queries, head_dim, block.keys, scores);
  scale_rows<R>(block.key_scales, scores);
  float shrink[R];
  for (int r = 0; r < R; ++r) shrink[r] = weigh(scores[r], visible[r], scale, largest[r], sum[r]);
  scale_rows<R>(block.value_scales, scores);
  const int64_t padded = padded_to_lanes(head_dim);
  for (int64_t d = 0; d < padded;) {
    const int64_t vectors = (padded - d) / kLanes;
    // Equal pieces (5 = 3 + 2) keep the multiply-adds busy better than 4 + 1.
    const int64_t pieces = (vectors + kValueVectors - 1) / kValueVectors;
    const int64_t piece = (vectors + pieces - 1) / pieces;
    const auto gather = [&](auto vectors_at_once) {
      gather_values<Held, R, decltype(vectors_at_once)::kValue>(scores, shrink, block.count,
                                                                block.values, d, padded,
                                                                weighted + d);
    };
    if (kValueVectors >= 4 && piece == 4)
      gather(Number<4>{});
    else if (kValueVectors >= 3 && piece == 3)
      gather(Number<3>{});
    else if (piece == 2)
      gather(Number<2>{});
    else
      gather(Number<1>{});
    d += piece * kLanes;
  }
}

template <class Held, int R>
void attend_up_to(const float* const* queries, const int64_t* visible, int64_t rows,
                  int64_t head_dim, float scale, const AnyBlock& block, float* weighted,
                  float* largest, float* sum) {
  if (rows == R)
    return attend_rows<Held, R>(queries, visible, head_dim, scale, block, weighted, largest, sum);
  if constexpr (R > 1)
    attend_up_to<Held, R - 1>(queries, visible, rows, head_dim, scale, block, weighted, largest,
                              sum);
}

template <class Held>
void attend_block(const float* const* queries, const int64_t* visible, int64_t rows,
                  int64_t head_dim, float scale, const AnyBlock& block,
                  const AttentionState& state) {
  const int64_t padded = padded_to_lanes(head_dim);
  for (int64_t r = 0; r < rows; r += kQueriesPerTile) {
    const int64_t some = rows - r < kQueriesPerTile ? rows - r : kQueriesPerTile;
    bool any = false;
    for (int64_t i = 0; i < some; ++i) any = any || visible[r + i] > 0;
    if (!any) continue;
    attend_up_to<Held, kQueriesPerTile>(queries + r, visible + r, some, head_dim, scale, block,
                                        state.weighted + r * padded, state.largest + r,
                                        state.sum + r);
  }
}

void attend(const float* const* queries, const int64_t* visible, int64_t rows, int64_t head_dim,
            float scale, const KeyBlock& block, const AttentionState& state) {
  const AnyBlock any = {block.keys, block.values, nullptr, nullptr, block.count};
  attend_block<F32>(queries, visible, rows, head_dim, scale, any, state);
}

void attend_cached(const float* const* queries, const int64_t* visible, int64_t rows,
                   int64_t head_dim, float scale, const CachedBlock& block,
                   const AttentionState& state) {
  const AnyBlock any = {block.keys, block.values, block.key_scales, block.value_scales,
                        block.count};
  switch (block.format) {
    case CachedBlock::Format::f32:
      return attend_block<F32>(queries, visible, rows, head_dim, scale, any, state);
    case CachedBlock::Format::f16:
      return attend_block<F16>(queries, visible, rows, head_dim, scale, any, state);
    case CachedBlock::Format::i8:
      return attend_block<I8>(queries, visible, rows, head_dim, scale, any, state);
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
                                          .attend_cached = attend_cached,
                                          .merge = merge,
                                          .clear = clear,
                                          .finish = finish_rows};

}  // namespace
}  // namespace visavis::ops
