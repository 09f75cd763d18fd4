#include "engine/models/llava_family.h"

#include <utility>

#include "base/error.h"
#include "engine/models/assembly.h"
#include "engine/models/weights.h"
#include "engine/nn/rope.h"

namespace visavis::models {

const char* const kVicunaTemplate =
    "{%- for message in messages -%}"
    "{%- if message.role != 'system' -%}{{ message.role.upper() + ': ' }}{%- endif -%}"
    "{%- for part in message.content if part.type == 'image' -%}{{ '<image>\\n' }}{%- endfor -%}"
    "{%- for part in message.content if part.type == 'text' -%}{{ part.text + ' ' }}"
    "{%- endfor -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ 'ASSISTANT:' }}{%- endif -%}";

namespace {

LlavaNames find_names(const checkpoint::TensorSource& tensors, const LlavaFamily& family) {
  LlavaNames names;
  names.text = find_prefix(tensors, "text model",
                           {"language_model.model.", "model.language_model.", "language_model."},
                           "embed_tokens.weight");
  names.tower = find_prefix(tensors, "vision tower",
                            {"vision_tower.vision_model.", "vision_tower.",
                             "model.vision_tower.vision_model.", "model.vision_tower."},
                            "embeddings.patch_embedding.weight");
  names.projector =
      find_prefix(tensors, "projector", {"multi_modal_projector.", "model.multi_modal_projector."},
                  "linear_1.weight");
  if (family.has_newline) {
    const std::string name = "image_newline";
    names.newline = find_prefix(tensors, "end of line", {"", "model."}, name) + name;
  }
  if (!family.config.text.tied_embeddings) {
    names.head =
        find_prefix(tensors, "head", {"language_model.lm_head.", "lm_head."}, "weight") + "weight";
  }
  return names;
}

// The checkpoint's preprocessing must make pictures of the tower's size.
vision::Preprocessor preprocessor(const Checkpoint& checkpoint, const LlavaFamily& family) {
  const int64_t side = family.config.vision.image;
  vision::Preprocessor found = vision::read_preprocessor(checkpoint.folder);
  require(found.scheme == family.scheme, checkpoint.folder.string(), ": image processor '",
          found.type, "' does not make what ", family.architecture, " takes");
  vision::apply_overrides(found, checkpoint.options.pictures);
  require(found.crop_width == side && found.crop_height == side, checkpoint.folder.string(),
          ": the image processor makes pictures of ", found.crop_width, " x ", found.crop_height,
          ", the vision tower wants ", side, " x ", side);
  return found;
}

}  // namespace

std::unique_ptr<Model> open_llava(Checkpoint checkpoint, LlavaFamily family) {
  const TextConfig text = family.config.text;
  const LlavaNames names = find_names(*checkpoint.tensors, family);
  vision::Preprocessor pictures = preprocessor(checkpoint, family);
  Frontend::Family prompts{.placeholder = "<image>",
                           .image_token = static_cast<int32_t>(family.config.image_token),
                           .built_in_template = family.built_in_template,
                           .vocabulary = text.vocabulary};
  return assemble(
      std::move(checkpoint),
      {.architecture = family.architecture,
       .frontend = std::move(prompts),
       .preprocessor = std::move(pictures),
       .text = text,
       .several_pictures = family.several_pictures,
       .arrange = std::move(family.arrange),
       .load_text =
           [text, names](load::WeightLoader& loader) {
             return load_text(loader, text, names.text, names.head, false,
                              nn::text_rope(text.head_dim, text.rope_theta));
           },
       .load_vision = [load = std::move(family.load_vision),
                       names](load::WeightLoader& loader) { return load(loader, names); },
       .vision_workspace = [bytes = family.vision_workspace](int64_t) { return bytes; }});
}

}  // namespace visavis::models
