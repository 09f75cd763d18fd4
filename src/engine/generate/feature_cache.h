// Image features on the device: room for the pictures of the one prompt that is being fed, and a
// bounded store of pictures seen before, so that the encoder need not run for them again. The
// longest unused give way. Everything is allocated at once; one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/models/model.h"
#include "engine/ops/ops.h"
#include "engine/tensor/buffer.h"

namespace visavis::generate {

class FeatureCache {
 public:
  /// `prompt_bytes`: room for the pictures of the largest prompt; `cache_bytes`: for pictures seen
  /// before, 0 for none; `token_bytes`: of one image token.
  FeatureCache(ops::Ops& ops, int64_t prompt_bytes, int64_t cache_bytes, int64_t token_bytes);

  /// A prompt's turn begins: features handed out before are no longer used.
  void begin_prompt();
  /// The features known under this key, valid until begin_prompt(). An empty key is never known.
  std::optional<models::ImageFeatures> find(const std::string& key);
  /// Runs `encode`, which takes `tokens` image tokens from the arena it is given, and returns its
  /// features, valid until begin_prompt(). They stay known under `key` unless it is empty or there
  /// is no room. What `encode` throws leaves nothing behind.
  models::ImageFeatures encode(const std::string& key, int64_t tokens,
                               const std::function<models::ImageFeatures(tensor::Arena&)>& encode);

  int64_t entries() const { return static_cast<int64_t>(entries_.size()); }

 private:
  struct Entry {
    std::string key;
    int64_t begin = 0;  // bytes [begin, end) of store_
    int64_t end = 0;
    models::ImageFeatures features;
    uint64_t used = 0;    // larger: later
    bool in_use = false;  // by the prompt whose turn it is
  };

  std::optional<size_t> make_room(int64_t bytes);
  bool drop_oldest();

  int64_t token_bytes_;
  tensor::Arena prompt_;
  tensor::Buffer store_;
  std::vector<Entry> entries_;  // ascending, without overlaps
  uint64_t uses_ = 0;
};

}  // namespace visavis::generate
