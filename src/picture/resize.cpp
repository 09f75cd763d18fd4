#include "picture/resize.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <functional>
#include <vector>

#include "base/error.h"
#include "picture/decode.h"
#include "picture/resize_kernels.h"

namespace visavis::picture {
namespace {

/// Keys' cubic with a = -0.5, in the oracle's order of operations.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

double triangle(double x) {
  x = std::abs(x);
  return x < 1 ? 1 - x : 0;
}

struct FilterRow {
  double (*weight)(double x);
  double radius;  // in input pixels when enlarging
};

FilterRow row_of(Filter filter) {
  return filter == Filter::bilinear ? FilterRow{&triangle, 1} : FilterRow{&cubic, 2};
}

/// The input pixels that one output pixel is made of.
struct Taps {
  int64_t first = 0;
  int64_t count = 0;
  size_t weights = 0;  // index into Axis::weights
};

/// One direction of a resize, cut to a window of the outputs.
struct Axis {
  bool identity = false;
  std::vector<Taps> taps;
  std::vector<int16_t> weights;
  int precision = 0;          // weights are multiples of 2^-precision
  std::vector<int32_t> fine;  // Pillow's weights, multiples of 2^-kFinePrecision, instead

  /// out[j] = the output of these taps of column j; in: the first tap's row.
  void sum(const Taps& of, const uint8_t* in, int64_t stride, int64_t count, uint8_t* out) const {
    if (fine.empty()) {
      weighted_rows()(in, stride, weights.data() + of.weights, of.count, precision, count, out);
    } else {
      weighted_rows_fine(in, stride, fine.data() + of.weights, of.count, count, out);
    }
  }
};

/// Towards zero, as the oracle's casts: adding a half first does not always round to nearest.
int64_t cut_off(double value) { return static_cast<int64_t>(value); }

/// Weights of all outputs are computed even for a window: the largest one decides the precision.
Axis make_axis(int64_t in_size, int64_t out_size, int64_t begin, int64_t count, Filter filter) {
  const FilterRow shape = row_of(filter);
  const double scale = static_cast<double>(in_size) / static_cast<double>(out_size);
  const double support = scale >= 1 ? shape.radius * scale : shape.radius;
  const double inverse = scale >= 1 ? 1 / scale : 1;
  const int64_t most = static_cast<int64_t>(std::ceil(support)) * 2 + 1;

  Axis axis{.identity = in_size == out_size, .taps = {}, .weights = {}, .fine = {}};
  std::vector<double> values;  // of the window
  std::vector<double> row(static_cast<size_t>(most));
  double largest = 0;
  for (int64_t i = 0; i < out_size; ++i) {
    const double center = scale * (static_cast<double>(i) + 0.5);
    const int64_t first = std::max<int64_t>(cut_off(center - support + 0.5), 0);
    const int64_t end = std::min(cut_off(center + support + 0.5), in_size);
    const int64_t taps = std::clamp<int64_t>(end - first, 0, most);
    double total = 0;
    for (int64_t j = 0; j < taps; ++j) {
      const double weight = shape.weight((static_cast<double>(j + first) - center + 0.5) * inverse);
      row[static_cast<size_t>(j)] = weight;
      total += weight;
    }
    for (int64_t j = 0; j < taps; ++j) {
      double& weight = row[static_cast<size_t>(j)];
      if (total != 0) weight /= total;
      largest = std::max(largest, weight);
    }
    if (i >= begin && i < begin + count) {
      axis.taps.push_back({.first = first, .count = taps, .weights = values.size()});
      values.insert(values.end(), row.begin(), row.begin() + taps);
    }
  }

  const auto rounded = [](double scaled) {
    return cut_off(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
  };
  if (filter == Filter::pillow_bicubic) {
    for (const double value : values)
      axis.fine.push_back(static_cast<int32_t>(rounded(value * (1 << kFinePrecision))));
    return axis;
  }
  // The finest precision at which the largest weight still fits 16 bits.
  while (axis.precision < 22 &&
         cut_off(0.5 + largest * (int64_t{1} << (axis.precision + 1))) < (1 << 15)) {
    ++axis.precision;
  }
  for (const double value : values) {
    axis.weights.push_back(static_cast<int16_t>(rounded(value * (int64_t{1} << axis.precision))));
  }
  return axis;
}

void for_ranges(base::ThreadPool* pool, int64_t count, int64_t grain,
                const std::function<void(int64_t, int64_t)>& body) {
  if (pool == nullptr) {
    body(0, count);
  } else {
    pool->parallel_for(count, grain, body);
  }
}

/// Rows [top, top + rows) of the picture, resized along x.
RgbImage resize_columns(const RgbImage& image, int64_t top, int64_t rows, const Axis& axis,
                        base::ThreadPool* pool) {
  // Sixteen rows at a time are turned so that a pixel's bytes of all of them lie side by side:
  // then columns are summed exactly as rows are.
  constexpr int64_t kStrip = 16;
  constexpr int64_t kBytes = kStrip * 3;  // of one column
  const auto out_width = static_cast<int64_t>(axis.taps.size());
  RgbImage out(out_width, rows);
  const int64_t first = axis.taps.front().first;
  int64_t end = first;
  for (const Taps& taps : axis.taps) end = std::max(end, taps.first + taps.count);
  for_ranges(pool, (rows + kStrip - 1) / kStrip, 1, [&](int64_t strip_begin, int64_t strip_end) {
    std::vector<uint8_t> turned(static_cast<size_t>((end - first) * kBytes));
    std::vector<uint8_t> summed(static_cast<size_t>(kBytes));
    for (int64_t strip = strip_begin; strip < strip_end; ++strip) {
      const int64_t y0 = strip * kStrip;
      const int64_t height = std::min(kStrip, rows - y0);
      for (int64_t y = 0; y < height; ++y) {
        const uint8_t* in = image.row(top + y0 + y) + first * 3;
        uint8_t* column = turned.data() + y * 3;
        for (int64_t x = first; x < end; ++x, in += 3, column += kBytes) {
          column[0] = in[0];
          column[1] = in[1];
          column[2] = in[2];
        }
      }
      for (int64_t x = 0; x < out_width; ++x) {
        const Taps& taps = axis.taps[static_cast<size_t>(x)];
        axis.sum(taps, turned.data() + (taps.first - first) * kBytes, kBytes, kBytes,
                 summed.data());
        for (int64_t y = 0; y < height; ++y) {
          uint8_t* pixel = out.row(y0 + y) + x * 3;
          pixel[0] = summed[static_cast<size_t>(y * 3)];
          pixel[1] = summed[static_cast<size_t>(y * 3 + 1)];
          pixel[2] = summed[static_cast<size_t>(y * 3 + 2)];
        }
      }
    }
  });
  return out;
}

/// The picture, whose first row is row `top` of the axis's input, resized along y.
RgbImage resize_rows(const RgbImage& image, int64_t top, const Axis& axis, base::ThreadPool* pool) {
  const auto out_height = static_cast<int64_t>(axis.taps.size());
  const int64_t row_bytes = image.width * 3;
  RgbImage out(image.width, out_height);
  for_ranges(pool, out_height, 4, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y) {
      const Taps& taps = axis.taps[static_cast<size_t>(y)];
      axis.sum(taps, image.row(taps.first - top), row_bytes, row_bytes, out.row(y));
    }
  });
  return out;
}

/// Columns [left, left + width) of rows [top, top + height).
RgbImage cut(const RgbImage& image, const Window& window) {
  RgbImage out(window.width, window.height);
  for (int64_t y = 0; y < window.height; ++y) {
    const uint8_t* in = image.row(window.top + y) + window.left * 3;
    std::copy(in, in + window.width * 3, out.row(y));
  }
  return out;
}

}  // namespace

