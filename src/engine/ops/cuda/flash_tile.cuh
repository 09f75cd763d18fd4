// Attention of a block of queries over tiles of 64 keys without a score matrix: scores, softmax
// with a running maximum and the weighted sum of values stay in registers. One thread block owns
// kWarps * kTiles * 16 queries of one head; who fills the tiles of keys and values in shared memory
// (a picture's rows, the paged cache) is the caller's business.
#pragma once

#include "engine/ops/cuda/matrix_unit.cuh"

namespace visavis::ops::cuda {

constexpr int kKeysPerTile = 64;
constexpr float kLog2E = 1.4426950408889634f;

/// Shared-memory row of `values` 16-bit values: an odd number of 16-byte pieces, so that eight
/// successive rows begin in different banks.
__host__ __device__ constexpr int padded_row(int values) { return ((values / 8) | 1) * 8; }

/// Tiles of keys and values in shared memory: two where copies run beside the products, one where
/// they do not (before Ampere) and shared memory is small.
constexpr int kAsynchronousCopies = 80;  // Device::code that has them
constexpr int kStagesWithCopies = 2;
constexpr int kStagesWithout = 1;

/// kKeysByDim: a tile of keys lies [head_dim, 64 keys], as in the cache; else [64 keys, head_dim].
template <class T, int kHeadDim, int kTiles, int kWarps, bool kKeysByDim>
struct FlashTile {
  static_assert(kHeadDim % 8 == 0);
  static constexpr int kQueries = kWarps * kTiles * 16;
  static constexpr int kThreads = kWarps * 32;
  static constexpr int kRow = padded_row(kHeadDim);
  static constexpr int kKeyRow = kKeysByDim ? padded_row(kKeysPerTile) : kRow;
  static constexpr int kKeyValues = kKeysByDim ? kHeadDim * kKeyRow : kKeysPerTile * kKeyRow;
  static constexpr int kValueValues = kKeysPerTile * kRow;
  static constexpr int kQueryValues = kQueries * kRow;
  static constexpr int shared_bytes(int stages) {
    return (kQueryValues + stages * (kKeyValues + kValueValues)) * static_cast<int>(sizeof(T));
  }

  static constexpr int kDeep = kHeadDim / 16;            // 16-deep steps of a score
  static constexpr bool kHalfStep = kHeadDim % 16 != 0;  // and one 8 deep
  static constexpr int kWide = kHeadDim / 8;             // 8-wide columns of the result
  static constexpr int kColumns = kKeysPerTile / 8;
  // Below this width the queries' fragments fit into registers beside the sums.
  static constexpr bool kKeepQueries = kTiles == 1 || kHeadDim <= 80;
  // A maximum may be exceeded by this much (as a power of two) before sums are scaled again.
  static constexpr float kSlack = 8.0f;

  using Unit = MatrixUnit<T>;

  float sums[kTiles][kWide][4];
  float top[kTiles][2];    // the maximum that exponents count from, in scaled units
  float total[kTiles][2];  // this lane's part of the sum of weights
  uint32_t queries[kKeepQueries ? kTiles : 1][kKeepQueries ? kDeep + 1 : 1][4];

  __device__ void clear() {
#pragma unroll
    for (int i = 0; i < kTiles; ++i) {
#pragma unroll
      for (int n = 0; n < kWide; ++n) {
#pragma unroll
        for (int e = 0; e < 4; ++e) sums[i][n][e] = 0;
      }
      top[i][0] = top[i][1] = -INFINITY;
      total[i][0] = total[i][1] = 0;
    }
  }

  // Rows 0-7 and 8-15 of the first 8 columns, then of the next 8: the order of an A fragment.
  __device__ static uint32_t query_address(uint32_t shared_queries, int tile, int step) {
    const int lane = threadIdx.x % 32;
    const int row = (static_cast<int>(threadIdx.x) / 32 * kTiles + tile) * 16 + lane % 16;
    return shared_queries + static_cast<uint32_t>((row * kRow + step * 16 + lane / 16 * 8) * 2);
  }

