#include "engine/models/assembly.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/threads.h"
#include "engine/models/weights.h"

namespace visavis::models {
namespace {

class AssembledModel : public Model {
 public:
  AssembledModel(Checkpoint checkpoint, Assembly assembly)
      : family_(std::move(assembly)),
        options_(std::move(checkpoint.options)),
        parameters_(count_parameters(*checkpoint.tensors)),
        frontend_(checkpoint.folder, family_.frontend, std::move(family_.preprocessor),
                  std::move(family_.videos)),
        tensors_(family_.with_parts ? family_.with_parts(std::move(checkpoint.tensors))
                                    : std::move(checkpoint.tensors)) {
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
  bool multi_image_trained() const override { return family_.several_pictures == nullptr; }
  int64_t checkpoint_bytes() const override { return tensors_->file_bytes(); }
  int64_t parameters() const override { return parameters_; }
  const text::Tokenizer& tokenizer() const override { return frontend_.tokenizer(); }
  const std::vector<load::PlannedTensor>& planned() const override { return planned_; }

  Prompt prepare(const std::vector<chat::Turn>& turns) const override {
    Prompt prompt = frontend_.prepare(turns, family_.arrange);
    if (prompt.pictures.size() > 1 && !multi_image_trained())
      prompt.notes.emplace_back(family_.several_pictures);
    place_text(prompt);
    return prompt;
  }

  void place_text(Prompt& prompt) const override {
    if (family_.place)
      family_.place(prompt);
    else
      prompt.place_in_order();
  }

  ModelMemory plan(const Limits& limits) const override {
    const int64_t step = limits.chunk + limits.batch;
    const int64_t row =
        tensor::Arena::footprint(family_.text.hidden * static_cast<int64_t>(sizeof(float)));
    return {.weights = weight_bytes_,
            .vision = vision_bytes_,
            .workspace = std::max(family_.vision_workspace(limits.context),
                                  text_scratch(family_.text, step, step)),
            .image_features = family_.feature_bytes ? family_.feature_bytes(limits.context)
                                                    : limits.context * row};
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
    return {.text = family_.load_text(loader), .vision = family_.load_vision(loader)};
  }

  Assembly family_;
  OpenOptions options_;
  int64_t parameters_;
  Frontend frontend_;
  std::unique_ptr<checkpoint::TensorSource> tensors_;
  std::vector<load::PlannedTensor> planned_;
  int64_t weight_bytes_ = 0;
  int64_t vision_bytes_ = 0;
  Dimensions dimensions_;
  std::optional<Parts> parts_;
  ops::Ops* ops_ = nullptr;
};

}  // namespace

std::unique_ptr<Model> assemble(Checkpoint checkpoint, Assembly assembly) {
  return std::make_unique<AssembledModel>(std::move(checkpoint), std::move(assembly));
}

}  // namespace visavis::models
