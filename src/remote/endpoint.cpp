#include "remote/endpoint.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/error.h"
#include "base/text.h"

namespace visavis::remote {
namespace {

constexpr std::string_view kPromptfoo = "openai:chat:";
constexpr int kMostParallel = 256;
constexpr int kMostRetries = 100;
constexpr double kMostSeconds = 86'400;
constexpr double kMostPerMinute = 1e9;
constexpr double kMostMoney = 1e9;

double number(const char* key, const std::string& value, double least, double most) {
  double found = 0;
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, found);
  require(error == std::errc() && stop == end && found >= least && found <= most, "option ", key,
          ": found '", value, "', wanted a number from ", least, " to ", most);
  return found;
}

int whole(const char* key, const std::string& value, int least, int most) {
  const double found = number(key, value, least, most);
  require(found == static_cast<int>(found), "option ", key, ": found '", value,
          "', wanted a whole number");
  return static_cast<int>(found);
}

bool on_or_off(const char* key, const std::string& value) {
  const bool on = value == "on" || value == "true";
  require(on || value == "off" || value == "false", "option ", key, ": found '", value,
          "', wanted on or off");
  return on;
}

// The value is not repeated in any error: whoever mixes the two up writes a key here.
std::string key_from_environment(const char* option, const std::string& variable) {
  const auto is_letter = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  };
  const auto belongs = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); };
  require(!variable.empty() && is_letter(variable[0]) &&
              std::all_of(variable.begin(), variable.end(), belongs),
          "option ", option, ": wanted the name of an environment variable, such as MY_API_KEY");
  const char* value = std::getenv(variable.c_str());
  require(value != nullptr && *value != '\0', "option ", option,
          ": no environment variable of that name is set; put the key there (it is not repeated "
          "here in case it is one)");
  return value;
}

struct Option {
  const char* name;
  void (*apply)(Endpoint& endpoint, const char* name, const std::string& value);
};

void refuse_key(Endpoint&, const char* name, const std::string&) {
  fail("option ", name, ": keys are not read from files or command lines; put it into an ",
       "environment variable and name that with api_key_env");
}

const Option kOptions[] = {
    {"api_key_env",
     [](Endpoint& e, const char* n, const std::string& v) { e.key = key_from_environment(n, v); }},
    {"parallel", [](Endpoint& e, const char* n,
                    const std::string& v) { e.parallel = whole(n, v, 1, kMostParallel); }},
    {"retries", [](Endpoint& e, const char* n,
                   const std::string& v) { e.retries = whole(n, v, 0, kMostRetries); }},
    {"timeout", [](Endpoint& e, const char* n,
                   const std::string& v) { e.timeout_seconds = number(n, v, 0.01, kMostSeconds); }},
    {"stall_timeout",
     [](Endpoint& e, const char* n, const std::string& v) {
       e.stall_seconds = number(n, v, 0.01, kMostSeconds);
     }},
    {"connect_timeout",
     [](Endpoint& e, const char* n, const std::string& v) {
       e.connect_seconds = number(n, v, 0.01, kMostSeconds);
     }},
    {"longest_wait",
     [](Endpoint& e, const char* n, const std::string& v) {
       e.longest_wait_seconds = number(n, v, 0, kMostSeconds);
     }},
    {"first_wait",
     [](Endpoint& e, const char* n, const std::string& v) {
       e.first_wait_seconds = number(n, v, 0, kMostSeconds);
     }},
    {"requests_per_minute",
     [](Endpoint& e, const char* n, const std::string& v) {
       e.requests_per_minute = number(n, v, 0, kMostPerMinute);
     }},
    {"tokens_per_minute",
     [](Endpoint& e, const char* n, const std::string& v) {
       e.tokens_per_minute = number(n, v, 0, kMostPerMinute);
     }},
    {"price_prompt", [](Endpoint& e, const char* n,
                        const std::string& v) { e.price_prompt = number(n, v, 0, kMostMoney); }},
    {"price_completion",
     [](Endpoint& e, const char* n, const std::string& v) {
       e.price_completion = number(n, v, 0, kMostMoney);
     }},
    {"family", [](Endpoint& e, const char*, const std::string& v) { e.family = v; }},
    {"max_tokens_field",
     [](Endpoint& e, const char* n, const std::string& v) {
       require(v == "max_tokens" || v == "max_completion_tokens", "option ", n, ": found '", v,
               "', wanted max_tokens or max_completion_tokens");
       e.max_tokens_field = v;
     }},
    {"stream",
     [](Endpoint& e, const char* n, const std::string& v) { e.stream = on_or_off(n, v); }},
    {"probe", [](Endpoint& e, const char* n, const std::string& v) { e.probe = on_or_off(n, v); }},
    {"extra_body",
     [](Endpoint& e, const char* n, const std::string& v) {
       e.extra_body = base::parse_json(v, std::string("option ") + n);
       require(e.extra_body.is_object(), "option ", n, ": wanted a JSON object");
     }},
    {"apiBaseUrl", [](Endpoint& e, const char*, const std::string& v) { e.base_url = v; }},
    {"apiKeyEnvar",
     [](Endpoint& e, const char* n, const std::string& v) { e.key = key_from_environment(n, v); }},
    {"api_key", &refuse_key},
    {"apiKey", &refuse_key},
};