  __device__ void load_queries(uint32_t shared_queries) {
    if constexpr (kKeepQueries) {
#pragma unroll
      for (int i = 0; i < kTiles; ++i) {
#pragma unroll
        for (int s = 0; s < kDeep; ++s)
          load_tiles(queries[i][s], query_address(shared_queries, i, s));
        if constexpr (kHalfStep) {
          const int lane = threadIdx.x % 32;
          const int row = (static_cast<int>(threadIdx.x) / 32 * kTiles + i) * 16 + lane % 16;
          load_tiles(queries[i][kDeep],
                     shared_queries + static_cast<uint32_t>((row * kRow + kDeep * 16) * 2));
        }
      }
    }
  }

  /// scores = queries times one tile of keys.
  __device__ void score(uint32_t shared_queries, uint32_t shared_keys,
                        float (&scores)[kTiles][kColumns][4]) {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int i = 0; i < kTiles; ++i) {
#pragma unroll
      for (int n = 0; n < kColumns; ++n) {
#pragma unroll
        for (int e = 0; e < 4; ++e) scores[i][n][e] = 0;
      }
    }
    uint32_t address;
    if constexpr (kKeysByDim) {
      address = shared_keys + static_cast<uint32_t>((lane % 16 * kKeyRow + lane / 16 * 8) * 2);
    } else {
      address = shared_keys + static_cast<uint32_t>(
                                  ((lane / 16 * 8 + lane % 8) * kKeyRow + lane / 8 % 2 * 8) * 2);
    }
#pragma unroll
    for (int s = 0; s < kDeep; ++s) {
      uint32_t a[kTiles][4];
#pragma unroll
      for (int i = 0; i < kTiles; ++i) {
        if constexpr (kKeepQueries) {
#pragma unroll
          for (int e = 0; e < 4; ++e) a[i][e] = queries[i][s][e];
        } else {
          load_tiles(a[i], query_address(shared_queries, i, s));
        }
      }
#pragma unroll
      for (int n = 0; n < kColumns; n += 2) {
        uint32_t b[4];
        if constexpr (kKeysByDim) {
          load_tiles_transposed(b, address + static_cast<uint32_t>((s * 16 * kKeyRow + n * 8) * 2));
        } else {
          load_tiles(b, address + static_cast<uint32_t>((n * 8 * kKeyRow + s * 16) * 2));
        }
#pragma unroll
        for (int i = 0; i < kTiles; ++i) {
          Unit::multiply_16(scores[i][n], a[i], b[0], b[1]);
          Unit::multiply_16(scores[i][n + 1], a[i], b[2], b[3]);
        }
      }
    }
    if constexpr (kHalfStep) {
      static_assert(!kKeysByDim && kKeepQueries, "head sizes of the cache are multiples of 16");
#pragma unroll
      for (int n = 0; n < kColumns; n += 4) {
        uint32_t b[4];  // four columns of keys, 8 deep
        load_tiles(
            b, shared_keys + static_cast<uint32_t>(((n * 8 + lane) * kKeyRow + kDeep * 16) * 2));
#pragma unroll
        for (int i = 0; i < kTiles; ++i) {
#pragma unroll
          for (int c = 0; c < 4; ++c) {
            Unit::multiply_8(scores[i][n + c], queries[i][kDeep][0], queries[i][kDeep][1], b[c]);
          }
        }
      }
    }
  }

  /// Hides keys: of this lane's score (tile, half, column), keys at or after limit[tile][half] of
  /// the tile of keys count for nothing.
  __device__ static void mask(const int (&limit)[kTiles][2], float (&scores)[kTiles][kColumns][4]) {
    const int first = threadIdx.x % 4 * 2;
#pragma unroll
    for (int i = 0; i < kTiles; ++i) {
#pragma unroll
      for (int n = 0; n < kColumns; ++n) {
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          if (n * 8 + first + e % 2 >= limit[i][e / 2]) scores[i][n][e] = -INFINITY;
        }
      }
    }
  }

  /// Softmax weights of a tile and the sum of values that they weigh. `scale` includes log2(e).
  __device__ void weigh(float scale, uint32_t shared_values, float (&scores)[kTiles][kColumns][4]) {
    bool raised = false;
    float highest[kTiles][2];
#pragma unroll
    for (int i = 0; i < kTiles; ++i) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float best = -INFINITY;
#pragma unroll
        for (int n = 0; n < kColumns; ++n) {
          best = fmaxf(best, fmaxf(scores[i][n][half * 2], scores[i][n][half * 2 + 1]));
        }
        best = fmaxf(best, __shfl_xor_sync(0xffffffffu, best, 1));
        best = fmaxf(best, __shfl_xor_sync(0xffffffffu, best, 2));
        highest[i][half] = best * scale;
        raised |= highest[i][half] > top[i][half] + kSlack;
      }
    }
    if (__any_sync(0xffffffffu, raised)) {
#pragma unroll
      for (int i = 0; i < kTiles; ++i) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          const float raised_top = fmaxf(top[i][half], highest[i][half]);
          const float factor =
              raised_top == -INFINITY ? 1.0f : exp2_fast(top[i][half] - raised_top);
          top[i][half] = raised_top;
          total[i][half] *= factor;
#pragma unroll
          for (int n = 0; n < kWide; ++n) {
            sums[i][n][half * 2] *= factor;
            sums[i][n][half * 2 + 1] *= factor;
          }
        }
      }
    }
    float zero[kTiles][2];
