#include "server/routes.h"

#include "base/text.h"
#include "server/api_error.h"

namespace visavis::server {

void chat_completions(const ExchangePtr& exchange, Context& context);
void completions(const ExchangePtr& exchange, Context& context);
void give_verdict(const ExchangePtr& exchange, Context& context);
void health(const ExchangePtr& exchange, Context& context);
void list_models(const ExchangePtr& exchange, Context& context);
void list_runs(const ExchangePtr& exchange, Context& context);
void load_model(const ExchangePtr& exchange, Context& context);
void metrics(const ExchangePtr& exchange, Context& context);
void page(const ExchangePtr& exchange, Context& context);
void plan_model(const ExchangePtr& exchange, Context& context);
void recommend_model(const ExchangePtr& exchange, Context& context);
void resume_run(const ExchangePtr& exchange, Context& context);
void run_events(const ExchangePtr& exchange, Context& context);
void score(const ExchangePtr& exchange, Context& context);
void show_model(const ExchangePtr& exchange, Context& context);
void show_run(const ExchangePtr& exchange, Context& context);
void start_run(const ExchangePtr& exchange, Context& context);
void state(const ExchangePtr& exchange, Context& context);
void stop_run(const ExchangePtr& exchange, Context& context);
void unload_model(const ExchangePtr& exchange, Context& context);
void vote(const ExchangePtr& exchange, Context& context);

const std::vector<Route>& routes() {
  static const std::vector<Route> table = {
      // OpenAI's
      {"GET", "/v1/models", Entry::keyed, &list_models},
      {"GET", "/v1/models/{name*}", Entry::keyed, &show_model},
      {"POST", "/v1/chat/completions", Entry::keyed, &chat_completions},
      {"POST", "/v1/completions", Entry::keyed, &completions},
      // ours
      {"POST", "/v1/score", Entry::keyed, &score},
      {"GET", "/health", Entry::open, &health},
      {"GET", "/metrics", Entry::keyed, &metrics},
      // the page's own
      {"GET", "/api/state", Entry::keyed, &state},
      {"POST", "/api/models/load", Entry::keyed, &load_model},
      {"POST", "/api/models/unload", Entry::keyed, &unload_model},
      {"POST", "/api/models/plan", Entry::keyed, &plan_model},
      {"GET", "/api/runs", Entry::keyed, &list_runs},
      {"POST", "/api/runs", Entry::keyed, &start_run},
      {"GET", "/api/runs/{id}", Entry::keyed, &show_run},
      {"GET", "/api/runs/{id}/events", Entry::keyed, &run_events},
      {"POST", "/api/runs/{id}/stop", Entry::keyed, &stop_run},
      {"POST", "/api/runs/{id}/resume", Entry::keyed, &resume_run},
      {"POST", "/api/runs/{id}/recommend", Entry::keyed, &recommend_model},
      {"POST", "/api/runs/{id}/verdicts", Entry::keyed, &give_verdict},
      {"POST", "/api/votes", Entry::keyed, &vote},
      // the page, which asks for the key itself
      {"GET", "/", Entry::open, &page},
      {"GET", "/page.js", Entry::open, &page},
      {"GET", "/page.css", Entry::open, &page},
      {"GET", "/favicon.svg", Entry::open, &page},
  };
  return table;
}

namespace {

bool is_plain(std::string_view segment) {
  if (segment.empty() || segment == "." || segment == "..") return false;
  for (const char c : segment) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

// "%2F" is '/'; nothing if an escape is cut off or none.
std::optional<std::string> unescape(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size() || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0)
      return std::nullopt;
    out += static_cast<char>(16 * digit(text[i + 1]) + digit(text[i + 2]));
    i += 2;
  }
  return out;
}

// The segments from `first` on, unescaped, as one text.
std::optional<std::string> rest_of(const std::vector<std::string>& path, size_t first) {
  std::optional<std::string> rest = unescape(base::join(
      std::vector<std::string>(path.begin() + static_cast<int64_t>(first), path.end()), "/"));
  if (rest && rest->empty()) return std::nullopt;
  return rest;
}

bool matches(std::string_view pattern, const std::vector<std::string>& path,
             std::map<std::string, std::string>& parts) {
  const std::vector<std::string> wanted = base::split(pattern, '/');
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (i >= path.size()) return false;
    if (wanted[i].ends_with("*}")) {
      const std::optional<std::string> rest = rest_of(path, i);
      if (rest) parts[wanted[i].substr(1, wanted[i].size() - 3)] = *rest;
      return rest.has_value();
    }
    if (wanted[i].starts_with('{')) {
      if (!is_plain(path[i])) return false;
      parts[wanted[i].substr(1, wanted[i].size() - 2)] = path[i];
    } else if (wanted[i] != path[i]) {
      return false;
    }
  }
  return wanted.size() == path.size();
}

}  // namespace

Match match_route(std::string_view method, std::string_view path) {
  const std::vector<std::string> segments = base::split(path, '/');
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  Match match;
  for (const Route& route : routes()) {
    std::map<std::string, std::string> parts;
    if (!matches(route.pattern, segments, parts)) continue;
    if (route.method == wanted) {
      match.route = &route;
      match.parts = std::move(parts);
      return match;
    }
    match.allow += (match.allow.empty() ? "" : ", ") + std::string(route.method);
  }
  return match;
}

void serve(const Route& route, const ExchangePtr& exchange, Context& context) {
  try {
    route.handle(exchange, context);
  } catch (const std::exception& error) {
    exchange->respond_error(error);
  }
}

}  // namespace visavis::server
