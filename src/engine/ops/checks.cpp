#include "engine/ops/checks.h"

#include "base/error.h"

namespace visavis::ops {

void require_same_shape(const char* op, const View& a, const View& b) {
  require(a.shape == b.shape, op, ": found shape ", b.shape.text(), ", wanted ", a.shape.text());
}

void require_vector(const char* op, const char* what, const View& view, int64_t size) {
  require(view.shape.elements() == size, op, ": ", what, " has ", view.shape.elements(),
          " values, wanted ", size);
}

void require_rows(const char* op, const View& few, const View& rows, const View& all) {
  require(few.cols() == all.cols() && few.rows() == rows.shape.elements(), op, ": rows ",
          rows.shape.text(), " between ", few.shape.text(), " and ", all.shape.text());
}

void check_scale_beyond(int64_t length, const View& positions, const View& x) {
  require(length >= 2 && x.shape.rank() == 3, "scale_beyond: x is ", x.shape.text(),
          " and the length ", length, ", wanted [tokens, heads, head_dim] and at least 2");
  require_vector("scale_beyond", "positions", positions, 3 * x.shape[0]);
}

void check_segment_attention(const View& q, const View& k, const View& v, int64_t stride,
                             const View& y) {
  require(q.shape.rank() == 3 && q.shape == k.shape && q.shape == v.shape && q.shape == y.shape,
          "segment_attention: q ", q.shape.text(), ", k ", k.shape.text(), ", v ", v.shape.text(),
          " and y ", y.shape.text(), " must be the same [tokens, heads, head_dim]");
  require(stride >= q.shape[1] * q.shape[2], "segment_attention: stride ", stride,
          " is less than a token's ", q.shape[1] * q.shape[2], " values");
}

void check_write_kv(const View& k, const View& v, const StepBatch& batch, const KvView& kv) {
  require(k.shape == v.shape && k.shape.elements() == batch.tokens * kv.kv_heads * kv.head_dim,
          "write_kv: k ", k.shape.text(), " and v ", v.shape.text(), ", wanted [", batch.tokens,
          ", ", kv.kv_heads, ", ", kv.head_dim, "]");
}

void check_cached_attention(const View& q, const StepBatch& batch, const KvView& kv,
                            const View& y) {
  require(q.shape.rank() == 3 && q.shape == y.shape && q.shape[0] == batch.tokens &&
              q.shape[1] % kv.kv_heads == 0 && q.shape[2] == kv.head_dim,
          "cached_attention: q ", q.shape.text(), " and y ", y.shape.text(), " against a cache of ",
          kv.kv_heads, " heads of ", kv.head_dim, " and ", batch.tokens, " tokens");
}

void check_position_grid(const View& grid, int64_t side, int64_t h, int64_t w, int64_t merge,
                         const View& y) {
  require(grid.rows() == side * side && y.rows() == h * w && y.cols() == grid.cols(),
          "add_position_grid: grid [", grid.rows(), ", ", grid.cols(), "] of side ", side,
          " onto [", y.rows(), ", ", y.cols(), "] for ", h, " x ", w);
  require(merge > 0 && h % merge == 0 && w % merge == 0, "add_position_grid: ", h, " x ", w,
          " is not a multiple of ", merge);
}

void check_cut_patches(const View& pixels, const View& levels, const PatchLayout& layout,
                       const View& y) {
  require(pixels.shape.rank() == 3 && pixels.shape[2] == 3 &&
              pixels.shape[0] >= layout.grid_h * layout.patch_h &&
              pixels.shape[1] >= layout.grid_w * layout.patch_w,
          "cut_patches: pixels ", pixels.shape.text(), " are too few for ", layout.grid_h, " x ",
          layout.grid_w, " patches of ", layout.patch_h, " x ", layout.patch_w);
  require(
      layout.merge > 0 && layout.grid_h % layout.merge == 0 && layout.grid_w % layout.merge == 0,
      "cut_patches: ", layout.grid_h, " x ", layout.grid_w, " patches are not a multiple of ",
      layout.merge);
  require_vector("cut_patches", "levels", levels, 3 * kLevels);
  require(y.rows() == layout.rows() && y.cols() == layout.row_values(), "cut_patches: output is ",
          y.shape.text(), ", wanted [", layout.rows(), ", ", layout.row_values(), "]");
}

}  // namespace visavis::ops
