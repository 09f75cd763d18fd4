#include "server/orders.h"

#include <limits>
#include <random>
#include <utility>

#include "base/text.h"
#include "server/body.h"
#include "server/messages.h"

namespace visavis::server {
namespace {

constexpr int64_t kMostTokens = 1 << 20;  // the model's context decides in the end

// Fields that would change the answer in ways that no model here can: taken where they ask for
// nothing, refused by name otherwise.
void refuse_unsupported(Fields& fields) {
  for (const char* const key : {"frequency_penalty", "presence_penalty"})
    if (fields.number(key, -2, 2).value_or(0) != 0)
      refuse_field(fields.name(key), "is not supported (repetition_penalty is)");
  for (const char* const key : {"tools", "functions", "logit_bias", "modalities", "audio",
                                "prediction", "web_search_options"}) {
    const base::Json* value = fields.find(key);
    if (value == nullptr || value->empty()) continue;
    if (*value == base::Json::array({"text"})) continue;  // modalities
    refuse_field(fields.name(key), "is not supported");
  }
  for (const char* const key : {"tool_choice", "function_call"}) {
    const base::Json* value = fields.find(key);
    if (value != nullptr && *value != "none" && *value != "auto")
      refuse_field(fields.name(key), "is not supported");
  }
  if (base::Json* format = fields.find("response_format")) {
    const base::Json* type = nullptr;
    if (format->is_object() && format->contains("type")) type = &(*format)["type"];
    if (type == nullptr || *type != "text")
      refuse_field(fields.name("response_format"), "found ",
                   type != nullptr && type->is_string()
                       ? "'" + base::valid_utf8(type->get<std::string>().substr(0, 40)) + "'"
                       : kind_of(*format),
                   ", wanted {\"type\": \"text\"}; json_object and json_schema are not supported");
  }
}

uint64_t any_seed() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

void read_sampling(Fields& fields, const Limits& limits, AnswerOrder& order) {
  chat::Sampling& sampling = order.request.sampling;
  sampling.temperature = static_cast<float>(fields.number("temperature", 0, 2).value_or(0));
  sampling.top_p = static_cast<float>(fields.number("top_p", 0, 1).value_or(1));
  if (!(sampling.top_p > 0)) refuse_field("top_p", "found 0, wanted more than 0 and at most 1");
  sampling.top_k =
      static_cast<int>(fields.integer("top_k", -1, std::numeric_limits<int>::max()).value_or(0));
  if (sampling.top_k < 0) sampling.top_k = 0;  // -1 means off elsewhere
  sampling.repetition_penalty =
      static_cast<float>(fields.number("repetition_penalty", 0.01, 100).value_or(1));
  const auto seed = fields.integer("seed", std::numeric_limits<int64_t>::min(),
                                   std::numeric_limits<int64_t>::max());
  order.seeded = seed.has_value();
  sampling.seed = seed ? static_cast<uint64_t>(*seed) : any_seed();
  order.request.stop = fields.texts("stop", static_cast<size_t>(limits.max_stops));
  order.choices = static_cast<int>(fields.integer("n", 1, limits.max_choices).value_or(1));
  order.stream = fields.boolean("stream", false);
  if (base::Json* options = fields.find("stream_options")) {
    if (!order.stream) refuse_field("stream_options", "needs \"stream\": true");
    Fields stream(*options, "stream_options.", {"include_usage", "include_obfuscation"});
    order.usage_in_stream = stream.boolean("include_usage", false);
    if (stream.boolean("include_obfuscation", false))
      refuse_field("stream_options.include_obfuscation", "is not supported");
  }
}

}  // namespace

AnswerOrder parse_chat(std::string_view body, const OrderRules& rules) {
  base::Json json = parse_body(body);
  Fields fields(json, "",
                {"model",
                 "messages",
                 "max_tokens",
                 "max_completion_tokens",
                 "temperature",
                 "top_p",
                 "top_k",
                 "repetition_penalty",
                 "seed",
                 "stop",
                 "n",
                 "stream",
                 "stream_options",
                 "logprobs",
                 "top_logprobs",
                 "response_format",
                 "user",
                 "metadata",
                 "store",
                 "service_tier",
                 "safety_identifier",
                 "prompt_cache_key",
                 "verbosity",
                 "parallel_tool_calls",
                 "tools",
                 "tool_choice",
                 "functions",
                 "function_call",
                 "logit_bias",
                 "frequency_penalty",
                 "presence_penalty",
                 "modalities",
                 "audio",
                 "prediction",
                 "web_search_options"});
  AnswerOrder order;
  order.model = fields.text("model").value_or("");
  refuse_unsupported(fields);
  read_sampling(fields, rules.limits, order);
  const auto newer = fields.integer("max_completion_tokens", 1, kMostTokens);
  const auto older = fields.integer("max_tokens", 1, kMostTokens);
  if (newer || older) order.request.max_tokens = static_cast<int>(newer ? *newer : *older);
  order.request.logprobs = fields.boolean("logprobs", false);
  const auto top = fields.integer("top_logprobs", 0, rules.limits.max_top_logprobs);
  if (top && !order.request.logprobs) refuse_field("top_logprobs", "needs \"logprobs\": true");
  order.request.top_logprobs = static_cast<int>(top.value_or(0));
  order.request.turns = read_messages(fields.require("messages"), rules, order.pictures);
  return order;
}

AnswerOrder parse_completion(std::string_view body, const OrderRules& rules) {
  base::Json json = parse_body(body);
  Fields fields(json, "",
                {"model",
                 "prompt",
                 "max_tokens",
                 "temperature",
                 "top_p",
                 "top_k",
                 "repetition_penalty",
                 "seed",
                 "stop",
                 "n",
                 "stream",
                 "stream_options",
                 "logprobs",
                 "echo",
                 "best_of",
                 "suffix",
                 "user",
                 "logit_bias",
                 "frequency_penalty",
                 "presence_penalty"});
  AnswerOrder order;
  order.model = fields.text("model").value_or("");
  refuse_unsupported(fields);
  read_sampling(fields, rules.limits, order);
  if (fields.integer("best_of", 1, rules.limits.max_choices).value_or(order.choices) !=
      order.choices)
    refuse_field("best_of", "is not supported");
  if (!fields.text("suffix").value_or("").empty()) refuse_field("suffix", "is not supported");
  order.request.max_tokens =
      static_cast<int>(fields.integer("max_tokens", 1, kMostTokens).value_or(16));
  if (const auto top = fields.integer("logprobs", 0, 5)) {
    order.request.logprobs = true;
    order.request.top_logprobs = static_cast<int>(*top);
  }
  order.echo = fields.boolean("echo", false);
  if (order.echo && order.request.logprobs)
    refuse_field("echo", "is not supported together with logprobs; /v1/score scores a given text");
  base::Json& prompt = fields.require("prompt");
  if (prompt.is_array() && prompt.size() == 1 && prompt[0].is_string())
    order.prompt = prompt[0].get<std::string>();
  else if (prompt.is_string())
    order.prompt = prompt.get<std::string>();
  else
    refuse_field("prompt", "found ", kind_of(prompt), ", wanted one text");
  if (order.prompt.empty()) refuse_field("prompt", "is empty");
  order.request.plain = true;
  order.request.turns = {{.role = chat::Role::user, .parts = {chat::Text{order.prompt}}}};
  return order;
}

ScoreOrder parse_score(std::string_view body, const OrderRules& rules) {
  base::Json json = parse_body(body);
  Fields fields(json, "", {"model", "messages", "continuation", "top"});
  ScoreOrder order;
  order.model = fields.text("model").value_or("");
  order.request.continuation = fields.text("continuation").value_or("");
  order.request.top = static_cast<int>(fields.integer("top", 0, 1000).value_or(10));
  int64_t pictures = 0;
  order.request.turns = read_messages(fields.require("messages"), rules, pictures);
  return order;
}

}  // namespace visavis::server
