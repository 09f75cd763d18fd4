// Qwen3-VL: the pieces of this folder as one of the Qwen-VL families.
#include <utility>

#include "engine/models/families.h"
#include "engine/models/qwen3_vl/config.h"
#include "engine/models/qwen3_vl/vision.h"
#include "engine/models/qwen_vl.h"
#include "engine/nn/rope.h"

namespace visavis::models::qwen3_vl {
namespace {

constexpr const char* kTemplate =
    "{%- for message in messages -%}"
    "{{ '<|im_start|>' + message.role + '\\n' }}"
    "{%- if message.content is string -%}{{ message.content }}{%- else -%}"
    "{%- for part in message.content -%}"
    "{%- if part.type == 'image' -%}{{ '<|vision_start|><|image_pad|><|vision_end|>' }}"
    "{%- elif part.type == 'video' -%}{{ '<|vision_start|><|video_pad|><|vision_end|>' }}"
    "{%- elif part.type == 'text' -%}{{ part.text }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}"
    "{{ '<|im_end|>\\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}";

}  // namespace

std::unique_ptr<Model> open(Checkpoint checkpoint) {
  const Config config = read_config(checkpoint.config);
  const TextConfig& text = config.text;
  const VisionConfig& vision = config.vision;
  return open_qwen_vl(
      std::move(checkpoint),
      {.architecture = "Qwen3VLForConditionalGeneration",
       .built_in_template = kTemplate,
       .text = text,
       .qk_norm = true,
       .rope = nn::interleaved_mrope(text.head_dim, text.rope_theta, text.mrope_section),
       .image_token = config.image_token,
       .video_token = config.video_token,
       .temporal_patch = vision.temporal_patch,
       .patch = vision.patch,
       .merge = vision.merge,
       .text_prefixes = {"model.language_model.", "language_model."},
       .vision_prefixes = {"model.visual.", "visual."},
       .load_vision =
           [vision](load::WeightLoader& loader, const std::string& prefix) {
             return std::make_unique<Vision>(load_vision(loader, vision, prefix));
           },
       .vision_workspace = [vision](int64_t patches) { return vision_workspace(vision, patches); },
       .feature_bytes = [vision](int64_t tokens) { return feature_bytes(vision, tokens); }});
}

}  // namespace visavis::models::qwen3_vl
