// Optional second face of a native model: log-probabilities of next tokens or of a given answer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "chat/request.h"

namespace visavis::chat {

struct ScoreRequest {
  std::vector<Turn> turns = {};
  bool plain = false;             // as Request::plain
  std::string continuation = {};  // empty: only the next token is scored
  int top = 10;
  int distributions = 0;   // tokens of the continuation whose whole predictions are wanted
  int64_t layer_rows = 0;  // rows of every layer's output that are wanted; nothing that is kept of
                           // earlier requests is used then
};

/// What one layer computed: some of its rows, evenly spread over pictures or prompt and answer.
struct LayerRows {
  std::string name;  // "model.layers.3", "visual.blocks.0", "visual.merger.linear_fc2"
  int64_t cols = 0;
  std::vector<float> values = {};  // [rows, cols]
};

struct TokenScore {
  int64_t id = 0;
  std::string text;
  float logit = 0;
  float logprob = 0;
};

struct Score {
  std::vector<int64_t> prompt_token_ids;
  int64_t image_tokens = 0;
  float logsumexp = 0;
  std::vector<TokenScore> top;  // highest logit first
  std::vector<int64_t> continuation_ids;
  std::vector<float> continuation_logprobs;
  std::vector<std::vector<float>> distributions = {};  // log-probabilities of every token, before
                                                       // each of the continuation's first tokens
  std::vector<LayerRows> layers = {};                  // in the order in which they first ran
};

class Scorer {
 public:
  virtual ~Scorer() = default;
  /// Blocks. Throws Error for a request that cannot be scored. Thread-safe.
  virtual Score score(const ScoreRequest& request) = 0;
};

}  // namespace visavis::chat