RgbImage resize(const RgbImage& image, int64_t width, int64_t height, Filter filter,
                base::ThreadPool* pool) {
  return resize_window(image, width, height, {0, 0, width, height}, filter, pool);
}

RgbImage resize_window(const RgbImage& image, int64_t width, int64_t height, const Window& window,
                       Filter filter, base::ThreadPool* pool) {
  require(width >= 1 && height >= 1 && width <= kMaxResizedSide && height <= kMaxResizedSide,
          "resize: found a target of ", width, " x ", height, ", wanted sides of 1 to ",
          kMaxResizedSide);
  require(window.height >= 1 && window.width >= 1 && window.height <= kMaxPixels / window.width,
          "resize: found ", window.width, " x ", window.height, " pixels, wanted at most ",
          kMaxPixels, " in all");
  assert(window.left >= 0 && window.top >= 0 && window.left + window.width <= width &&
         window.top + window.height <= height);
  const Axis across = make_axis(image.width, width, window.left, window.width, filter);
  const Axis down = make_axis(image.height, height, window.top, window.height, filter);
  if (across.identity && down.identity) return cut(image, window);

  // Only the rows that the vertical pass reads go through the horizontal one.
  int64_t top = down.taps.front().first;
  int64_t bottom = top;
  for (const Taps& taps : down.taps) bottom = std::max(bottom, taps.first + taps.count);
  if (down.identity) {
    top = window.top;
    bottom = window.top + window.height;
  }
  require(bottom - top <= kMaxPixels / window.width, "resize: found ", window.width, " x ",
          bottom - top, " pixels between the passes, wanted at most ", kMaxPixels, " in all");
  RgbImage narrowed = across.identity ? cut(image, {window.left, top, window.width, bottom - top})
                                      : resize_columns(image, top, bottom - top, across, pool);
  if (down.identity) return narrowed;
  return resize_rows(narrowed, top, down, pool);
}

}  // namespace visavis::picture
