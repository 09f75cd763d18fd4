// Qwen-VL-Chat: the pieces of this folder as a Model.
#include <algorithm>
#include <utility>

#include "engine/models/assembly.h"
#include "engine/models/qwen_vl_chat/config.h"
#include "engine/models/qwen_vl_chat/parts.h"
#include "engine/models/qwen_vl_chat/prompt.h"
#include "engine/models/qwen_vl_chat/text.h"
#include "engine/models/qwen_vl_chat/vision.h"
#include "engine/nn/rope.h"

namespace visavis::models::qwen_vl_chat {
namespace {

PreparedPicture arrange(vision::Patches patches, const VisionConfig& vision) {
  return {.grid = {.pixels = std::move(patches.pixels),
                   .levels = std::move(patches.levels),
                   .rows = vision.patches(),
                   .grid_h = vision.grid(),
                   .grid_w = vision.grid()},
          .tokens = vision.queries};
}

// The published code chooses the frequencies by the prompt's length and keeps them while it
// generates, so that cached keys and new queries agree. Here a token's row says which they are:
// sequences of any length share a step, and pages of a cache are only shared where they agree.
void place(Prompt& prompt, const Config& config) {
  prompt.place_in_order();
  if (config.rope_sets() == 1) return;
  const int64_t longest = std::min(prompt.tokens(), config.text.max_positions);
  const auto set = static_cast<int32_t>(nn::dynamic_ntk_set(longest, config.trained_length));
  const auto rows = prompt.positions.begin() + static_cast<std::ptrdiff_t>(prompt.ids.size());
  std::fill_n(rows, prompt.ids.size(), set);
  prompt.later_row = set;
}

}  // namespace

std::unique_ptr<Model> open(Checkpoint checkpoint) {
  const Config config = read_config(checkpoint.config);
  const VisionConfig& vision = config.vision;
  vision::Preprocessor pictures = vision::stretched_preprocessor(vision.image);
  vision::apply_overrides(pictures, checkpoint.options.pictures);
  Frontend::Family prompts{.placeholder = "<imgpad>",
                           .image_token = static_cast<int32_t>(config.image_token),
                           .built_in_template = nullptr,
                           .vocabulary = config.text.vocabulary,
                           .pieces = &prompt_pieces,
                           .stop_tokens = {"<|endoftext|>", "<|im_end|>", "<|im_start|>"}};
  return assemble(
      std::move(checkpoint),
      {.architecture = "QWenLMHeadModel",
       .frontend = std::move(prompts),
       .preprocessor = std::move(pictures),
       .text = config.text,
       .arrange = [vision](vision::Patches cut) { return arrange(std::move(cut), vision); },
       .place = [config](Prompt& prompt) { place(prompt, config); },
       .with_parts =
           [config](std::unique_ptr<checkpoint::TensorSource> stored) {
             return with_parts(std::move(stored), config);
           },
       .load_text = [config](load::WeightLoader& loader) { return load_text(loader, config); },
       .load_vision =
           [vision](load::WeightLoader& loader) {
             return std::make_unique<Vision>(load_vision(loader, vision));
           },
       .vision_workspace = [vision](int64_t) { return vision_workspace(vision); }});
}

}  // namespace visavis::models::qwen_vl_chat
