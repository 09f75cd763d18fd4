// One accepted request on its way to an answer (or to scores): what it still has to feed, what it
// owns, what came out. Plain state; the scheduler drives it.
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chat/chat_model.h"
#include "chat/scorer.h"
#include "engine/generate/answer_text.h"
#include "engine/generate/preparer.h"
#include "engine/generate/sampler.h"
#include "engine/models/model.h"

namespace visavis::generate {

/// The scorer's side of a sequence.
struct Scoring {
  chat::ScoreRequest request;
  std::vector<int32_t> continuation;
  chat::Score score;
  std::promise<chat::Score> done;
};

struct Sequence {
  chat::Ticket ticket = 0;
  chat::Request request;
  chat::Sink* sink = nullptr;        // null when scoring
  std::unique_ptr<Scoring> scoring;  // null when answering
  int64_t accepted_ns = 0;

  // While it waits; not valid before its turn to be prepared.
  std::future<Prepared> preparation;

  // Once it is prepared.
  models::Prompt prompt;
  std::vector<int32_t> ids;  // everything fed or to be fed: prompt, then answer or continuation
  int64_t cached = 0;        // rows of `ids` whose K and V are in the cache
  int64_t first_logit = 0;   // logits are wanted from this row on
  std::vector<int32_t> pages;
  std::vector<std::string> page_keys;           // of the full pages so far
  int64_t named_pages = 0;                      // of them, pages that others may use
  std::vector<models::ImageFeatures> features;  // of the pictures so far; empty within the prefix
  std::optional<Sampler> sampler;
  std::optional<AnswerText> text;
  std::optional<text::StreamDecoder> decoder;
  bool done = false;  // the sink (or the scorer) has heard; only removal is left

  // What came out.
  std::vector<int64_t> token_ids;
  std::vector<float> logprobs;
  std::vector<std::string> token_texts;           // where there are logprobs
  std::vector<std::vector<chat::Likely>> likely;  // where they are wanted
  std::vector<double> token_times;
  double vision_seconds = 0;
  double prefill_seconds = 0;
  int64_t cached_prompt_tokens = 0;
  int64_t cached_image_tokens = 0;
  double first_visible = -1;  // seconds after acceptance

  bool prepared() const { return !ids.empty(); }
  int64_t rows_left() const { return static_cast<int64_t>(ids.size()) - cached; }
  /// Brings chunks of rows to a step, not single tokens.
  bool feeding() const { return scoring != nullptr || cached < prompt.tokens(); }
  /// Whether its next token is the largest logit, or drawn by the logits alone, and no more is
  /// wanted of them.
  bool takes_largest() const { return sampler && sampler->plain_greedy() && !request.logprobs; }
  bool draws_freely() const { return sampler && sampler->draws_freely() && !request.logprobs; }
  bool pictures_left() const { return features.size() < prompt.pictures.size(); }
  /// Tokens of prompt and answer (or continuation) together.
  int64_t tokens_needed() const {
    return prompt.tokens() + (scoring ? static_cast<int64_t>(scoring->continuation.size())
                                      : static_cast<int64_t>(request.max_tokens));
  }
};

}  // namespace visavis::generate