void apply(Endpoint& endpoint, const std::string& given, const std::string& value) {
  const std::string name = base::replace_all(given, "-", "_");
  for (const Option& option : kOptions) {
    if (name != option.name) continue;
    option.apply(endpoint, option.name, value);
    return;
  }
  fail("unknown option '", given, "' of an endpoint; known: ", base::join(option_names(), ", "));
}

void check_url(const std::string& url) {
  const size_t host = url.find("://") + 3;
  const std::string_view authority = std::string_view(url).substr(host, url.find('/', host) - host);
  require(authority.find('@') == std::string_view::npos,
          "an endpoint's URL carries a name or password; put the key into an environment variable "
          "and name that with api_key_env");
  require(!authority.empty() && url.find_first_of(" \t\r\n?") == std::string::npos, "endpoint '",
          url, "': wanted http(s)://HOST[:PORT]/v1#NAME");
}

bool is_url(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

}  // namespace

bool is_endpoint(std::string_view model) { return is_url(model) || model.starts_with(kPromptfoo); }

std::vector<std::string> option_names() {
  std::vector<std::string> names;
  for (const Option& option : kOptions)
    if (option.apply != &refuse_key) names.emplace_back(option.name);
  return names;
}

Endpoint read_endpoint(const std::string& model, const chat::ModelOptions& options) {
  Endpoint endpoint;
  if (is_url(model)) {
    const size_t hash = model.find('#');
    check_url(model.substr(0, hash));
    require(hash != std::string::npos && hash + 1 < model.size(), "endpoint '", model,
            "': found no model's name, wanted http(s)://HOST/v1#NAME");
    endpoint.base_url = model.substr(0, hash);
    endpoint.name = model.substr(hash + 1);
  } else {
    endpoint.name = model.substr(kPromptfoo.size());
    require(!endpoint.name.empty(), "endpoint '", model, "': found no model's name");
  }
  const std::string url = endpoint.base_url;
  for (const auto& [name, value] : options) apply(endpoint, name, value);
  require(url.empty() || url == endpoint.base_url, "endpoint '", model,
          "': apiBaseUrl says another address");
  require(!endpoint.base_url.empty(), "endpoint '", model,
          "': wanted the option apiBaseUrl, such as http://localhost:8000/v1");
  require(is_url(endpoint.base_url), "endpoint '", model,
          "': option apiBaseUrl wanted http:// or https://");
  check_url(endpoint.base_url);
  while (endpoint.base_url.ends_with('/')) endpoint.base_url.pop_back();
  return endpoint;
}

}  // namespace visavis::remote
