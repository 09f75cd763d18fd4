// One vision-language model, seen from the scheduler: prepare a request, encode pictures, run
// steps. A family (models/<family>/) implements it once for every device in terms of Ops. It is
// opened in two moves: families.h reads and checks the small files, load() brings the weights in.
// Not thread-safe: const functions may run on any thread, the others on the device's thread only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chat/request.h"
#include "engine/load/loader.h"
#include "engine/ops/ops.h"
#include "engine/tensor/buffer.h"
#include "engine/text/tokenizer.h"
#include "engine/vision/prepare.h"
#include "picture/rgb_image.h"

namespace visavis::models {

/// One picture, or the frames of a video that one grid of patches spans, ready for the vision
/// encoder, which normalises them and cuts them into patches.
struct PatchGrid {
  picture::RgbImage pixels;
  std::vector<picture::RgbImage> later_frames =
      {};                     // of a video: those after `pixels`, of its size
  std::vector<float> levels;  // as Ops::cut_patches takes them
  int64_t rows = 0;           // patches
  int64_t grid_h = 0;         // patches down
  int64_t grid_w = 0;         // patches across
  /// Where a picture is cut into tiles (vision::Scheme::tiles): how many down and across, and which
  /// part of their features shows it. rows counts the patches of all views.
  int64_t tiles_h = 0;
  int64_t tiles_w = 0;
  vision::ShownFeatures shown = {};
};

/// Where one picture's features go in the prompt: ids[begin, begin + tokens) are placeholders.
struct ImageSlot {
  int64_t begin = 0;
  int64_t tokens = 0;
  std::string key = {};  // names the picture's features: equal for equal file bytes, preprocessing
                         // and grid, different otherwise

  int64_t end() const { return begin + tokens; }
};

struct Prompt {
  std::string text;                // as rendered, before tokenising
  std::vector<int32_t> ids;        // placeholders expanded
  std::vector<int32_t> positions;  // [3, ids.size()]
  int32_t position_delta = 0;      // position of generated token i = i + delta (all three axes)
  std::optional<int32_t> later_row = {};  // its row where rows are no positions (ops::RopeTable)
  std::vector<ImageSlot> slots;           // in prompt order, one per picture or temporal patch
  std::vector<PatchGrid> pictures;        // same order
  double decode_seconds = 0;              // picture decoding
  double resize_seconds = 0;              // resizing and cutting into patches
  std::vector<std::string> notes;         // what was done to each picture

  int64_t tokens() const { return static_cast<int64_t>(ids.size()); }
  int64_t image_tokens() const;
  /// Positions 0, 1, 2, ... on all axes.
  void place_in_order();
  /// Time, row and column of token i, which may lie behind the prompt.
  std::array<int32_t, 3> position(int64_t i) const;
};

/// A picture as rows for the text model, on the device; borrowed from the features arena.
struct ImageFeatures {
  tensor::MutView rows;                    // [tokens, hidden]
  std::vector<tensor::MutView> deepstack;  // each [tokens, hidden]; added after layers 0, 1, ...
};

/// Image rows inside one step: step rows [step_begin, step_begin + count) take the feature rows
/// from feature_begin on instead of embeddings.
struct ImageRows {
  const ImageFeatures* features = nullptr;
  int64_t feature_begin = 0;
  int64_t step_begin = 0;
  int64_t count = 0;
};

struct Limits {
  int64_t context = 4096;  // tokens of one sequence, prompt and answer
  int64_t batch = 1;       // sequences at once
  int64_t chunk = 512;     // prompt rows in one step
  tensor::DType kv = tensor::DType::f16;
};

/// Bytes that a model needs, computed before anything is allocated. The KV cache is the
/// scheduler's.
struct ModelMemory {
  int64_t weights = 0;         // of the text model
  int64_t vision = 0;          // tower, mergers, projector
  int64_t workspace = 0;       // the larger of the biggest picture and the biggest step
  int64_t image_features = 0;  // of `context` image tokens, each of which takes the same
};

/// Sizes that the scheduler needs.
struct Dimensions {
  int64_t vocabulary = 0;
  int64_t hidden = 0;
  int64_t layers = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t max_positions = 0;
};

class Model {
 public:
  virtual ~Model() = default;
  /// The `architectures` string of config.json.
  virtual const char* architecture() const = 0;
  virtual const Dimensions& dimensions() const = 0;
  /// Token ids that end an answer.
  virtual const std::vector<int32_t>& stop_ids() const = 0;
  virtual bool multi_image_trained() const = 0;
  /// Bytes of all weight files, and the number of parameters in them.
  virtual int64_t checkpoint_bytes() const = 0;
  virtual int64_t parameters() const = 0;
  virtual const text::Tokenizer& tokenizer() const = 0;
  /// Every tensor that load() takes, with its layout in memory.
  virtual const std::vector<load::PlannedTensor>& planned() const = 0;

  /// Renders, tokenises, decodes and cuts pictures. Throws Error for a bad picture or request.
  virtual Prompt prepare(const std::vector<chat::Turn>& turns) const = 0;
  /// Gives a prompt without pictures its positions.
  virtual void place_text(Prompt& prompt) const = 0;
  /// Bytes that this model needs under the limits.
  virtual ModelMemory plan(const Limits& limits) const = 0;

  /// Reads, quantises and places all weights. Called once, before encode() and forward(), which
  /// use the same Ops. Throws Error.
  virtual void load(ops::Ops& ops) = 0;

  /// Runs the vision encoder on one picture. Activations come from `workspace`, the result from
  /// `features`.
  virtual ImageFeatures encode(const PatchGrid& picture, tensor::Arena& workspace,
                               tensor::Arena& features) = 0;

  /// Runs all text layers over the step. `kv` holds one view per layer. `logit_rows` i32 [n]: step
  /// rows whose logits are written to logits f32 [n, vocabulary]; n may be 0.
  virtual void forward(const ops::StepBatch& batch, const std::vector<ImageRows>& images,
                       const std::vector<ops::KvView>& kv, tensor::View logit_rows,
                       tensor::Arena& workspace, tensor::MutView logits) = 0;
};

}  // namespace visavis::models
