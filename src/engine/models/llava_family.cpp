#include "engine/models/llava_family.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "engine/models/text_decoder.h"
#include "engine/models/weights.h"
#include "engine/nn/rope.h"

namespace visavis::models {
namespace {

class Llava : public Model {
 public:
  Llava(Checkpoint checkpoint, LlavaFamily family)
      : family_(std::move(family)),
        options_(std::move(checkpoint.options)),
        parameters_(count_parameters(*checkpoint.tensors)),
        frontend_(checkpoint.folder,
                  {.placeholder = "<image>",
                   .image_token = static_cast<int32_t>(family_.config.image_token),
                   .built_in_template = family_.built_in_template,
                   .vocabulary = family_.config.text.vocabulary},
                  preprocessor(checkpoint)),
        tensors_(std::move(checkpoint.tensors)) {
    text_prefix_ =
        find_prefix(*tensors_, "text model",
                    {"language_model.model.", "model.language_model.", "language_model."},
                    "embed_tokens.weight");
    names_.tower = find_prefix(*tensors_, "vision tower",
                               {"vision_tower.vision_model.", "vision_tower.",
                                "model.vision_tower.vision_model.", "model.vision_tower."},
                               "embeddings.patch_embedding.weight");
    names_.projector =
        find_prefix(*tensors_, "projector",
                    {"multi_modal_projector.", "model.multi_modal_projector."}, "linear_1.weight");
    if (family_.has_newline) {
      const std::string name = "image_newline";
      names_.newline = find_prefix(*tensors_, "end of line", {"", "model."}, name) + name;
    }
    if (!family_.config.text.tied_embeddings) {
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

  const char* architecture() const override { return family_.architecture; }
  const Dimensions& dimensions() const override { return dimensions_; }
  const std::vector<int32_t>& stop_ids() const override { return frontend_.stop_ids(); }
  bool multi_image_trained() const override { return false; }
  int64_t checkpoint_bytes() const override { return tensors_->file_bytes(); }
  int64_t parameters() const override { return parameters_; }
  const text::Tokenizer& tokenizer() const override { return frontend_.tokenizer(); }
  const std::vector<load::PlannedTensor>& planned() const override { return planned_; }

  Prompt prepare(const std::vector<chat::Turn>& turns) const override {
    Prompt prompt = frontend_.prepare(turns, family_.arrange);
    if (prompt.pictures.size() > 1) prompt.notes.emplace_back(family_.several_pictures);
    place_text(prompt);
    return prompt;
  }

  ModelMemory plan(const Limits& limits) const override {
    const int64_t step = limits.chunk + limits.batch;
    const int64_t row =
        tensor::Arena::footprint(family_.config.text.hidden * static_cast<int64_t>(sizeof(float)));
    return {.weights = weight_bytes_,
            .vision = vision_bytes_,
            .workspace =
                std::max(family_.vision_workspace, text_scratch(family_.config.text, step, step)),
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
    return parts_->vision->encode(*ops_, picture, workspace, features);
  }

  void forward(const ops::StepBatch& batch, const std::vector<ImageRows>& images,
               const std::vector<ops::KvView>& kv, tensor::View logit_rows,
               tensor::Arena& workspace, tensor::MutView logits) override {
    parts_->text.forward(*ops_, batch, images, kv, logit_rows, workspace, logits);
  }

 private:
  struct Parts {
    TextDecoder text;
    std::unique_ptr<PictureEncoder> vision;
  };

  Parts load_parts(load::WeightLoader& loader) const {
    const TextConfig& text = family_.config.text;
    return {.text = load_text(loader, text, text_prefix_, head_, false,
                              nn::text_rope(text.head_dim, text.rope_theta)),
            .vision = family_.load_vision(loader, names_)};
  }

  // The checkpoint's preprocessing must make pictures of the tower's size.
  vision::Preprocessor preprocessor(const Checkpoint& checkpoint) const {
    vision::Preprocessor found = vision::read_preprocessor(checkpoint.folder);
    require(found.scheme == family_.scheme, checkpoint.folder.string(), ": image processor '",
            found.type, "' does not make what ", family_.architecture, " takes");
    vision::apply_overrides(found, checkpoint.options.pictures);
    require(found.crop_width == family_.config.vision.image &&
                found.crop_height == family_.config.vision.image,
            checkpoint.folder.string(), ": the image processor makes pictures of ",
            found.crop_width, " x ", found.crop_height, ", the vision tower wants ",
            family_.config.vision.image, " x ", family_.config.vision.image);
    return found;
  }

  LlavaFamily family_;
  OpenOptions options_;
  int64_t parameters_;
  Frontend frontend_;
  std::unique_ptr<checkpoint::TensorSource> tensors_;
  std::string text_prefix_;
  LlavaNames names_;
  std::string head_;  // empty when embeddings are tied
  std::vector<load::PlannedTensor> planned_;
  int64_t weight_bytes_ = 0;
  int64_t vision_bytes_ = 0;
  Dimensions dimensions_;
  std::optional<Parts> parts_;
  ops::Ops* ops_ = nullptr;
};

}  // namespace

std::unique_ptr<Model> open_llava(Checkpoint checkpoint, LlavaFamily family) {
  return std::make_unique<Llava>(std::move(checkpoint), std::move(family));
}

}  // namespace visavis::models
