// LLaVA-NeXT (LLaVA-1.6): the pieces of this folder as one of the LLaVA families.
#include <algorithm>
#include <utility>

#include "base/error.h"
#include "engine/models/llava_family.h"
#include "engine/models/llava_next/vision.h"

namespace visavis::models::llava_next {
namespace {

// How the models with Mistral's text are asked, as the hub publishes it.
constexpr const char* kMistralTemplate =
    "{%- for message in messages -%}"
    "{%- if message.role == 'system' -%}{{ '<<SYS>>\\n' }}"
    "{%- elif message.role == 'user' -%}{{ '[INST] ' }}"
    "{%- for part in message.content if part.type == 'image' -%}{{ '<image>\\n' }}{%- endfor -%}"
    "{%- else -%}{{ ' ' }}{%- endif -%}"
    "{%- for part in message.content if part.type == 'text' -%}{{ part.text }}{%- endfor -%}"
    "{%- if message.role == 'system' -%}{{ '\\n<</SYS>>\\n\\n' }}"
    "{%- elif message.role == 'user' -%}{{ ' [/INST]' }}"
    "{%- else -%}{{ '</s> ' }}{%- endif -%}"
    "{%- endfor -%}";

bool same(const vision::Extent& a, const vision::Extent& b) {
  return a.height == b.height && a.width == b.width;
}

// What no projector, tower or preprocessing of LLaVA-1.5 asks for. Returns the views of the picture
// that is cut into most tiles.
int64_t check_tiles(const Checkpoint& checkpoint, const llava::Config& config) {
  const checkpoint::ConfigReader& reader = checkpoint.config;
  if (config.keep_class_token) {
    reader.reject("vision_feature_select_strategy",
                  "default: tiles are put together without class tokens");
  }
  const int64_t edge = config.vision.image;
  if (edge % config.vision.patch != 0)
    reader.section("vision_config").reject("image_size", "a multiple of patch_size");
  const auto pinpoints = vision::read_pinpoints(reader, "image_grid_pinpoints", edge);
  const vision::Preprocessor pictures = vision::read_preprocessor(checkpoint.folder);
  require(pictures.scheme != vision::Scheme::tiles ||
              std::equal(pinpoints.begin(), pinpoints.end(), pictures.pinpoints.begin(),
                         pictures.pinpoints.end(), same),
          checkpoint.folder.string(), ": image_grid_pinpoints of the image processor are other ",
          "than those of config.json: they belong to different models");
  int64_t views = 0;
  for (const vision::Extent& size : pinpoints)
    views = std::max(views, 1 + size.height / edge * (size.width / edge));
  return views;
}

}  // namespace

std::unique_ptr<Model> open(Checkpoint checkpoint) {
  const llava::Config config = llava::read_config(checkpoint.config, {"llama", "mistral"});
  const int64_t views = check_tiles(checkpoint, config);
  const bool mistral =
      checkpoint.config.section("text_config").string_or("model_type", "") == "mistral";
  const auto arrange = [config](vision::Patches patches) {
    const int64_t side = config.vision.grid();
    const vision::Geometry& size = patches.geometry;
    const vision::ShownFeatures shown = vision::shown_features(size, side);
    return PreparedPicture{.grid = {.pixels = std::move(patches.pixels),
                                    .levels = std::move(patches.levels),
                                    .rows = (1 + size.tiles_h * size.tiles_w) * side * side,
                                    .grid_h = shown.rows,
                                    .grid_w = shown.columns,
                                    .tiles_h = size.tiles_h,
                                    .tiles_w = size.tiles_w,
                                    .shown = shown},
                           .tokens = shown.tokens(side)};
  };
  return open_llava(
      std::move(checkpoint),
      {.architecture = "LlavaNextForConditionalGeneration",
       .built_in_template = mistral ? kMistralTemplate : kVicunaTemplate,
       .several_pictures = "LLaVA-NeXT was not trained on several pictures in one prompt",
       .config = config,
       .scheme = vision::Scheme::tiles,
       .has_newline = true,
       .arrange = arrange,
       .load_vision =
           [config](load::WeightLoader& loader, const LlavaNames& names) {
             return std::make_unique<Vision>(load_vision(loader, config, names));
           },
       .vision_workspace = vision_workspace(config, views)});
}

}  // namespace visavis::models::llava_next
