// Qwen3-VL: the pieces of this folder behind the Model interface.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "engine/models/families.h"
#include "engine/models/frontend.h"
#include "engine/models/qwen3_vl/config.h"
#include "engine/models/qwen3_vl/positions.h"
#include "engine/models/qwen3_vl/vision.h"
#include "engine/models/split_source.h"
#include "engine/models/text_decoder.h"
#include "engine/models/weights.h"
#include "engine/nn/rope.h"

namespace visavis::models::qwen3_vl {
namespace {

constexpr const char* kTemplate =
    "{%- for message in messages -%}"
    "{{ '<|im_start|>' + message.role + '\\n' }}"
    "{%- if message.content is string -%}{{ message.content }}{%- else -%}"
    "{%- for part in message.content -%}"
    "{%- if part.type == 'image' -%}{{ '<|vision_start|><|image_pad|><|vision_end|>' }}"
    "{%- elif part.type == 'text' -%}{{ part.text }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}"
    "{{ '<|im_end|>\\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}";

class Qwen3Vl : public Model {
 public:
  explicit Qwen3Vl(Checkpoint checkpoint)
      : config_(read_config(checkpoint.config)),
        options_(std::move(checkpoint.options)),
        checkpoint_bytes_(checkpoint.tensors->file_bytes()),
        parameters_(count_parameters(*checkpoint.tensors)),
        frontend_(checkpoint.folder,
                  {.placeholder = "<|image_pad|>",
                   .image_token = static_cast<int32_t>(config_.image_token),
                   .built_in_template = kTemplate,
                   .vocabulary = config_.text.vocabulary},
                  preprocessor(checkpoint)),
        tensors_(std::move(checkpoint.tensors), fused_endings(), 3) {
    text_prefix_ = find_prefix(tensors_, "text model", {"model.language_model.", "language_model."},
                               "embed_tokens.weight");
    vision_prefix_ = find_prefix(tensors_, "vision tower", {"model.visual.", "visual."},
                                 "patch_embed.proj.weight");
    auto planner = load::WeightLoader::planner(tensors_, options_.weights);
    const Parts counted = load_parts(planner);
    planned_ = planner.planned();
    weight_bytes_ = planner.bytes() - planner.vision_bytes();
    vision_bytes_ = planner.vision_bytes();
    dimensions_ = counted.text.dimensions();
  }

  const char* architecture() const override { return "Qwen3VLForConditionalGeneration"; }
  const Dimensions& dimensions() const override { return dimensions_; }
  const std::vector<int32_t>& stop_ids() const override { return frontend_.stop_ids(); }
  bool multi_image_trained() const override { return true; }
  int64_t checkpoint_bytes() const override { return checkpoint_bytes_; }
  int64_t parameters() const override { return parameters_; }
  const text::Tokenizer& tokenizer() const override { return frontend_.tokenizer(); }
  const std::vector<load::PlannedTensor>& planned() const override { return planned_; }

  Prompt prepare(const std::vector<chat::Turn>& turns) const override {
    std::vector<MergedGrid> grids;
    const int64_t merge = config_.vision.merge;
    Prompt prompt = frontend_.prepare(turns, [&](vision::Patches patches) {
      const vision::Geometry& size = patches.geometry;
      grids.push_back({.rows = size.grid_h / merge, .columns = size.grid_w / merge});
      return PreparedPicture{.grid = {.pixels = std::move(patches.pixels),
                                      .levels = std::move(patches.levels),
                                      .rows = patches.rows,
                                      .grid_h = size.grid_h,
                                      .grid_w = size.grid_w},
                             .tokens = patches.rows / (merge * merge)};
    });
    for (size_t i = 0; i < grids.size(); ++i) grids[i].slot = prompt.slots[i];
    Positions positions = mrope_positions(prompt.tokens(), grids);
    prompt.positions = std::move(positions.values);
    prompt.position_delta = positions.delta;
    return prompt;
  }

  ModelMemory plan(const Limits& limits) const override {
    const VisionConfig& vision = config_.vision;
    const int64_t merged = vision.patch * vision.patch * vision.merge * vision.merge;
    const int64_t tokens =
        std::min(limits.context, frontend_.preprocessor().max_pixels / merged + 1);
    const int64_t step = limits.chunk + limits.batch;
    return {.weights = weight_bytes_,
            .vision = vision_bytes_,
            .workspace = std::max(vision_workspace(vision, tokens * vision.merge * vision.merge),
                                  text_scratch(config_.text, step, step)),
            .image_features = feature_bytes(vision, limits.context)};
  }

  void load(ops::Ops& ops) override {
    base::ThreadPool pool(options_.threads);
    load::WeightLoader loader(tensors_, options_.weights, ops, pool, options_.progress, planned_,
                              options_.cache.get());
    parts_ = load_parts(loader);
    ops_ = &ops;
  }

  ImageFeatures encode(const PatchGrid& picture, tensor::Arena& workspace,
                       tensor::Arena& features) override {
    return parts_->vision.encode(*ops_, picture, workspace, features);
  }

  void forward(const ops::StepBatch& batch, const std::vector<ImageRows>& images,
               const std::vector<ops::KvView>& kv, tensor::View logit_rows,
               tensor::Arena& workspace, tensor::MutView logits) override {
    parts_->text.forward(*ops_, batch, images, kv, logit_rows, workspace, logits);
  }

 private:
  struct Parts {
    TextDecoder text;
    Vision vision;
  };

  Parts load_parts(load::WeightLoader& loader) const {
    const TextConfig& text = config_.text;
    ops::RopeTable rope = nn::interleaved_mrope(text.head_dim, text.rope_theta, text.mrope_section);
    return {.text = load_text(loader, text, text_prefix_, "lm_head.weight", true, std::move(rope)),
            .vision = load_vision(loader, config_.vision, vision_prefix_)};
  }

  // The checkpoint's preprocessing must cut what this tower takes; a still picture is handed over
  // once, not once per temporal slice.
  vision::Preprocessor preprocessor(const Checkpoint& checkpoint) const {
    vision::Preprocessor found = vision::read_preprocessor(checkpoint.folder);
    require(found.scheme == vision::Scheme::merged_patches, checkpoint.folder.string(),
            ": image processor '", found.type, "' does not cut merged patches");
    require(found.patch_size == config_.vision.patch && found.merge_size == config_.vision.merge,
            checkpoint.folder.string(), ": the image processor cuts patches of ", found.patch_size,
            " merged by ", found.merge_size, ", config.json wants ", config_.vision.patch,
            " merged by ", config_.vision.merge);
    vision::apply_overrides(found, checkpoint.options.pictures);
    found.temporal_copies = 1;
    return found;
  }

  Config config_;
  OpenOptions options_;
  int64_t checkpoint_bytes_;
  int64_t parameters_;
  Frontend frontend_;
  SplitSource tensors_;
  std::string text_prefix_;
  std::string vision_prefix_;
  std::vector<load::PlannedTensor> planned_;
  int64_t weight_bytes_ = 0;
  int64_t vision_bytes_ = 0;
  Dimensions dimensions_;
  std::optional<Parts> parts_;
  ops::Ops* ops_ = nullptr;
};

}  // namespace

std::unique_ptr<Model> open(Checkpoint checkpoint) {
  return std::make_unique<Qwen3Vl>(std::move(checkpoint));
}

}  // namespace visavis::models::qwen3_vl
