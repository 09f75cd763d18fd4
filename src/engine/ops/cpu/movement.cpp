#include "engine/ops/cpu/movement.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "engine/ops/cpu/context.h"

namespace visavis::ops {
namespace {

int64_t row_at(const int32_t* rows, int64_t i) { return rows == nullptr ? i : rows[i]; }

// Writes a row of keys or values to elements at, at + stride, ...; i8 puts its scale into *scale.
void store_row(const float* from, int64_t count, const MutView& cache, int64_t at, int64_t stride,
               float* scale) {
  if (cache.dtype == DType::f32) {
    float* to = cache.as<float>() + at;
    for (int64_t i = 0; i < count; ++i) to[i * stride] = from[i];
  } else if (cache.dtype == DType::f16) {
    tensor::F16* to = cache.as<tensor::F16>() + at;
    for (int64_t i = 0; i < count; ++i) to[i * stride] = tensor::to_f16(from[i]);
  } else {
    float size = 0;
    for (int64_t i = 0; i < count; ++i) size = std::max(size, std::abs(from[i]));
    constexpr float kTiny = 1e-35f;  // 127 / size stays finite
    const float inverse = size > kTiny ? 127.0f / size : 0.0f;
    *scale = size > kTiny ? size / 127.0f : 0.0f;
    int8_t* to = cache.as<int8_t>() + at;
    for (int64_t i = 0; i < count; ++i)
      to[i * stride] = static_cast<int8_t>(std::nearbyint(from[i] * inverse));
  }
}

// The lowest index of the largest value, -1 if that is not finite or anything is not a number.
// Several values side by side: one comparison after the other takes as long over a vocabulary as a
// matrix of several MB.
int64_t first_largest(const float* row, int64_t cols) {
  constexpr int64_t kSideBySide = 32;
  float most[kSideBySide];
  int32_t nans[kSideBySide] = {};
  std::fill_n(most, kSideBySide, -std::numeric_limits<float>::infinity());
  const auto look = [&](int64_t lane, float value) {
    most[lane] = value > most[lane] ? value : most[lane];
    nans[lane] |= std::isnan(value) ? 1 : 0;
  };
  int64_t c = 0;
  for (; c + kSideBySide <= cols; c += kSideBySide)
    for (int64_t lane = 0; lane < kSideBySide; ++lane) look(lane, row[c + lane]);
  for (; c < cols; ++c) look(0, row[c]);
  const float largest = *std::max_element(most, most + kSideBySide);
  const bool valid =
      std::isfinite(largest) && std::count(nans, nans + kSideBySide, 0) == kSideBySide;
  return valid ? std::find(row, row + cols, largest) - row : -1;
}

// Where point i of `points` falls on a grid of `side` with aligned corners: linspace(0, side - 1,
// points) in f32, counted from the nearer end as the oracle does.
struct GridPoint {
  int64_t low = 0;
  int64_t high = 0;
  float fraction = 0;
};

std::vector<GridPoint> grid_points(int64_t side, int64_t points) {
  const auto last = static_cast<float>(side - 1);
  const float step = points > 1 ? last / static_cast<float>(points - 1) : 0.0f;
  std::vector<GridPoint> result;
  for (int64_t i = 0; i < points; ++i) {
    const float at = i < points / 2 || points == 1
                         ? step * static_cast<float>(i)
                         : last - step * static_cast<float>(points - 1 - i);
    const auto low = static_cast<int64_t>(at);
    result.push_back({low, std::min(low + 1, side - 1), at - static_cast<float>(low)});
  }
  return result;
}

}  // namespace

void add_rows_on_cpu(const float* y, const int32_t* rows, int64_t n, int64_t cols, float* x,
                     base::ThreadPool& pool) {
  pool.parallel_for(n, grain_for(cols), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* from = y + i * cols;
      float* to = x + row_at(rows, i) * cols;
      for (int64_t c = 0; c < cols; ++c) to[c] += from[c];
    }
  });
}

void set_rows_on_cpu(const float* y, const int32_t* rows, int64_t n, int64_t cols, float* x,
                     base::ThreadPool& pool) {
  pool.parallel_for(n, grain_for(cols), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      std::copy_n(y + i * cols, cols, x + row_at(rows, i) * cols);
  });
}

