#include "engine/vision/preprocessor.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "base/error.h"
#include "picture/decode.h"

namespace visavis::vision {
namespace {

using checkpoint::ConfigReader;

constexpr std::array<double, 3> kClipMean = {0.48145466, 0.4578275, 0.40821073};
constexpr std::array<double, 3> kClipStd = {0.26862954, 0.26130258, 0.27577711};
constexpr int64_t kMaxEdge = 1 << 14;
constexpr int64_t kMaxArea = int64_t{1} << 53;  // exact in a double

struct ProcessorType {
  std::string_view name;
  Scheme scheme;
};

constexpr ProcessorType kTypes[] = {
    {"Qwen2VLImageProcessor", Scheme::merged_patches},
    {"Qwen2VLImageProcessorFast", Scheme::merged_patches},
    {"CLIPImageProcessor", Scheme::centre_crop},
    {"CLIPImageProcessorFast", Scheme::centre_crop},
    {"CLIPFeatureExtractor", Scheme::centre_crop},
    {"LlavaImageProcessor", Scheme::centre_crop},
    {"LlavaImageProcessorFast", Scheme::centre_crop},
    {"LlavaNextImageProcessor", Scheme::tiles},
    {"LlavaNextImageProcessorFast", Scheme::tiles},
};

const ProcessorType& type_of(const ConfigReader& config) {
  const char* key =
      config.has("image_processor_type") ? "image_processor_type" : "feature_extractor_type";
  const std::string name = config.string_or(key, "");
  std::string known;
  for (const ProcessorType& type : kTypes) {
    if (type.name == name) return type;
    if (!known.empty()) known += ", ";
    known += type.name;
  }
  config.reject(key, "one of " + known);
}

struct FilterRow {
  int64_t code;  // Pillow's number
  picture::Filter filter;
};

constexpr FilterRow kFilters[] = {
    {2, picture::Filter::bilinear},
    {3, picture::Filter::bicubic},
};

picture::Filter filter_of(const ConfigReader& config) {
  const int64_t code = config.int_or("resample", 3, 0, 5);
  for (const FilterRow& row : kFilters) {
    if (row.code == code) return row.filter;
  }
  config.reject("resample", "2 (bilinear) or 3 (bicubic)");
}

std::array<double, 3> three_numbers(const ConfigReader& config, const char* key,
                                    const std::array<double, 3>& absent, double least) {
  if (!config.has(key)) return absent;
  const std::vector<double> values = config.numbers(key);
  std::array<double, 3> result{};
  if (values.size() == 1) {
    result.fill(values[0]);
  } else if (values.size() == 3) {
    std::copy(values.begin(), values.end(), result.begin());
  } else {
    config.reject(key, "one number or three");
  }
  for (const double value : result) {
    if (!(value >= least && value <= 1e6)) config.reject(key, "numbers in range");
  }
  return result;
}

void read_patch_rules(const ConfigReader& config, Preprocessor& out) {
  out.patch_size = config.int_or("patch_size", 14, 1, 256);
  out.merge_size = config.int_or("merge_size", 2, 1, 16);
  out.temporal_copies = config.int_or("temporal_patch_size", 2, 1, 16);
  // For this family "edges" are counts of pixels.
  if (config.has("size")) {
    if (!config.has("size.shortest_edge") && !config.has("size.min_pixels")) {
      config.reject("size", "an object with shortest_edge and longest_edge");
    }
    const char* least = config.has("size.shortest_edge") ? "size.shortest_edge" : "size.min_pixels";
    const char* most = config.has("size.longest_edge") ? "size.longest_edge" : "size.max_pixels";
    out.min_pixels = config.require_int(least, 1, kMaxArea);
    out.max_pixels = config.require_int(most, 1, kMaxArea);
  } else {
    out.min_pixels = 56 * 56;
    out.max_pixels = 28 * 28 * 1280;
  }
  out.min_pixels = config.int_or("min_pixels", out.min_pixels, 1, kMaxArea);
  out.max_pixels = config.int_or("max_pixels", out.max_pixels, 1, kMaxArea);
}

void read_crop_rules(const ConfigReader& config, Preprocessor& out) {
  const base::Json* size = config.has("size") ? &config.json().at("size") : nullptr;
  if (size == nullptr) {
    out.shortest_edge = 224;
  } else if (size->is_number()) {
    out.shortest_edge = config.require_int("size", 1, kMaxEdge);
  } else if (config.has("size.shortest_edge") && !config.has("size.longest_edge")) {
    out.shortest_edge = config.require_int("size.shortest_edge", 1, kMaxEdge);
  } else if (config.has("size.height")) {
    out.resize_height = config.require_int("size.height", 1, kMaxEdge);
    out.resize_width = config.require_int("size.width", 1, kMaxEdge);
  } else {
    config.reject("size", "a number, {shortest_edge} or {height, width}");
  }
  out.do_center_crop = config.bool_or("do_center_crop", true);
  if (!config.has("crop_size")) {
    out.crop_width = out.crop_height = 224;
  } else if (config.json().at("crop_size").is_number()) {
    out.crop_width = out.crop_height = config.require_int("crop_size", 1, kMaxEdge);
  } else {
    out.crop_height = config.require_int("crop_size.height", 1, kMaxEdge);
    out.crop_width = config.require_int("crop_size.width", 1, kMaxEdge);
  }
}

void read_tile_rules(const ConfigReader& config, Preprocessor& out) {
  read_crop_rules(config, out);
  const int64_t edge = out.crop_width;
  if (out.crop_height != edge) config.reject("crop_size", "a square");
  // Resizing the views and cropping them must leave them as they are.
  if (out.shortest_edge == 0 && out.resize_width == edge && out.resize_height == edge)
    out.shortest_edge = edge;
  if (out.shortest_edge != edge)
    config.reject("size", "crop_size, " + std::to_string(edge) + ", on every side");
  for (const char* key : {"do_resize", "do_center_crop"}) {
    if (!config.bool_or(key, true)) config.reject(key, "true");
  }
  out.pinpoints = read_pinpoints(config, "image_grid_pinpoints", edge);
}

}  // namespace

std::string Preprocessor::fingerprint() const {
  std::string text = type;
  const auto add = [&](double value) {
    char number[40];
    std::snprintf(number, sizeof number, " %.17g", value);
    text += number;
  };
  for (const bool flag : {do_resize, do_rescale, do_normalize, do_center_crop, pad_to_square}) {
    text += flag ? " y" : " n";
  }
  add(rescale_factor);
  for (const double value : mean) add(value);
  for (const double value : std) add(value);
  for (const int64_t value :
       {static_cast<int64_t>(scheme), static_cast<int64_t>(filter), min_pixels, max_pixels,
        patch_size, merge_size, temporal_copies, shortest_edge, resize_width, resize_height,
        crop_width, crop_height}) {
    text += ' ';
    text += std::to_string(value);
  }
  for (const Extent& size : pinpoints)
    text += " " + std::to_string(size.height) + "x" + std::to_string(size.width);
  return text;
}

std::vector<Extent> read_pinpoints(const ConfigReader& config, const char* key, int64_t tile) {
  constexpr size_t kMostPinpoints = 64;
  constexpr int64_t kMostTiles = 64;  // of one picture
  base::Json sizes = base::Json::parse("[[336,672],[672,336],[672,672],[1008,336],[336,1008]]");
  if (config.has(key)) sizes = config.json().at(key);
  const auto fits = [&](const base::Json& side) {
    if (!side.is_number_integer()) return false;
    const auto pixels = side.get<int64_t>();
    return pixels >= tile && pixels <= kMaxEdge && pixels % tile == 0;
  };
  const std::string wanted = "1 to 64 pairs [height, width] of multiples of " +
                             std::to_string(tile) + ", at most 64 tiles each";
  if (!sizes.is_array() || sizes.empty() || sizes.size() > kMostPinpoints)
    config.reject(key, wanted);
  std::vector<Extent> pinpoints;
  for (const base::Json& size : sizes) {
    if (!size.is_array() || size.size() != 2 || !fits(size[0]) || !fits(size[1]))
      config.reject(key, wanted);
    pinpoints.push_back({.height = size[0].get<int64_t>(), .width = size[1].get<int64_t>()});
    if (pinpoints.back().height / tile * (pinpoints.back().width / tile) > kMostTiles)
      config.reject(key, wanted);
  }
  return pinpoints;
}

Preprocessor parse_preprocessor(const ConfigReader& config) {
  const ProcessorType& type = type_of(config);
  Preprocessor out{.type = std::string(type.name), .scheme = type.scheme};
  out.do_resize = config.bool_or("do_resize", true);
  out.do_rescale = config.bool_or("do_rescale", true);
  out.do_normalize = config.bool_or("do_normalize", true);
  out.rescale_factor = config.number_or("rescale_factor", 1.0 / 255, 1e-9, 1e9);
  out.mean = three_numbers(config, "image_mean", kClipMean, -1e6);
  out.std = three_numbers(config, "image_std", kClipStd, 1e-6);
  out.filter = filter_of(config);
  if (!config.bool_or("do_convert_rgb", true)) config.reject("do_convert_rgb", "true");
  switch (out.scheme) {
    case Scheme::merged_patches:
      read_patch_rules(config, out);
      break;
    case Scheme::centre_crop:
      read_crop_rules(config, out);
      out.pad_to_square = config.bool_or("do_pad", false);
      break;
    case Scheme::tiles:
      read_tile_rules(config, out);
      break;
  }
  return out;
}

Preprocessor parse_video_frames(const ConfigReader& config) {
  constexpr std::array<double, 3> kHalf = {0.5, 0.5, 0.5};
  Preprocessor out{.type = "Qwen3VLVideoProcessor", .scheme = Scheme::merged_patches};
  out.do_resize = config.bool_or("do_resize", true);
  out.do_rescale = config.bool_or("do_rescale", true);
  out.do_normalize = config.bool_or("do_normalize", true);
  out.rescale_factor = config.number_or("rescale_factor", 1.0 / 255, 1e-9, 1e9);
  out.mean = three_numbers(config, "image_mean", kHalf, -1e6);
  out.std = three_numbers(config, "image_std", kHalf, 1e-6);
  out.filter = filter_of(config);
  out.patch_size = config.int_or("patch_size", 16, 1, 256);
  out.merge_size = config.int_or("merge_size", 2, 1, 16);
  out.temporal_copies = config.int_or("temporal_patch_size", 2, 1, 16);
  out.min_pixels = config.int_or("size.shortest_edge", 128 * 32 * 32, 1, kMaxArea);
  out.max_pixels = config.int_or("size.longest_edge", 768 * 32 * 32, 1, kMaxArea);
  return out;
}

Preprocessor stretched_preprocessor(int64_t side) {
  return {.type = "stretched",
          .scheme = Scheme::centre_crop,
          .mean = kClipMean,
          .std = kClipStd,
          .filter = picture::Filter::pillow_bicubic,
          .resize_width = side,
          .resize_height = side,
          .crop_width = side,
          .crop_height = side};
}

Preprocessor read_preprocessor(const std::filesystem::path& folder) {
  const std::filesystem::path nested = folder / "processor_config.json";
  const std::filesystem::path plain = folder / "preprocessor_config.json";
  const std::filesystem::path model = folder / "config.json";
  const auto parse = [&] {
    if (std::filesystem::exists(nested)) {
      const ConfigReader config = ConfigReader::open(nested);
      if (config.has("image_processor"))
        return parse_preprocessor(config.section("image_processor"));
    }
    if (!std::filesystem::exists(plain) && std::filesystem::exists(model)) {
      const ConfigReader config = ConfigReader::open(model);
      if (config.has("visual.image_size"))
        return stretched_preprocessor(config.require_int("visual.image_size", 1, kMaxEdge));
    }
    require(
        std::filesystem::exists(plain), folder.string(),
        ": found no picture settings, wanted preprocessor_config.json, or processor_config.json "
        "with image_processor");
    return parse_preprocessor(ConfigReader::open(plain));
  };
  Preprocessor out = parse();
  if (std::filesystem::exists(model) && out.scheme == Scheme::centre_crop &&
      ConfigReader::open(model).string_or("image_aspect_ratio", "") == "pad") {
    out.pad_to_square = true;
  }
  return out;
}

void apply_overrides(Preprocessor& preprocessor, const Overrides& overrides) {
  require(overrides.image_mode.empty() || overrides.image_mode == "crop" ||
              overrides.image_mode == "pad",
          "image mode: found '", overrides.image_mode, "', wanted crop or pad");
  if (!overrides.image_mode.empty()) preprocessor.pad_to_square = overrides.image_mode == "pad";
  if (overrides.max_pixels != 0 && preprocessor.scheme == Scheme::merged_patches) {
    const int64_t side = preprocessor.patch_size * preprocessor.merge_size;
    require(overrides.max_pixels >= side * side && overrides.max_pixels <= picture::kMaxPixels,
            "max pixels: found ", overrides.max_pixels, ", wanted ", side * side, " to ",
            picture::kMaxPixels);
    preprocessor.max_pixels = overrides.max_pixels;
  }
}

}  // namespace visavis::vision
