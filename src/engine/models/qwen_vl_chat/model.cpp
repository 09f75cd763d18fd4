// Qwen-VL-Chat: the pieces of this folder behind the Model interface.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "engine/models/families.h"
#include "engine/models/frontend.h"
#include "engine/models/qwen_vl_chat/config.h"
#include "engine/models/qwen_vl_chat/parts.h"
#include "engine/models/qwen_vl_chat/prompt.h"
#include "engine/models/qwen_vl_chat/text.h"
#include "engine/models/qwen_vl_chat/vision.h"
#include "engine/models/text_decoder.h"
#include "engine/models/weights.h"
#include "engine/nn/rope.h"

namespace visavis::models::qwen_vl_chat {
namespace {

vision::Preprocessor preprocessor(const Config& config, const OpenOptions& options) {
  vision::Preprocessor result = vision::stretched_preprocessor(config.vision.image);
  vision::apply_overrides(result, options.pictures);
  return result;
}

class QwenVlChat : public Model {
 public:
  explicit QwenVlChat(Checkpoint checkpoint)
      : config_(read_config(checkpoint.config)),
        options_(std::move(checkpoint.options)),
        parameters_(count_parameters(*checkpoint.tensors)),
        frontend_(checkpoint.folder,
                  {.placeholder = "<imgpad>",
                   .image_token = static_cast<int32_t>(config_.image_token),
                   .built_in_template = nullptr,
                   .vocabulary = config_.text.vocabulary,
                   .pieces = &prompt_pieces,
                   .stop_tokens = {"<|endoftext|>", "<|im_end|>", "<|im_start|>"}},
                  preprocessor(config_, options_)),
        tensors_(with_parts(std::move(checkpoint.tensors), config_)) {
    auto planner = load::WeightLoader::planner(*tensors_, options_.weights);
    const Parts counted = load_parts(planner);
    planned_ = planner.planned();
    weight_bytes_ = planner.bytes() - planner.vision_bytes();
    vision_bytes_ = planner.vision_bytes();
    dimensions_ = counted.text.dimensions();
  }

  const char* architecture() const override { return "QWenLMHeadModel"; }
  const Dimensions& dimensions() const override { return dimensions_; }
  const std::vector<int32_t>& stop_ids() const override { return frontend_.stop_ids(); }
  bool multi_image_trained() const override { return true; }
  int64_t checkpoint_bytes() const override { return tensors_->file_bytes(); }
  int64_t parameters() const override { return parameters_; }
  const text::Tokenizer& tokenizer() const override { return frontend_.tokenizer(); }
  const std::vector<load::PlannedTensor>& planned() const override { return planned_; }

  Prompt prepare(const std::vector<chat::Turn>& turns) const override {
    const VisionConfig& vision = config_.vision;
    Prompt prompt = frontend_.prepare(turns, [&](vision::Patches patches) {
      return PreparedPicture{.grid = {.pixels = std::move(patches.pixels),
                                      .levels = std::move(patches.levels),
                                      .rows = vision.patches(),
                                      .grid_h = vision.grid(),
                                      .grid_w = vision.grid()},
                             .tokens = vision.queries};
    });
    place_text(prompt);
    return prompt;
  }

  // The published code chooses the frequencies by the prompt's length and keeps them while it
  // generates, so that cached keys and new queries agree. Here a token's row says which they are:
  // sequences of any length share a step, and pages of a cache are only shared where they agree.
  void place_text(Prompt& prompt) const override {
    Model::place_text(prompt);
    if (config_.rope_sets() == 1) return;
    const int64_t longest = std::min(prompt.tokens(), config_.text.max_positions);
    const auto set = static_cast<int32_t>(nn::dynamic_ntk_set(longest, config_.trained_length));
    const auto rows = prompt.positions.begin() + static_cast<std::ptrdiff_t>(prompt.ids.size());
    std::fill_n(rows, prompt.ids.size(), set);
    prompt.later_row = set;
  }

  ModelMemory plan(const Limits& limits) const override {
    const int64_t step = limits.chunk + limits.batch;
    const int64_t row =
        tensor::Arena::footprint(config_.text.hidden * static_cast<int64_t>(sizeof(float)));
    return {.weights = weight_bytes_,
            .vision = vision_bytes_,
            .workspace =
                std::max(vision_workspace(config_.vision), text_scratch(config_.text, step, step)),
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
    return {.text = load_text(loader, config_), .vision = load_vision(loader, config_.vision)};
  }

  Config config_;
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

std::unique_ptr<Model> open(Checkpoint checkpoint) {
  return std::make_unique<QwenVlChat>(std::move(checkpoint));
}

}  // namespace visavis::models::qwen_vl_chat
