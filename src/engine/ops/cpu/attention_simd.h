// The part of the vectorised attention kernels that exists once per instruction set
// (attention_simd.inl implements it). It follows FlashAttention (Dao et al. 2022): keys pass in
// blocks of kKeyBlock; each query row keeps the largest score so far, the sum of its weights and
// its weighted values, and is corrected when a larger score comes. Which rows and keys, threads and
// scratch: attention_blocked.cpp.
//
// A row's result depends on its own keys only, block by block in order, and not on how many rows
// are computed together.
#pragma once

#include <cstdint>

namespace visavis::ops {

inline constexpr int64_t kKeyBlock = 64;

/// Running results of some query rows.
struct AttentionState {
  float* weighted;  // [rows, padded head_dim]
  float* largest;   // [rows] largest score so far, minus infinity before the first key
  float* sum;       // [rows] sum of weights relative to the largest score
};

/// One block of keys and values, packed.
struct KeyBlock {
  const float* keys;    // [head_dim, kKeyBlock], or pairs of bf16 [head_dim / 2, kKeyBlock]
  const float* values;  // [kKeyBlock, padded head_dim], or pairs [kKeyBlock / 2, padded]
  int64_t count;        // keys in it; zeros follow
};

/// One page of cached keys and values as it lies in the cache (KvView), kKeyBlock positions.
struct CachedBlock {
  enum class Format { f32, f16, i8 };
  Format format;
  const void* keys;         // [head_dim, kKeyBlock]
  const void* values;       // [kKeyBlock, head_dim]
  const float* key_scales;  // [kKeyBlock]; i8 only
  const float* value_scales;
  int64_t count;  // positions that have been written
};

struct AttentionSimd {
  int64_t lanes;  // head_dim is padded to a multiple of it
  /// Packs `count` rows of keys and values; the rest becomes zeros.
  /// keys [padded, kKeyBlock], values [kKeyBlock, padded], work [kKeyBlock, padded].
  void (*pack)(const float* const* key_rows, const float* const* value_rows, int64_t count,
               int64_t head_dim, float* keys, float* values, float* work);
  /// Row r attends to the first visible[r] keys of the block (none if <= 0).
  void (*attend)(const float* const* queries, const int64_t* visible, int64_t rows,
                 int64_t head_dim, float scale, const KeyBlock& block, const AttentionState& state);
  /// The same over cached keys and values; head_dim is a multiple of `lanes`.
  void (*attend_cached)(const float* const* queries, const int64_t* visible, int64_t rows,
                        int64_t head_dim, float scale, const CachedBlock& block,
                        const AttentionState& state);
  /// Adds what `from` saw to `into`: the two saw different keys.
  void (*merge)(const AttentionState& from, int64_t rows, int64_t head_dim,
                const AttentionState& into);
  /// Nothing seen yet.
  void (*clear)(const AttentionState& state, int64_t rows, int64_t head_dim);
  /// out[r][d] = weighted / sum.
  void (*finish)(const AttentionState& state, int64_t rows, int64_t head_dim, float* const* out);
};

/// Null where the compiler does not target the instruction set.
const AttentionSimd* attention_simd_avx2();
const AttentionSimd* attention_simd_avx512();
/// Rounds queries, keys, values and weights to bf16; blocks are packed in pairs, half as large.
const AttentionSimd* attention_simd_avx512bf16();
inline constexpr int64_t kLargestBf16Head = 256;

}  // namespace visavis::ops