void gather_rows_on_cpu(const float* x, const int32_t* rows, int64_t n, int64_t cols, float* y,
                        base::ThreadPool& pool) {
  pool.parallel_for(n, grain_for(cols), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      std::copy_n(x + row_at(rows, i) * cols, cols, y + i * cols);
  });
}

void scale_beyond_on_cpu(int64_t length, const int32_t* positions, int64_t n, int64_t cols,
                         float* x, base::ThreadPool& pool) {
  pool.parallel_for(n, grain_for(cols), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (positions[i] < length) continue;
      const double tokens = static_cast<double>(positions[i]) + 1;
      const auto scale =
          static_cast<float>(std::log(tokens) / std::log(static_cast<double>(length)));
      for (int64_t c = 0; c < cols; ++c) x[i * cols + c] *= scale;
    }
  });
}

void embed_on_cpu(const Weight& table, const int32_t* ids, int64_t n, float* x,
                  base::ThreadPool& pool) {
  pool.parallel_for(n, grain_for(table.cols), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      tensor::dequantize_row(table, ids[i],
                             std::span<float>(x + i * table.cols, static_cast<size_t>(table.cols)));
  });
}

void write_kv_head_on_cpu(const float* k, const float* v, int32_t slot, int64_t head,
                          const KvView& kv) {
  const int64_t dim = kv.head_dim;
  const int64_t part = slot / kv.page_size * kv.kv_heads + head;
  const int64_t offset = slot % kv.page_size;
  const int64_t position = part * kv.page_size + offset;
  const bool scaled = kv.dtype == DType::i8;
  store_row(k, dim, kv.k, part * dim * kv.page_size + offset, kv.page_size,
            scaled ? kv.k_scales.f32() + position : nullptr);
  store_row(v, dim, kv.v, position * dim, 1, scaled ? kv.v_scales.f32() + position : nullptr);
}

void write_kv_on_cpu(const float* k, const float* v, const int32_t* slots, int64_t tokens,
                     const KvView& kv, base::ThreadPool& pool) {
  const int64_t dim = kv.head_dim;
  pool.parallel_for(tokens, grain_for(kv.kv_heads * dim * 4), [&](int64_t begin, int64_t end) {
    for (int64_t token = begin; token < end; ++token) {
      for (int64_t head = 0; head < kv.kv_heads; ++head) {
        const int64_t from = (token * kv.kv_heads + head) * dim;
        write_kv_head_on_cpu(k + from, v + from, slots[token], head, kv);
      }
    }
  });
}

void add_position_grid_on_cpu(const float* grid, int64_t side, int64_t h, int64_t w, int64_t merge,
                              int64_t dim, float* y, base::ThreadPool& pool) {
  const std::vector<GridPoint> down = grid_points(side, h);
  const std::vector<GridPoint> across = grid_points(side, w);
  pool.parallel_for(h * w, grain_for(4 * dim), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      // Merge order: block row, block column, row in block, column in block.
      const int64_t block = i / (merge * merge);
      const int64_t inside = i % (merge * merge);
      const int64_t row = block / (w / merge) * merge + inside / merge;
      const int64_t column = block % (w / merge) * merge + inside % merge;
      const GridPoint& r = down[static_cast<size_t>(row)];
      const GridPoint& c = across[static_cast<size_t>(column)];
      const float* corner[4] = {
          grid + (r.low * side + c.low) * dim, grid + (r.low * side + c.high) * dim,
          grid + (r.high * side + c.low) * dim, grid + (r.high * side + c.high) * dim};
      const float share[4] = {(1 - r.fraction) * (1 - c.fraction), (1 - r.fraction) * c.fraction,
                              r.fraction * (1 - c.fraction), r.fraction * c.fraction};
      for (int64_t d = 0; d < dim; ++d)
        y[i * dim + d] += share[0] * corner[0][d] + share[1] * corner[1][d] +
                          share[2] * corner[2][d] + share[3] * corner[3][d];
    }
  });
}

void arg_max_on_cpu(const float* logits, int64_t n, int64_t cols, int32_t* ids,
                    base::ThreadPool& pool) {
  pool.parallel_for(n, grain_for(cols), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      ids[i] = static_cast<int32_t>(first_largest(logits + i * cols, cols));
    }
  });
}

}  // namespace visavis::ops
