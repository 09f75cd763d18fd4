// Where an OpenAI-compatible endpoint is and how it may be used, read from a MODEL argument and its
// options. Keys are never among them: an option names the environment variable that holds one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "chat/model_host.h"

namespace visavis::remote {

struct Endpoint {
  std::string base_url;               // "https://host/v1", without a slash at its end
  std::string name;                   // of the model there
  std::string key;                    // from the environment; never stored or printed
  int parallel = 1;                   // requests at once
  int retries = 5;                    // attempts after the first one
  double timeout_seconds = 300;       // of one attempt, from its start to its last byte
  double stall_seconds = 60;          // longest silence within it
  double connect_seconds = 10;        // to reach the host
  double longest_wait_seconds = 120;  // a longer Retry-After is a failure
  double first_wait_seconds = 0.5;    // before the second attempt; doubles with every further one
  double requests_per_minute = 0;     // 0: no limit
  double tokens_per_minute = 0;       // prompt and answer; 0: no limit
  double price_prompt = -1;           // per million tokens, in the run's currency; < 0: not known
  double price_completion = -1;
  std::string family = {};  // of the model, e.g. "qwen"; empty: guessed from its name
  std::string max_tokens_field = "max_tokens";
  bool stream = true;
  bool probe = true;                             // ask GET /models before the first question
  base::Json extra_body = base::Json::object();  // merged into every request's body
};

/// Whether a MODEL argument means an endpoint: http(s)://HOST/v1#NAME, or openai:chat:NAME with
/// the option apiBaseUrl (the spelling of promptfoo's users).
bool is_endpoint(std::string_view model);

/// Names of the options, for errors and command lines.
std::vector<std::string> option_names();

/// Throws Error for a malformed URL, one that carries a password, an unknown option, a bad value, a
/// key instead of a variable's name (without repeating it), or a variable that is not set.
Endpoint read_endpoint(const std::string& model, const chat::ModelOptions& options);

}  // namespace visavis::remote
