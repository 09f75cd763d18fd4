// Operations of the CPU's Ops that move, add or look up memory: bound by bandwidth, so one version
// each. Shapes are checked by the caller. `rows` may be null, meaning row i is row i.
#pragma once

#include <cstdint>

#include "base/threads.h"
#include "engine/ops/ops.h"

namespace visavis::ops {

/// x[rows[i]] += y[i] for i < n.
void add_rows_on_cpu(const float* y, const int32_t* rows, int64_t n, int64_t cols, float* x,
                     base::ThreadPool& pool);
/// x[rows[i]] = y[i].
void set_rows_on_cpu(const float* y, const int32_t* rows, int64_t n, int64_t cols, float* x,
                     base::ThreadPool& pool);
/// y[i] = x[rows[i]].
void gather_rows_on_cpu(const float* x, const int32_t* rows, int64_t n, int64_t cols, float* y,
                        base::ThreadPool& pool);
/// Ops::scale_beyond of rows of `cols` values.
void scale_beyond_on_cpu(int64_t length, const int32_t* positions, int64_t n, int64_t cols,
                         float* x, base::ThreadPool& pool);
/// x[i] = table row ids[i].
void embed_on_cpu(const Weight& table, const int32_t* ids, int64_t n, float* x,
                  base::ThreadPool& pool);
/// Stores k and v [tokens, kv_heads, head_dim] at their slots, rounded to the cache's type.
void write_kv_on_cpu(const float* k, const float* v, const int32_t* slots, int64_t tokens,
                     const KvView& kv, base::ThreadPool& pool);
/// The same of one head's k and v [head_dim].
void write_kv_head_on_cpu(const float* k, const float* v, int32_t slot, int64_t head,
                          const KvView& kv);
/// Adds the position grid [side * side, dim], sampled bilinearly at h x w points in merge order.
void add_position_grid_on_cpu(const float* grid, int64_t side, int64_t h, int64_t w, int64_t merge,
                              int64_t dim, float* y, base::ThreadPool& pool);
/// ids[i] = column of the largest value of row i, the lowest among equals.
void arg_max_on_cpu(const float* logits, int64_t n, int64_t cols, int32_t* ids,
                    base::ThreadPool& pool);

}  // namespace visavis::ops
