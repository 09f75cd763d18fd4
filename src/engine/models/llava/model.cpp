// LLaVA-1.5: the pieces of this folder behind the Model interface.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "engine/models/families.h"
#include "engine/models/frontend.h"
#include "engine/models/llava/config.h"
#include "engine/models/llava/vision.h"
#include "engine/models/text_decoder.h"
#include "engine/models/weights.h"
#include "engine/nn/rope.h"

namespace visavis::models::llava {
namespace {

constexpr const char* kTemplate =
    "{%- for message in messages -%}"
    "{%- if message.role != 'system' -%}{{ message.role.upper() + ': ' }}{%- endif -%}"
    "{%- for part in message.content if part.type == 'image' -%}{{ '<image>\\n' }}{%- endfor -%}"
    "{%- for part in message.content if part.type == 'text' -%}{{ part.text + ' ' }}"
    "{%- endfor -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ 'ASSISTANT:' }}{%- endif -%}";

class Llava : public Model {
 public:
  explicit Llava(Checkpoint checkpoint)
      : config_(read_config(checkpoint.config)),
        options_(std::move(checkpoint.options)),
        parameters_(count_parameters(*checkpoint.tensors)),
        frontend_(checkpoint.folder,
                  {.placeholder = "<image>",
                   .image_token = static_cast<int32_t>(config_.image_token),
                   .built_in_template = kTemplate,
                   .vocabulary = config_.text.vocabulary},
                  preprocessor(checkpoint)),
        tensors_(std::move(checkpoint.tensors)) {
    text_prefix_ =
        find_prefix(*tensors_, "text model",
                    {"language_model.model.", "model.language_model.", "language_model."},
                    "embed_tokens.weight");
    tower_prefix_ = find_prefix(*tensors_, "vision tower",
                                {"vision_tower.vision_model.", "vision_tower.",
                                 "model.vision_tower.vision_model.", "model.vision_tower."},
                                "embeddings.patch_embedding.weight");
    projector_prefix_ =
        find_prefix(*tensors_, "projector",
                    {"multi_modal_projector.", "model.multi_modal_projector."}, "linear_1.weight");
    if (!config_.text.tied_embeddings) {
      head_ = find_prefix(*tensors_, "head", {"language_model.lm_head.", "lm_head."}, "weight") +
              "weight";
    }
    auto planner = load::WeightLoader::planner(*tensors_, options_.weights);
    const Parts counted = load_parts(planner);
    planned_ = planner.planned();
    weight_bytes_ = planner.bytes() - planner.vision_bytes();
    vision_bytes_ = planner.vision_bytes();
    dimensions_ = counted.text.dimensions();
  }

  const char* architecture() const override { return "LlavaForConditionalGeneration"; }
  const Dimensions& dimensions() const override { return dimensions_; }
  const std::vector<int32_t>& stop_ids() const override { return frontend_.stop_ids(); }
  bool multi_image_trained() const override { return false; }
  int64_t checkpoint_bytes() const override { return tensors_->file_bytes(); }
  int64_t parameters() const override { return parameters_; }
  const text::Tokenizer& tokenizer() const override { return frontend_.tokenizer(); }
  const std::vector<load::PlannedTensor>& planned() const override { return planned_; }

  Prompt prepare(const std::vector<chat::Turn>& turns) const override {
    const VisionConfig& clip = config_.vision;
    Prompt prompt = frontend_.prepare(turns, [&](vision::Patches patches) {
      const int64_t grid = clip.grid();
      return PreparedPicture{.grid = {.pixels = std::move(patches.pixels),
                                      .levels = std::move(patches.levels),
                                      .rows = grid * grid,
                                      .grid_h = grid,
                                      .grid_w = grid},
                             .tokens = config_.image_tokens()};
    });
    if (prompt.pictures.size() > 1) {
      prompt.notes.emplace_back("LLaVA-1.5 was not trained on several pictures in one prompt");
    }
    place_text(prompt);
    return prompt;
  }

  ModelMemory plan(const Limits& limits) const override {
    const int64_t step = limits.chunk + limits.batch;
    const int64_t row =
        tensor::Arena::footprint(config_.text.hidden * static_cast<int64_t>(sizeof(float)));
    return {
        .weights = weight_bytes_,
        .vision = vision_bytes_,
        .workspace = std::max(vision_workspace(config_), text_scratch(config_.text, step, step)),
        .image_features = limits.context * row};
  }

  void load(ops::Ops& ops) override {
    base::ThreadPool pool(options_.threads);
    load::WeightLoader loader(*tensors_, options_.weights, ops, pool, options_.progress, planned_,
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
    return {.text = load_text(loader, text, text_prefix_, head_, false,
                              nn::text_rope(text.head_dim, text.rope_theta)),
            .vision = load_vision(loader, config_, tower_prefix_, projector_prefix_)};
  }

  // The checkpoint's preprocessing must make pictures of the tower's size.
  vision::Preprocessor preprocessor(const Checkpoint& checkpoint) const {
    vision::Preprocessor found = vision::read_preprocessor(checkpoint.folder);
    require(found.scheme == vision::Scheme::centre_crop, checkpoint.folder.string(),
            ": image processor '", found.type, "' does not make pictures of one size");
    vision::apply_overrides(found, checkpoint.options.pictures);
    require(found.crop_width == config_.vision.image && found.crop_height == config_.vision.image,
            checkpoint.folder.string(), ": the image processor makes pictures of ",
            found.crop_width, " x ", found.crop_height, ", the vision tower wants ",
            config_.vision.image, " x ", config_.vision.image);
    return found;
  }

  Config config_;
  OpenOptions options_;
  int64_t parameters_;
  Frontend frontend_;
  std::unique_ptr<checkpoint::TensorSource> tensors_;
  std::string text_prefix_;
  std::string tower_prefix_;
  std::string projector_prefix_;
  std::string head_;  // empty when embeddings are tied
  std::vector<load::PlannedTensor> planned_;
  int64_t weight_bytes_ = 0;
  int64_t vision_bytes_ = 0;
  Dimensions dimensions_;
  std::optional<Parts> parts_;
  ops::Ops* ops_ = nullptr;
};

}  // namespace

std::unique_ptr<Model> open(Checkpoint checkpoint) {
  return std::make_unique<Llava>(std::move(checkpoint));
}

}  // namespace visavis::models::llava
