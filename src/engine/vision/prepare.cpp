#include "engine/vision/prepare.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/hash.h"
#include "picture/decode.h"
#include "picture/resize.h"

namespace visavis::vision {
namespace {

using picture::RgbImage;
using picture::Window;

/// The picture in the middle of a square of the mean colour.
RgbImage padded_to_square(const RgbImage& image, const Preprocessor& p, const Geometry& g) {
  RgbImage square(g.padded_width, g.padded_height);
  std::array<uint8_t, 3> color{};
  for (size_t channel = 0; channel < 3; ++channel) {
    color[channel] = static_cast<uint8_t>(std::clamp(p.mean[channel] * 255, 0.0, 255.0));
  }
  for (size_t i = 0; i < square.pixels.size(); i += 3) {
    std::copy(color.begin(), color.end(), square.pixels.begin() + static_cast<std::ptrdiff_t>(i));
  }
  const int64_t left = (square.width - image.width) / 2;
  const int64_t top = (square.height - image.height) / 2;
  for (int64_t y = 0; y < image.height; ++y) {
    std::copy(image.row(y), image.row(y) + image.width * 3, square.row(top + y) + left * 3);
  }
  return square;
}

/// What one side keeps when `from` pixels become `to`: the middle, or all with zeros around.
struct Middle {
  int64_t skip = 0;    // pixels left out before
  int64_t keep = 0;    // pixels kept
  int64_t offset = 0;  // zeros before
};

Middle middle_of(int64_t from, int64_t to) {
  if (from >= to) return {.skip = (from - to) / 2, .keep = to, .offset = 0};
  return {.skip = 0, .keep = from, .offset = (to - from) / 2};
}

/// Resized and cropped in one go: only the pixels that stay are computed.
RgbImage resized(const RgbImage& image, const Preprocessor& p, const Geometry& g,
                 base::ThreadPool* pool) {
  const Middle across = middle_of(g.resized_width, g.width);
  const Middle down = middle_of(g.resized_height, g.height);
  RgbImage kept = picture::resize_window(
      image, g.resized_width, g.resized_height,
      Window{.left = across.skip, .top = down.skip, .width = across.keep, .height = down.keep},
      p.filter, pool);
  if (kept.width == g.width && kept.height == g.height) return kept;
  RgbImage framed(g.width, g.height);
  for (int64_t y = 0; y < kept.height; ++y) {
    std::copy(kept.row(y), kept.row(y) + kept.width * 3,
              framed.row(down.offset + y) + across.offset * 3);
  }
  return framed;
}

/// The whole picture at a tile's size, and below it the tiles of the enlarged one.
RgbImage stacked_tiles(const RgbImage& image, const RgbImage& enlarged, const Preprocessor& p,
                       const Geometry& g, base::ThreadPool* pool) {
  const int64_t edge = p.crop_width;
  RgbImage stack(edge, edge * (1 + g.tiles_w * g.tiles_h));
  const RgbImage whole = picture::resize(image, edge, edge, p.filter, pool);
  auto to = std::copy(whole.pixels.begin(), whole.pixels.end(), stack.pixels.begin());
  for (int64_t tile = 0; tile < g.tiles_w * g.tiles_h; ++tile) {
    for (int64_t y = 0; y < edge; ++y) {
      const uint8_t* row = enlarged.row(tile / g.tiles_w * edge + y) + tile % g.tiles_w * edge * 3;
      to = std::copy(row, row + edge * 3, to);
    }
  }
  return stack;
}

std::string sides(int64_t width, int64_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

std::string describe(const picture::Decoded& decoded, std::string_view name, const Preprocessor& p,
                     const Geometry& g) {
  std::string note = std::string(name) + ": " + decoded.format + " " +
                     sides(decoded.file_width, decoded.file_height);
  if (!decoded.note.empty()) note += ", " + decoded.note;
  if (g.padded_width != decoded.image.width || g.padded_height != decoded.image.height) {
    note += ", padded to " + sides(g.padded_width, g.padded_height);
  }
  if (g.resized_width != g.padded_width || g.resized_height != g.padded_height) {
    note += ", resized to " + sides(g.resized_width, g.resized_height);
  }
  if (g.width != g.resized_width || g.height != g.resized_height) {
    note +=
        (p.scheme == Scheme::tiles ? ", framed to " : ", cropped to ") + sides(g.width, g.height);
  }
  if (p.scheme == Scheme::merged_patches) note += ", " + sides(g.grid_w, g.grid_h) + " patches";
  if (p.scheme == Scheme::tiles)
    note += ", " + sides(g.tiles_w, g.tiles_h) + " tiles and the whole at " +
            sides(p.crop_width, p.crop_height);
  return note;
}

}  // namespace

// Rescaling is folded into mean and deviation.
std::vector<float> levels_of(const Preprocessor& p) {
  std::vector<float> levels;
  const auto inverse = static_cast<float>(1.0 / p.rescale_factor);
  for (size_t channel = 0; channel < 3; ++channel) {
    auto mean = static_cast<float>(p.mean[channel]);
    auto deviation = static_cast<float>(p.std[channel]);
    if (p.do_rescale) {
      mean *= inverse;
      deviation *= inverse;
    }
    for (int64_t value = 0; value < ops::kLevels; ++value) {
      const auto level = static_cast<float>(value);
      if (p.do_normalize) {
        levels.push_back((level - mean) / deviation);
      } else {
        levels.push_back(p.do_rescale ? level * static_cast<float>(p.rescale_factor) : level);
      }
    }
  }
  return levels;
}

Patches prepare_pixels(const RgbImage& image, std::string_view name, const Preprocessor& p,
                       base::ThreadPool* pool) {
  Patches out;
  out.geometry = geometry_of(image.width, image.height, p, name);
  const Geometry& g = out.geometry;
  const bool pad = g.padded_width != image.width || g.padded_height != image.height;
  out.pixels =
      pad ? resized(padded_to_square(image, p, g), p, g, pool) : resized(image, p, g, pool);
  out.levels = levels_of(p);
  switch (p.scheme) {
    case Scheme::merged_patches:
      out.rows = g.grid_w * g.grid_h;
      out.layout = {.grid_h = g.grid_h,
                    .grid_w = g.grid_w,
                    .patch_h = p.patch_size,
                    .patch_w = p.patch_size,
                    .merge = p.merge_size,
                    .copies = p.temporal_copies};
      break;
    case Scheme::centre_crop:
      out.layout = {.grid_h = 1, .grid_w = 1, .patch_h = g.height, .patch_w = g.width};
      break;
    case Scheme::tiles:
      out.pixels = stacked_tiles(image, out.pixels, p, g, pool);
      out.layout = {.grid_h = 1 + g.tiles_w * g.tiles_h,
                    .grid_w = 1,
                    .patch_h = p.crop_height,
                    .patch_w = p.crop_width};
      break;
  }
  return out;
}

std::vector<float> Patches::values() const {
  std::vector<float> values(static_cast<size_t>(layout.rows() * layout.row_values()));
  ops::cut_patches(pixels.pixels.data(), pixels.width, levels.data(), layout, values.data(),
                   nullptr);
  return values;
}

Patches prepare_picture(std::string_view bytes, std::string_view name, const Preprocessor& p,
                        const base::Clock& clock, base::ThreadPool* pool) {
  const int64_t start = clock.now_ns();
  const picture::Decoded decoded = picture::decode(bytes, name);
  const int64_t decoded_at = clock.now_ns();
  Patches out = prepare_pixels(decoded.image, name, p, pool);
  out.decode_seconds = base::seconds_between(start, decoded_at);
  out.resize_seconds = base::seconds_between(decoded_at, clock.now_ns());
  out.note = describe(decoded, name, p, out.geometry);
  base::Sha256 hash;
  hash.update(p.fingerprint());
  hash.update(bytes);
  out.sha256 = hash.finish();
  return out;
}

}  // namespace visavis::vision