#pragma unroll
    for (int i = 0; i < kTiles; ++i) {
      zero[i][0] = top[i][0] == -INFINITY ? 0.0f : top[i][0];
      zero[i][1] = top[i][1] == -INFINITY ? 0.0f : top[i][1];
    }
    const int lane = threadIdx.x % 32;
    const uint32_t address =
        shared_values + static_cast<uint32_t>((lane % 16 * kRow + lane / 16 * 8) * 2);
    // Exponentials of the next 16 keys are computed while the products of these are under way.
#pragma unroll
    for (int s = 0; s < kColumns / 2; ++s) {
      uint32_t weights[kTiles][4];
#pragma unroll
      for (int i = 0; i < kTiles; ++i) {
#pragma unroll
        for (int c = 0; c < 2; ++c) {
          const float(&score)[4] = scores[i][s * 2 + c];
          const float w0 = exp2_fast(fmaf(score[0], scale, -zero[i][0]));
          const float w1 = exp2_fast(fmaf(score[1], scale, -zero[i][0]));
          const float w2 = exp2_fast(fmaf(score[2], scale, -zero[i][1]));
          const float w3 = exp2_fast(fmaf(score[3], scale, -zero[i][1]));
          total[i][0] += w0 + w1;
          total[i][1] += w2 + w3;
          weights[i][c * 2] = Unit::pack(w0, w1);
          weights[i][c * 2 + 1] = Unit::pack(w2, w3);
        }
      }
#pragma unroll
      for (int n = 0; n < kWide; n += 2) {
        uint32_t b[4];
        // An odd last column reads its own rows twice rather than past the row.
        if (n + 1 < kWide) {
          load_tiles_transposed(b, address + static_cast<uint32_t>((s * 16 * kRow + n * 8) * 2));
        } else {
          load_tiles_transposed(
              b, shared_values + static_cast<uint32_t>(((s * 16 + lane % 16) * kRow + n * 8) * 2));
        }
#pragma unroll
        for (int i = 0; i < kTiles; ++i) {
          Unit::multiply_16(sums[i][n], weights[i], b[0], b[1]);
          if (n + 1 < kWide) Unit::multiply_16(sums[i][n + 1], weights[i], b[2], b[3]);
        }
      }
    }
  }

  /// Gives store(row of the block, column, value of the column, value of the next) every result.
  template <class Store>
  __device__ void finish(Store&& store) {
    const int lane = threadIdx.x % 32;
    const int warp = static_cast<int>(threadIdx.x) / 32;
#pragma unroll
    for (int i = 0; i < kTiles; ++i) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float whole = total[i][half];
        whole += __shfl_xor_sync(0xffffffffu, whole, 1);
        whole += __shfl_xor_sync(0xffffffffu, whole, 2);
        const float inverse = whole > 0 ? 1.0f / whole : 0.0f;
        const int row = (warp * kTiles + i) * 16 + half * 8 + lane / 4;
#pragma unroll
        for (int n = 0; n < kWide; ++n) {
          store(row, n * 8 + lane % 4 * 2, sums[i][n][half * 2] * inverse,
                sums[i][n][half * 2 + 1] * inverse);
        }
      }
    }
  }
};

}  // namespace visavis::ops::cuda
