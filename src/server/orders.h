// What a client orders, read from the body of its request and checked: no HTTP, no model. This is
// the parser that request_fuzz.cpp covers. Start with parse_chat().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "chat/request.h"
#include "chat/scorer.h"
#include "server/limits.h"

namespace visavis::server {

/// An answer (or several) to one prompt.
struct AnswerOrder {
  std::string model;  // empty: the only one that is there
  chat::Request request;
  int choices = 1;  // n: the same request with random streams of their own
  bool stream = false;
  bool usage_in_stream = false;  // stream_options.include_usage
  bool echo = false;             // /v1/completions: the prompt stands before the answer
  std::string prompt;            // for echo
  bool seeded = false;           // the client named the seed
  int64_t pictures = 0;
};

struct ScoreOrder {
  std::string model;
  chat::ScoreRequest request;
};

/// Gets the picture behind an http(s) URL; `param` is the field that names it. Throws ApiError.
using FetchPicture = std::function<std::string(const std::string& url, const std::string& param)>;

struct OrderRules {
  Limits limits;
  FetchPicture fetch = {};  // empty: URLs are refused
};

/// POST /v1/chat/completions. Throws ApiError.
AnswerOrder parse_chat(std::string_view body, const OrderRules& rules);
/// POST /v1/completions. Throws ApiError.
AnswerOrder parse_completion(std::string_view body, const OrderRules& rules);
/// POST /v1/score: {model, messages, continuation?, top?}. Throws ApiError.
ScoreOrder parse_score(std::string_view body, const OrderRules& rules);

}  // namespace visavis::server
