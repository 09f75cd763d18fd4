// visavis pixels: shows what the engine makes of pictures, as the tensors that the vision encoder
// gets. For comparing with another implementation.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/threads.h"
#include "cli/verbs.h"
#include "cli/wiring.h"
#include "engine/checkpoint/config_reader.h"
#include "engine/checkpoint/safetensors_writer.h"
#include "engine/vision/prepare.h"
#include "picture/decode.h"

namespace visavis::cli {
namespace {

using vision::Patches;
using vision::Scheme;

struct Options {
  std::string model;
  std::vector<std::string> images;
  std::string output;
  vision::Overrides overrides;
  int threads = 0;
  bool json = false;
};

/// Placeholder tokens of one picture; 0 if the checkpoint's config.json does not tell.
int64_t tokens_of(const Patches& patches, const vision::Preprocessor& preprocessor,
                  const std::filesystem::path& model) {
  if (preprocessor.scheme == Scheme::merged_patches) {
    return patches.rows / (preprocessor.merge_size * preprocessor.merge_size);
  }
  if (!std::filesystem::exists(model / "config.json")) return 0;
  const auto config = checkpoint::ConfigReader::open(model / "config.json");
  if (!config.has("vision_config.patch_size")) return 0;
  const int64_t patch = config.require_int("vision_config.patch_size");
  if (preprocessor.scheme == Scheme::tiles) {
    const int64_t side = preprocessor.crop_width / patch;
    return vision::shown_features(patches.geometry, side).tokens(side);
  }
  const bool full = config.string_or("vision_feature_select_strategy", "default") == "full";
  return (patches.geometry.width / patch) * (patches.geometry.height / patch) + (full ? 1 : 0);
}

/// [all patches, patch values], [pictures, 3, height, width], or of tiles [pictures, views, 3,
/// edge, edge].
tensor::Shape shape_of(const std::vector<Patches>& pictures, Scheme scheme) {
  const Patches& first = pictures.front();
  if (scheme == Scheme::merged_patches) {
    int64_t rows = 0;
    for (const Patches& picture : pictures) rows += picture.rows;
    return {rows, first.layout.row_values()};
  }
  if (scheme == Scheme::tiles) {
    for (const Patches& picture : pictures) {
      require(picture.layout.rows() == first.layout.rows(), picture.note, ": found ",
              picture.layout.rows(), " views, wanted ", first.layout.rows(),
              " as of the first picture");
    }
    return {static_cast<int64_t>(pictures.size()), first.layout.rows(), 3, first.layout.patch_h,
            first.layout.patch_w};
  }
  for (const Patches& picture : pictures) {
    require(picture.geometry.width == first.geometry.width &&
                picture.geometry.height == first.geometry.height,
            picture.note, ": found ", picture.geometry.width, " x ", picture.geometry.height,
            " pixels, wanted ", first.geometry.width, " x ", first.geometry.height,
            " as the first picture");
  }
  return {static_cast<int64_t>(pictures.size()), 3, first.geometry.height, first.geometry.width};
}

void write(const std::filesystem::path& path, const std::vector<Patches>& pictures, Scheme scheme) {
  std::vector<int64_t> grids;
  std::vector<checkpoint::TensorSpec> specs;
  if (scheme == Scheme::merged_patches) {
    for (const Patches& picture : pictures) {
      grids.insert(grids.end(), {1, picture.geometry.grid_h, picture.geometry.grid_w});
    }
    specs.push_back({.name = "image_grid_thw",
                     .dtype = tensor::DType::i64,
                     .shape = {static_cast<int64_t>(pictures.size()), 3}});
  }
  specs.push_back(
      {.name = "pixel_values", .dtype = tensor::DType::f32, .shape = shape_of(pictures, scheme)});
  checkpoint::SafetensorsWriter writer(path, specs);
  writer.write(std::as_bytes(std::span(grids)));
  for (const Patches& picture : pictures) {
    const std::vector<float> values = picture.values();
    writer.write(std::as_bytes(std::span(values)));
  }
  writer.finish();
}

base::Json summary_of(const Patches& picture, int64_t tokens) {
  const vision::Geometry& g = picture.geometry;
  return {{"note", picture.note},
          {"width", g.width},
          {"height", g.height},
          {"patches", picture.rows},
          {"image_tokens", tokens},
          {"sha256", picture.sha256},
          {"image_decode_s", picture.decode_seconds},
          {"image_resize_s", picture.resize_seconds}};
}

int run(const Options& options) {
  const std::filesystem::path model = model_folder(options.model);
  vision::Preprocessor preprocessor = vision::read_preprocessor(model);
  vision::apply_overrides(preprocessor, options.overrides);
  base::ThreadPool pool(options.threads);
  std::vector<Patches> pictures;
  base::Json images = base::Json::array();
  for (const std::string& image : options.images) {
    const std::string bytes = base::read_file(image, picture::kMaxFileBytes);
    pictures.push_back(
        vision::prepare_picture(bytes, image, preprocessor, base::steady_clock(), &pool));
    const int64_t tokens = tokens_of(pictures.back(), preprocessor, model);
    if (options.json) {
      images.push_back(summary_of(pictures.back(), tokens));
    } else {
      fmt::print("{}, {} tokens (decode {:.1f} ms, resize {:.1f} ms)\n", pictures.back().note,
                 tokens, pictures.back().decode_seconds * 1e3,
                 pictures.back().resize_seconds * 1e3);
    }
  }
  if (!options.output.empty()) write(options.output, pictures, preprocessor.scheme);
  if (options.json) {
    const tensor::Shape shape = shape_of(pictures, preprocessor.scheme);
    base::Json extents = base::Json::array();
    for (int axis = 0; axis < shape.rank(); ++axis) extents.push_back(shape[axis]);
    std::cout << base::dump_json({{"model", options.model},
                                  {"image_processor", preprocessor.type},
                                  {"images", images},
                                  {"pixel_values_shape", extents},
                                  {"output", options.output}},
                                 1)
              << "\n";
  }
  return kDone;
}

}  // namespace

void add_pixels(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "pixels", "Shows what the engine does with pictures before the vision encoder sees them");
  verb->add_option("MODEL", options->model, "A checkpoint folder or a name (visavis models)")
      ->required();
  verb->add_option("-i,--image", options->images, "A picture file; give it again for more")
      ->required()
      ->allow_extra_args(false);
  verb->add_option("-o,--output", options->output,
                   "Write pixel_values (and image_grid_thw) to this safetensors file");
  verb->add_option("--max-pixels", options->overrides.max_pixels,
                   "Upper limit of a picture's area (models with pictures of any size)");
  verb->add_option("--image-mode", options->overrides.image_mode,
                   "crop or pad (models with pictures of one size)")
      ->check(CLI::IsMember({"crop", "pad"}));
  verb->add_option("--threads", options->threads, "Threads; 0: one per CPU");
  verb->add_flag("--json", options->json, "Print JSON");
  verb->footer(
      "Example:\n  visavis pixels models/demo/qwen3-vl -i cat.jpg -o cat.safetensors --json");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace visavis::cli
