// The size rules of both schemes, without touching a pixel.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "engine/vision/prepare.h"
#include "picture/decode.h"

namespace visavis::vision {
namespace {

constexpr int64_t kMaxAspectRatio = 200;

/// Sides rounded to multiples of `factor` (halves to even), scaled so that the area lies within the
/// limits. In doubles, in the oracle's order of operations.
void smart_resize(Geometry& g, const Preprocessor& p, std::string_view name) {
  const int64_t longer = std::max(g.padded_width, g.padded_height);
  const int64_t shorter = std::min(g.padded_width, g.padded_height);
  require(longer <= kMaxAspectRatio * shorter, "picture '", name, "': found ", g.padded_width,
          " x ", g.padded_height, " pixels, wanted an aspect ratio of at most ", kMaxAspectRatio);
  const auto factor = static_cast<double>(p.patch_size * p.merge_size);
  const auto width = static_cast<double>(g.padded_width);
  const auto height = static_cast<double>(g.padded_height);
  double out_width = std::nearbyint(width / factor) * factor;
  double out_height = std::nearbyint(height / factor) * factor;
  if (out_width * out_height > static_cast<double>(p.max_pixels)) {
    const double beta = std::sqrt(height * width / static_cast<double>(p.max_pixels));
    out_width = std::max(factor, std::floor(width / beta / factor) * factor);
    out_height = std::max(factor, std::floor(height / beta / factor) * factor);
  } else if (out_width * out_height < static_cast<double>(p.min_pixels)) {
    const double beta = std::sqrt(static_cast<double>(p.min_pixels) / (height * width));
    out_width = std::ceil(width * beta / factor) * factor;
    out_height = std::ceil(height * beta / factor) * factor;
  }
  require(out_width >= 1 && out_height >= 1 &&
              out_width * out_height <= static_cast<double>(picture::kMaxPixels),
          "picture '", name, "': found a target of ", out_width, " x ", out_height,
          " pixels, wanted 1 to ", picture::kMaxPixels, " in all");
  g.resized_width = static_cast<int64_t>(out_width);
  g.resized_height = static_cast<int64_t>(out_height);
}

void shortest_edge_resize(Geometry& g, int64_t edge) {
  // The oracle computes int(edge * long / short) in doubles.
  const auto scaled = [&](int64_t longer, int64_t shorter) {
    return static_cast<int64_t>(static_cast<double>(edge * longer) / static_cast<double>(shorter));
  };
  if (g.padded_width <= g.padded_height) {
    g.resized_width = edge;
    g.resized_height = scaled(g.padded_height, g.padded_width);
  } else {
    g.resized_height = edge;
    g.resized_width = scaled(g.padded_width, g.padded_height);
  }
}

/// The size, in whole tiles, at which most of the picture's own pixels stay, and of those the one
/// with the least around it; the picture is then resized to fit. In doubles, in the oracle's order.
void fit_into_tiles(Geometry& g, const Preprocessor& p) {
  const auto width = static_cast<double>(g.padded_width);
  const auto height = static_cast<double>(g.padded_height);
  const Extent* best = nullptr;
  int64_t most = 0;
  int64_t least_wasted = 0;
  for (const Extent& size : p.pinpoints) {
    const double scale = std::min(static_cast<double>(size.width) / width,
                                  static_cast<double>(size.height) / height);
    const int64_t used =
        std::min(static_cast<int64_t>(width * scale) * static_cast<int64_t>(height * scale),
                 g.padded_width * g.padded_height);
    const int64_t wasted = size.width * size.height - used;
    if (best == nullptr || used > most || (used == most && wasted < least_wasted)) {
      best = &size;
      most = used;
      least_wasted = wasted;
    }
  }
  const double across = static_cast<double>(best->width) / width;
  const double down = static_cast<double>(best->height) / height;
  const auto fitted = [](double side, double scale, int64_t limit) {
    return std::min(static_cast<int64_t>(std::ceil(side * scale)), limit);
  };
  g.resized_width = across < down ? best->width : fitted(width, down, best->width);
  g.resized_height = across < down ? fitted(height, across, best->height) : best->height;
  g.tiles_w = best->width / p.crop_width;
  g.tiles_h = best->height / p.crop_height;
}

/// int(round(value, 7)) of Python, for values of at most a few thousand.
int64_t rounded_down(double value) {
  return static_cast<int64_t>(std::nearbyint(value * 1e7) / 1e7);
}

}  // namespace

ShownFeatures shown_features(const Geometry& g, int64_t side) {
  ShownFeatures shown = {.rows = g.tiles_h * side, .columns = g.tiles_w * side};
  const auto width = static_cast<double>(g.padded_width);
  const auto height = static_cast<double>(g.padded_height);
  const auto rows = static_cast<double>(shown.rows);
  const auto columns = static_cast<double>(shown.columns);
  if (width / height > columns / rows) {
    shown.top = (shown.rows - rounded_down(height * (columns / width))) / 2;
    shown.rows -= 2 * shown.top;
  } else {
    shown.left = (shown.columns - rounded_down(width * (rows / height))) / 2;
    shown.columns -= 2 * shown.left;
  }
  return shown;
}

Geometry geometry_of(int64_t width, int64_t height, const Preprocessor& p, std::string_view name) {
  require(width >= 1 && height >= 1 && height <= picture::kMaxPixels / width, "picture '", name,
          "': found ", width, " x ", height, " pixels, wanted 1 to ", picture::kMaxPixels,
          " in all");
  Geometry g{.padded_width = width, .padded_height = height};
  const bool patches = p.scheme == Scheme::merged_patches;
  if (p.pad_to_square && p.scheme == Scheme::centre_crop) {
    g.padded_width = g.padded_height = std::max(width, height);
    require(g.padded_height <= picture::kMaxPixels / g.padded_width, "picture '", name, "': found ",
            width, " x ", height, " pixels, wanted at most ", picture::kMaxPixels,
            " after padding to a square");
  }
  g.resized_width = g.padded_width;
  g.resized_height = g.padded_height;
  const bool tiles = p.scheme == Scheme::tiles;
  if (tiles) {
    fit_into_tiles(g, p);
  } else if (p.do_resize && patches) {
    smart_resize(g, p, name);
  } else if (p.do_resize && p.shortest_edge > 0) {
    shortest_edge_resize(g, p.shortest_edge);
  } else if (p.do_resize) {
    g.resized_width = p.resize_width;
    g.resized_height = p.resize_height;
  }
  require(
      g.resized_width <= picture::kMaxResizedSide && g.resized_height <= picture::kMaxResizedSide,
      "picture '", name, "': found an aspect ratio that resizes ", width, " x ", height, " to ",
      g.resized_width, " x ", g.resized_height, ", wanted sides of at most ",
      picture::kMaxResizedSide);
  const bool crop = p.do_center_crop && !patches;
  g.width = tiles ? g.tiles_w * p.crop_width : crop ? p.crop_width : g.resized_width;
  g.height = tiles ? g.tiles_h * p.crop_height : crop ? p.crop_height : g.resized_height;
  require(g.height <= picture::kMaxPixels / g.width, "picture '", name, "': found ", g.width, " x ",
          g.height, " pixels after resizing, wanted at most ", picture::kMaxPixels, " in all");
  if (patches) {
    const int64_t factor = p.patch_size * p.merge_size;
    require(g.width % factor == 0 && g.height % factor == 0, "picture '", name, "': found ",
            g.width, " x ", g.height, " pixels, wanted multiples of ", factor,
            " (the checkpoint turns resizing off)");
    g.grid_w = g.width / p.patch_size;
    g.grid_h = g.height / p.patch_size;
  }
  return g;
}

}  // namespace visavis::vision
