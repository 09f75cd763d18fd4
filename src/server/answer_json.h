// Answers in OpenAI's forms, with what is ours beside them: "timings" (those of `run --json` and
// "queued_s") and "memory".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "chat/chat_model.h"
#include "chat/scorer.h"
#include "server/residents.h"

namespace visavis::server {

/// What an answer is called: id, form and model.
struct AnswerName {
  std::string id;
  int64_t created = 0;  // seconds since 1970
  std::string model;
  bool chat = true;  // else /v1/completions' form
};

struct FinishedChoice {
  chat::Completion completion;
  double queued_seconds = 0;
};

/// Of all choices; the prompt counts once.
base::Json usage_json(const std::vector<FinishedChoice>& choices);
base::Json timings_json(const FinishedChoice& choice, const chat::ModelFacts& facts);

/// The whole answer. `before`: stands before the text (echo).
base::Json answer_json(const AnswerName& name, const std::vector<FinishedChoice>& choices,
                       const chat::ModelFacts& facts, const std::string& before);

/// Pieces of a streamed answer.
base::Json role_chunk(const AnswerName& name, size_t choice);
base::Json text_chunk(const AnswerName& name, size_t choice, std::string_view text);
/// `with_facts`: timings and memory stand here, because no usage chunk follows.
base::Json finish_chunk(const AnswerName& name, size_t choice, const FinishedChoice& finished,
                        const chat::ModelFacts& facts, bool with_facts);
base::Json usage_chunk(const AnswerName& name, const std::vector<FinishedChoice>& choices,
                       const chat::ModelFacts& facts);

base::Json score_json(const chat::Score& score);

/// {"device", "weights", "context", "parameters", "load_s", "memory", ...} of a resident model.
base::Json facts_json(const chat::ModelFacts& facts);
/// An entry of /v1/models.
base::Json model_json(const Resident& resident);

}  // namespace visavis::server
