#include "engine/models/qwen_vl.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "engine/models/assembly.h"
#include "engine/models/picture_positions.h"
#include "engine/models/split_source.h"
#include "engine/models/weights.h"

namespace visavis::models {
namespace {

// The checkpoint's preprocessing must cut what this tower takes; a still picture is handed over
// once, not once per temporal slice.
vision::Preprocessor preprocessor(const Checkpoint& checkpoint, const QwenVlFamily& family) {
  vision::Preprocessor found = vision::read_preprocessor(checkpoint.folder);
  require(found.scheme == vision::Scheme::merged_patches, checkpoint.folder.string(),
          ": image processor '", found.type, "' does not cut merged patches");
  require(found.patch_size == family.patch && found.merge_size == family.merge,
          checkpoint.folder.string(), ": the image processor cuts patches of ", found.patch_size,
          " merged by ", found.merge_size, ", config.json wants ", family.patch, " merged by ",
          family.merge);
  vision::apply_overrides(found, checkpoint.options.pictures);
  found.temporal_copies = 1;
  return found;
}

std::optional<vision::VideoRules> video_rules(const Checkpoint& checkpoint,
                                              const QwenVlFamily& family) {
  if (family.video_token < 0) return std::nullopt;
  auto found = vision::read_video_rules(checkpoint.folder);
  if (!found) return found;
  const vision::Preprocessor& frame = found->frame;
  require(frame.patch_size == family.patch && frame.merge_size == family.merge &&
              frame.temporal_copies == family.temporal_patch,
          checkpoint.folder.string(), ": the video processor cuts patches of ", frame.patch_size,
          " merged by ", frame.merge_size, " and ", frame.temporal_copies,
          " frames, config.json wants ", family.patch, " merged by ", family.merge, " and ",
          family.temporal_patch);
  vision::apply_overrides(*found, checkpoint.options.pictures);
  return found;
}

// Pixels of the largest picture or frame: the limits of videos are of at least two frames, and
// sides are rounded up to less than twice their length.
int64_t most_pixels(const vision::Preprocessor& pictures,
                    const std::optional<vision::VideoRules>& videos) {
  if (!videos) return pictures.max_pixels;
  const vision::Preprocessor& frame = videos->frame;
  return std::max({pictures.max_pixels, frame.max_pixels / 2,
                   std::min(frame.min_pixels, vision::kMaxVideoPixels) * 2});
}

PreparedPicture arrange(vision::Patches patches, int64_t merge) {
  const vision::Geometry& size = patches.geometry;
  return {.grid = {.pixels = std::move(patches.pixels),
                   .levels = std::move(patches.levels),
                   .rows = patches.rows,
                   .grid_h = size.grid_h,
                   .grid_w = size.grid_w},
          .tokens = patches.rows / (merge * merge)};
}

void place(Prompt& prompt, int64_t merge) {
  std::vector<MergedGrid> grids;
  for (size_t i = 0; i < prompt.pictures.size(); ++i) {
    const PatchGrid& picture = prompt.pictures[i];
    grids.push_back({.slot = prompt.slots[i],
                     .rows = picture.grid_h / merge,
                     .columns = picture.grid_w / merge});
  }
  Positions positions = mrope_positions(prompt.tokens(), grids);
  prompt.positions = std::move(positions.values);
  prompt.position_delta = positions.delta;
}

}  // namespace

std::vector<std::string> fused_qkv_endings() { return {".attn.qkv.weight", ".attn.qkv.bias"}; }

std::unique_ptr<Model> open_qwen_vl(Checkpoint checkpoint, QwenVlFamily family) {
  vision::Preprocessor pictures = preprocessor(checkpoint, family);
  std::optional<vision::VideoRules> videos = video_rules(checkpoint, family);
  const checkpoint::TensorSource& tensors = *checkpoint.tensors;
  const std::string text_prefix =
      find_prefix(tensors, "text model", family.text_prefixes, "embed_tokens.weight");
  const std::string vision_prefix =
      find_prefix(tensors, "vision tower", family.vision_prefixes, "patch_embed.proj.weight");
  const int64_t merge = family.merge;
  const int64_t patches = merge * merge;  // of a token
  const int64_t largest =
      most_pixels(pictures, videos) / (family.patch * family.patch * patches) + 1;
  Frontend::Family prompts{.placeholder = "<|image_pad|>",
                           .image_token = static_cast<int32_t>(family.image_token),
                           .built_in_template = family.built_in_template,
                           .vocabulary = family.text.vocabulary,
                           .video_placeholder = "<|video_pad|>",
                           .video_token = family.video_token};
  return assemble(
      std::move(checkpoint),
      {.architecture = family.architecture,
       .frontend = std::move(prompts),
       .preprocessor = std::move(pictures),
       .videos = std::move(videos),
       .text = family.text,
       .arrange = [merge](vision::Patches cut) { return arrange(std::move(cut), merge); },
       .place = [merge](Prompt& prompt) { place(prompt, merge); },
       .with_parts =
           [](std::unique_ptr<checkpoint::TensorSource> stored) {
             return std::make_unique<SplitSource>(std::move(stored), fused_qkv_endings(), 3);
           },
       .load_text =
           [text = family.text, text_prefix, qk_norm = family.qk_norm,
            rope = family.rope](load::WeightLoader& loader) {
             return load_text(loader, text, text_prefix, "lm_head.weight", qk_norm, rope);
           },
       .load_vision = [load = std::move(family.load_vision), vision_prefix](
                          load::WeightLoader& loader) { return load(loader, vision_prefix); },
       .vision_workspace =
           [bytes = std::move(family.vision_workspace), patches, largest](int64_t context) {
             return bytes(std::min(context, largest) * patches);
           },
       .feature_bytes = std::move(family.feature_bytes)});
}

}  // namespace visavis::models
