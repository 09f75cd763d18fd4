// What every backend demands of the shapes that its operations are given, so that all of them
// refuse the same in the same words. Each throws Error that begins with the operation's name.
#pragma once

#include "engine/ops/ops.h"

namespace visavis::ops {

void require_same_shape(const char* op, const View& a, const View& b);
/// `what` names the vector.
void require_vector(const char* op, const char* what, const View& view, int64_t size);
/// One row index per row of `few`, into rows as wide of `all`.
void require_rows(const char* op, const View& few, const View& rows, const View& all);

void check_scale_beyond(int64_t length, const View& positions, const View& x);
void check_segment_attention(const View& q, const View& k, const View& v, int64_t stride,
                             const View& y);
void check_write_kv(const View& k, const View& v, const StepBatch& batch, const KvView& kv);
void check_cached_attention(const View& q, const StepBatch& batch, const KvView& kv, const View& y);
void check_position_grid(const View& grid, int64_t side, int64_t h, int64_t w, int64_t merge,
                         const View& y);
void check_cut_patches(const View& pixels, const View& levels, const PatchLayout& layout,
                       const View& y);

}  // namespace visavis::ops
