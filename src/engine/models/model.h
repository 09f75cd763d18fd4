// One vision-language model, seen from the scheduler: prepare a request, encode pictures, run
// steps. A family (models/<family>/) implements it once for every device in terms of Ops. Not
// thread-safe: prepare() may run on another thread than the rest, everything else on the device's
// scheduler thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "chat/request.h"
#include "engine/ops/ops.h"
#include "engine/tensor/buffer.h"

namespace visavis::models {

/// Patches of one picture, ready for the vision encoder.
struct PatchGrid {
  std::vector<float>
      values;          // [rows, patch_values] (Qwen: merge order) or [3, height, width] (CLIP)
  int64_t rows = 0;    // patch rows of values
  int64_t grid_h = 0;  // patches down
  int64_t grid_w = 0;  // patches across
  std::string sha256;  // of picture bytes + preprocessing, names the features in a cache
};

/// Where one picture's features go in the prompt: ids[begin, begin + tokens) are placeholders.
struct ImageSlot {
  int64_t begin = 0;
  int64_t tokens = 0;
};

struct Prompt {
  std::string text;                 // as rendered, before tokenising
  std::vector<int32_t> ids;         // placeholders expanded
  std::vector<int32_t> positions;   // [3, ids.size()]
  int32_t position_delta = 0;       // position of generated token i = i + delta (all three axes)
  std::vector<ImageSlot> slots;     // in prompt order, one per picture
  std::vector<PatchGrid> pictures;  // same order
  double decode_seconds = 0;        // picture decoding
  double resize_seconds = 0;        // resizing and cutting into patches
  std::vector<std::string> notes;   // what was done to each picture
};

/// A picture as rows for the text model, on the device.
struct ImageFeatures {
  tensor::Buffer storage;
  tensor::MutView rows;  // [tokens, hidden]
  std::vector<tensor::MutView>
      deepstack;  // each [tokens, hidden]; added after text layers 0, 1, ...
};

/// Image rows inside one step: step row `step_rows[i]` takes row `feature_rows[i]` of `features`.
struct ImageRows {
  const ImageFeatures* features = nullptr;
  int64_t feature_begin = 0;  // first feature row used
  int64_t step_begin = 0;     // first step row that receives one
  int64_t count = 0;
};

struct Limits {
  int64_t context = 4096;  // tokens of one sequence, prompt and answer
  int64_t batch = 1;       // sequences at once
  int64_t chunk = 512;     // prompt rows in one step
  int64_t max_pixels = 0;  // 0 = the checkpoint's own limit
  tensor::DType kv = tensor::DType::f16;
};

/// Bytes, computed before anything is allocated.
struct MemoryPlan {
  int64_t weights = 0;
  int64_t vision = 0;
  int64_t kv = 0;
  int64_t workspace = 0;
  int64_t image_features = 0;  // of the largest picture
  int64_t total() const { return weights + vision + kv + workspace + image_features; }
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
  virtual const Dimensions& dimensions() const = 0;
  /// Token ids that end an answer.
  virtual const std::vector<int32_t>& stop_ids() const = 0;
  virtual bool multi_image_trained() const = 0;

  /// Renders, tokenises, decodes and cuts pictures. Throws Error for a bad picture or request.
  virtual Prompt prepare(const chat::Request& request) const = 0;
  /// Ids of raw text as the oracle's tokenizer gives them (special tokens recognised).
  virtual std::vector<int32_t> tokenize(const std::string& text) const = 0;
  /// Ids of text in which special tokens are not matched and nothing is put in front.
  virtual std::vector<int32_t> tokenize_plain(const std::string& text) const = 0;
  /// Text of ids, special tokens left out; bytes may end inside a character.
  virtual std::string detokenize(const std::vector<int32_t>& ids) const = 0;

  /// Bytes that this model needs under the limits.
  virtual MemoryPlan plan(const Limits& limits) const = 0;

  /// Runs the vision encoder on one picture; activations come from the arena.
  virtual ImageFeatures encode(const PatchGrid& picture, tensor::Arena& arena) = 0;

  /// Runs all text layers over the step. `kv` holds one view per layer. `images` says which rows
  /// take image features instead of embeddings. `logit_rows` i32 [n]: step rows whose logits are
  /// written to logits f32 [n, vocabulary]; n may be 0.
  virtual void forward(const ops::StepBatch& batch, const std::vector<ImageRows>& images,
                       const std::vector<ops::KvView>& kv, tensor::View logit_rows,
                       tensor::Arena& arena, tensor::MutView logits) = 0;
};

}  // namespace visavis::models
