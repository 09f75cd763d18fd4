#include "server/answer_json.h"

#include "chat/completion_json.h"

namespace visavis::server {
namespace {

base::Json bytes_of(const std::string& text) {
  base::Json bytes = base::Json::array();
  for (const char c : text) bytes.push_back(static_cast<int>(static_cast<unsigned char>(c)));
  return bytes;
}

base::Json chat_logprobs(const chat::Completion& completion) {
  base::Json content = base::Json::array();
  for (size_t i = 0; i < completion.token_texts.size(); ++i) {
    base::Json top = base::Json::array();
    if (i < completion.likely.size())
      for (const chat::Likely& likely : completion.likely[i])
        top.push_back({{"token", likely.text},
                       {"logprob", likely.logprob},
                       {"bytes", bytes_of(likely.text)}});
    content.push_back({{"token", completion.token_texts[i]},
                       {"logprob", completion.logprobs[i]},
                       {"bytes", bytes_of(completion.token_texts[i])},
                       {"top_logprobs", std::move(top)}});
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

base::Json completion_logprobs(const chat::Completion& completion) {
  base::Json top = base::Json::array();
  for (const auto& likely : completion.likely) {
    base::Json map = base::Json::object();
    for (const chat::Likely& each : likely) map[each.text] = each.logprob;
    top.push_back(std::move(map));
  }
  base::Json offsets = base::Json::array();
  size_t offset = 0;
  for (const std::string& text : completion.token_texts) {
    offsets.push_back(offset);
    offset += text.size();
  }
  return {{"tokens", completion.token_texts},
          {"token_logprobs", completion.logprobs},
          {"top_logprobs", completion.likely.empty() ? base::Json() : std::move(top)},
          {"text_offset", std::move(offsets)}};
}

base::Json logprobs_json(const AnswerName& name, const chat::Completion& completion) {
  if (completion.logprobs.empty()) return nullptr;
  return name.chat ? chat_logprobs(completion) : completion_logprobs(completion);
}

base::Json head_of(const AnswerName& name, bool chunk) {
  const char* object =
      name.chat ? (chunk ? "chat.completion.chunk" : "chat.completion") : "text_completion";
  return {{"id", name.id},
          {"object", object},
          {"created", name.created},
          {"model", name.model},
          {"system_fingerprint", nullptr}};
}

base::Json chunk_of(const AnswerName& name, base::Json choice) {
  base::Json json = head_of(name, true);
  json["choices"] = base::Json::array({std::move(choice)});
  return json;
}

void add_facts(base::Json& json, const FinishedChoice& finished, const chat::ModelFacts& facts) {
  json["timings"] = timings_json(finished, facts);
  json["memory"] = chat::memory_json(finished.completion.memory);
  if (!finished.completion.notes.empty()) json["notes"] = finished.completion.notes;
}

}  // namespace

base::Json usage_json(const std::vector<FinishedChoice>& choices) {
  const chat::Usage& prompt = choices.front().completion.usage;
  int64_t completion_tokens = 0;
  for (const FinishedChoice& choice : choices)
    completion_tokens += choice.completion.usage.completion_tokens;
  return {
      {"prompt_tokens", prompt.prompt_tokens},
      {"completion_tokens", completion_tokens},
      {"total_tokens", prompt.prompt_tokens + completion_tokens},
      {"prompt_tokens_details",
       {{"cached_tokens", prompt.cached_prompt_tokens}, {"image_tokens", prompt.image_tokens}}}};
}

base::Json timings_json(const FinishedChoice& choice, const chat::ModelFacts& facts) {
  base::Json json = chat::timing_json(choice.completion.timing, facts.load_seconds);
  json["queued_s"] = choice.queued_seconds;
  return json;
}

base::Json answer_json(const AnswerName& name, const std::vector<FinishedChoice>& choices,
                       const chat::ModelFacts& facts, const std::string& before) {
  base::Json json = head_of(name, false);
  json["choices"] = base::Json::array();
  for (size_t i = 0; i < choices.size(); ++i) {
    const chat::Completion& completion = choices[i].completion;
    base::Json choice = {{"index", i}};
    if (name.chat) {
      choice["message"] = {
          {"role", "assistant"}, {"content", completion.text}, {"refusal", nullptr}};
      if (!completion.thinking.empty())
        choice["message"]["reasoning_content"] = completion.thinking;
    } else {
      choice["text"] = before + completion.text;
    }
    choice["logprobs"] = logprobs_json(name, completion);
    choice["finish_reason"] = chat::name_of(completion.finish);
    if (choices.size() > 1) choice["timings"] = timings_json(choices[i], facts);
    json["choices"].push_back(std::move(choice));
  }
  json["usage"] = usage_json(choices);
  add_facts(json, choices.front(), facts);
  return json;
}

base::Json role_chunk(const AnswerName& name, size_t choice) {
  return chunk_of(name, {{"index", choice},
                         {"delta", {{"role", "assistant"}, {"content", ""}}},
                         {"logprobs", nullptr},
                         {"finish_reason", nullptr}});
}

base::Json text_chunk(const AnswerName& name, size_t choice, std::string_view text) {
  base::Json json = {{"index", choice}};
  if (name.chat)
    json["delta"] = {{"content", text}};
  else
    json["text"] = text;
  json["logprobs"] = nullptr;
  json["finish_reason"] = nullptr;
  return chunk_of(name, std::move(json));
}

base::Json finish_chunk(const AnswerName& name, size_t choice, const FinishedChoice& finished,
                        const chat::ModelFacts& facts, bool with_facts) {
  base::Json json = {{"index", choice}};
  if (name.chat)
    json["delta"] = base::Json::object();
  else
    json["text"] = "";
  json["logprobs"] = logprobs_json(name, finished.completion);
  json["finish_reason"] = chat::name_of(finished.completion.finish);
  base::Json chunk = chunk_of(name, std::move(json));
  if (with_facts) add_facts(chunk, finished, facts);
  return chunk;
}

base::Json usage_chunk(const AnswerName& name, const std::vector<FinishedChoice>& choices,
                       const chat::ModelFacts& facts) {
  base::Json json = head_of(name, true);
  json["choices"] = base::Json::array();
  json["usage"] = usage_json(choices);
  add_facts(json, choices.front(), facts);
  return json;
}

base::Json score_json(const chat::Score& score) {
  base::Json top = base::Json::array();
  for (const chat::TokenScore& token : score.top)
    top.push_back({{"id", token.id},
                   {"text", token.text},
                   {"logit", token.logit},
                   {"logprob", token.logprob}});
  double sum = 0;
  for (const float logprob : score.continuation_logprobs) sum += static_cast<double>(logprob);
  return {{"prompt_token_ids", score.prompt_token_ids},
          {"image_tokens", score.image_tokens},
          {"logsumexp", score.logsumexp},
          {"top", std::move(top)},
          {"continuation",
           {{"token_ids", score.continuation_ids},
            {"logprobs", score.continuation_logprobs},
            {"sum_logprob", sum}}}};
}

base::Json facts_json(const chat::ModelFacts& facts) {
  return {{"architecture", facts.architecture},
          {"device", facts.device},
          {"weights", facts.weights},
          {"weights_sha256", facts.weights_sha256},
          {"context", facts.context},
          {"parameters", facts.parameters},
          {"checkpoint_bytes", facts.checkpoint_bytes},
          {"multi_image_trained", facts.multi_image_trained},
          {"load_s", facts.load_seconds},
          {"memory", chat::memory_json(facts.memory)}};
}

base::Json model_json(const Resident& resident) {
  return {{"id", resident.name},
          {"object", "model"},
          {"created", resident.created},
          {"owned_by", "visavis"},
          {"visavis", facts_json(resident.model->facts())}};
}

}  // namespace visavis::server
