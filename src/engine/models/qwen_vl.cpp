#include "engine/models/qwen_vl.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "engine/models/frontend.h"
#include "engine/models/picture_positions.h"
#include "engine/models/split_source.h"
#include "engine/models/text_decoder.h"
#include "engine/models/weights.h"

namespace visavis::models {
namespace {

class QwenVl : public Model {
 public:
  QwenVl(Checkpoint checkpoint, QwenVlFamily family)
      : family_(std::move(family)),
        options_(std::move(checkpoint.options)),
        checkpoint_bytes_(checkpoint.tensors->file_bytes()),
        parameters_(count_parameters(*checkpoint.tensors)),
        frontend_(checkpoint.folder,
                  {.placeholder = "<|image_pad|>",
                   .image_token = static_cast<int32_t>(family_.image_token),
                   .built_in_template = family_.built_in_template,
                   .vocabulary = family_.text.vocabulary},
                  preprocessor(checkpoint)),
        tensors_(std::move(checkpoint.tensors), fused_qkv_endings(), 3) {
    text_prefix_ =
        find_prefix(tensors_, "text model", family_.text_prefixes, "embed_tokens.weight");
    vision_prefix_ =
        find_prefix(tensors_, "vision tower", family_.vision_prefixes, "patch_embed.proj.weight");
    auto planner = load::WeightLoader::planner(tensors_, options_.weights);
    const Parts counted = load_parts(planner);
    planned_ = planner.planned();
    weight_bytes_ = planner.bytes() - planner.vision_bytes();
    vision_bytes_ = planner.vision_bytes();
    dimensions_ = counted.text.dimensions();
  }

  const char* architecture() const override { return family_.architecture; }
  const Dimensions& dimensions() const override { return dimensions_; }
  const std::vector<int32_t>& stop_ids() const override { return frontend_.stop_ids(); }
  bool multi_image_trained() const override { return true; }
  int64_t checkpoint_bytes() const override { return checkpoint_bytes_; }
  int64_t parameters() const override { return parameters_; }
  const text::Tokenizer& tokenizer() const override { return frontend_.tokenizer(); }
  const std::vector<load::PlannedTensor>& planned() const override { return planned_; }

  Prompt prepare(const std::vector<chat::Turn>& turns) const override {
    std::vector<MergedGrid> grids;
    const int64_t merge = family_.merge;
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
    const int64_t patches = family_.merge * family_.merge;  // of a token
    const int64_t merged = family_.patch * family_.patch * patches;
    const int64_t tokens =
        std::min(limits.context, frontend_.preprocessor().max_pixels / merged + 1);
    const int64_t step = limits.chunk + limits.batch;
    return {.weights = weight_bytes_,
            .vision = vision_bytes_,
            .workspace = std::max(family_.vision_workspace(tokens * patches),
                                  text_scratch(family_.text, step, step)),
            .image_features = family_.feature_bytes(limits.context)};
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
    return {.text = load_text(loader, family_.text, text_prefix_, "lm_head.weight", family_.qk_norm,
                              family_.rope),
            .vision = family_.load_vision(loader, vision_prefix_)};
  }

  // The checkpoint's preprocessing must cut what this tower takes; a still picture is handed over
  // once, not once per temporal slice.
  vision::Preprocessor preprocessor(const Checkpoint& checkpoint) const {
    vision::Preprocessor found = vision::read_preprocessor(checkpoint.folder);
    require(found.scheme == vision::Scheme::merged_patches, checkpoint.folder.string(),
            ": image processor '", found.type, "' does not cut merged patches");
    require(found.patch_size == family_.patch && found.merge_size == family_.merge,
            checkpoint.folder.string(), ": the image processor cuts patches of ", found.patch_size,
            " merged by ", found.merge_size, ", config.json wants ", family_.patch, " merged by ",
            family_.merge);
    vision::apply_overrides(found, checkpoint.options.pictures);
    found.temporal_copies = 1;
    return found;
  }

  QwenVlFamily family_;
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

std::vector<std::string> fused_qkv_endings() { return {".attn.qkv.weight", ".attn.qkv.bias"}; }

std::unique_ptr<Model> open_qwen_vl(Checkpoint checkpoint, QwenVlFamily family) {
  return std::make_unique<QwenVl>(std::move(checkpoint), std::move(family));
}

}  // namespace visavis::models
