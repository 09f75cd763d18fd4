// LLaVA-1.5: the pieces of this folder as one of the LLaVA families.
#include <utility>

#include "engine/models/llava/vision.h"
#include "engine/models/llava_family.h"

namespace visavis::models::llava {

std::unique_ptr<Model> open(Checkpoint checkpoint) {
  const Config config = read_config(checkpoint.config, {"llama"});
  const auto arrange = [config](vision::Patches patches) {
    const int64_t grid = config.vision.grid();
    return PreparedPicture{.grid = {.pixels = std::move(patches.pixels),
                                    .levels = std::move(patches.levels),
                                    .rows = grid * grid,
                                    .grid_h = grid,
                                    .grid_w = grid},
                           .tokens = config.image_tokens()};
  };
  return open_llava(
      std::move(checkpoint),
      {.architecture = "LlavaForConditionalGeneration",
       .built_in_template = kVicunaTemplate,
       .several_pictures = "LLaVA-1.5 was not trained on several pictures in one prompt",
       .config = config,
       .arrange = arrange,
       .load_vision =
           [config](load::WeightLoader& loader, const LlavaNames& names) {
             return std::make_unique<Vision>(
                 load_vision(loader, config, names.tower, names.projector));
           },
       .vision_workspace = vision_workspace(config)});
}

}  // namespace visavis::models::llava
