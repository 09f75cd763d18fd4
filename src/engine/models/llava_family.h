// What the LLaVA families share behind the Model interface: a CLIP tower with a projector, a
// decoder with ordinary positions, the prefixes that checkpoints use. A family's folder brings its
// way from a picture to features.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/models/families.h"
#include "engine/models/frontend.h"
#include "engine/models/llava/config.h"
#include "engine/models/picture_encoder.h"

namespace visavis::models {

/// Where a checkpoint keeps a part: the names before "embed_tokens.", "embeddings.",
/// "linear_1." and so on.
struct LlavaNames {
  std::string text = {};
  std::string head = {};  // the whole name; empty when embeddings are tied
  std::string tower = {};
  std::string projector = {};
  std::string newline = {};  // the whole name; empty if the family has no such tensor
};

/// How the models with Vicuna's text are asked.
extern const char* const kVicunaTemplate;

/// One family, its configuration read.
struct LlavaFamily {
  const char* architecture = nullptr;
  const char* built_in_template = nullptr;  // used only when the checkpoint has none
  const char* several_pictures = nullptr;   // what a prompt with several is told
  llava::Config config = {};
  vision::Scheme scheme = vision::Scheme::centre_crop;
  bool has_newline = false;  // a tensor image_newline
  /// A prepared picture as encode() takes it.
  std::function<PreparedPicture(vision::Patches)> arrange = {};
  std::function<std::unique_ptr<PictureEncoder>(load::WeightLoader&, const LlavaNames&)>
      load_vision = {};
  int64_t vision_workspace = 0;  // bytes that encode() takes
};

/// Throws Error as open_model().
std::unique_ptr<Model> open_llava(Checkpoint checkpoint, LlavaFamily family);

}  // namespace visavis::models
