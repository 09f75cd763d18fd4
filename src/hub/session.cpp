#include "hub/session.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>
#include <thread>

#include "base/error.h"
#include "base/text.h"
#include "http/retry.h"
#include "http/url.h"
#include "hub/stopped.h"

namespace visavis::hub {
namespace {

constexpr size_t kMaxDocument = size_t{64} << 20;
constexpr size_t kMaxShown = 200;
constexpr const char* kAgent = "User-Agent: visavis";

bool is_redirection(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

int64_t number_of(std::string_view text) {
  int64_t value = -1;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && stop == text.data() + text.size() && value >= 0 ? value : -1;
}

// <URL>; rel="next", perhaps among others.
std::string next_link(std::string_view links, const std::string& base) {
  for (const std::string& link : base::split(links, ',')) {
    const size_t open = link.find('<');
    const size_t close = link.find('>');
    if (open == std::string::npos || close == std::string::npos || close < open) continue;
    if (link.find("rel=\"next\"", close) == std::string::npos) continue;
    return http::resolve_url(base, link.substr(open + 1, close - open - 1));
  }
  return {};
}

std::string one_line(std::string_view text) {
  std::string line = base::valid_utf8(base::trim(text.substr(0, kMaxShown)));
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 32) c = ' ';
  return line;
}

}  // namespace

Session::Session(std::string endpoint, std::vector<std::string> credentials,
                 const FetchRules& rules, const std::atomic<bool>& cancelled, uint64_t seed)
    : origin_(http::origin_of(endpoint)),
      credentials_(std::move(credentials)),
      rules_(rules),
      cancelled_(cancelled),
      rng_(seed, "hub") {
  require(!origin_.empty(), "found '", endpoint, "' as a hub's address, wanted http(s)://HOST");
}

Fetched Session::get(const std::string& url, const std::vector<std::string>& headers,
                     const Use& use) {
  Fetched fetched;
  fetched.url = url;
  const http::Limits limits{.total_seconds = 0,
                            .stall_seconds = rules_.stall_seconds,
                            .connect_seconds = rules_.connect_seconds};
  for (int hop = 0;; ++hop) {
    const bool at_home = http::origin_of(fetched.url) == origin_;
    std::vector<std::string> lines = headers;
    lines.emplace_back(kAgent);
    if (at_home) lines.insert(lines.end(), credentials_.begin(), credentials_.end());
    fetched.reply = client_.send(fetched.url, lines, nullptr, limits, cancelled_,
                                 [&](const http::Reply& head, std::string_view bytes) {
                                   if (!is_redirection(head.status)) use(head, bytes);
                                 });
    if (cancelled_) throw Stopped();
    const http::Reply& reply = fetched.reply;
    if (at_home && fetched.etag.empty()) {
      const std::string_view linked = reply.header("x-linked-etag");
      // A redirection's own ETag is that of a page that says "go there".
      if (!linked.empty())
        fetched.etag = linked;
      else if (!is_redirection(reply.status))
        fetched.etag = reply.header("etag");
      fetched.bytes = std::max(fetched.bytes, number_of(reply.header("x-linked-size")));
    }
    if (!is_redirection(reply.status) || !reply.error.empty()) return fetched;
    const std::string next = http::resolve_url(fetched.url, std::string(reply.header("location")));
    if (next.empty() || http::origin_of(next).empty())
      fetched.refused = "redirected to no http(s) address";
    else if (fetched.url.starts_with("https:") && next.starts_with("http:"))
      fetched.refused = "redirected from https to http";
    else if (hop >= rules_.redirections)
      fetched.refused = "more than " + std::to_string(rules_.redirections) + " redirections";
    if (!fetched.refused.empty()) return fetched;
    fetched.url = next;
  }
}

Session::Setback Session::setback(const Fetched& fetched, std::string_view body, int attempt) {
  const http::Reply& reply = fetched.reply;
  Setback back;
  back.wait_seconds = http::back_off(attempt, rules_.first_wait_seconds, rng_);
  const std::string host = http::origin_of(fetched.url);
  if (!fetched.refused.empty()) {
    back.why = host + ": " + fetched.refused;
    return back;
  }
  if (!reply.error.empty()) {
    back.again = true;
    back.why = host + ": " + reply.error;
    return back;
  }
  std::string said = one_line(reply.header("x-error-message"));
  if (said.empty() && reply.content_type.starts_with("text/plain")) said = one_line(body);
  back.why = host + ": status " + std::to_string(reply.status) + (said.empty() ? "" : ": " + said);
  // Elsewhere than at the hub a refusal means that a signed address has run out.
  const bool expired = host != origin_ && (reply.status == 401 || reply.status == 403);
  back.again = expired || http::is_worth_another(reply.status);
  if (const auto asked = http::retry_after(reply.retry_after, std::time(nullptr))) {
    back.wait_seconds = std::max(back.wait_seconds, *asked);
    if (*asked > rules_.longest_asked_wait_seconds) {
      back.again = false;
      back.why += " (asks to wait for " + std::to_string(static_cast<int64_t>(*asked)) + " s)";
    }
  }
  return back;
}

void Session::wait(double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + std::chrono::duration<double>(seconds);
  while (Clock::now() < until) {
    if (cancelled_) throw Stopped();
    constexpr std::chrono::duration<double> kSlice(0.05);
    std::this_thread::sleep_for(
        std::min(kSlice, std::chrono::duration<double>(until - Clock::now())));
  }
  if (cancelled_) throw Stopped();
}

Fetched Session::try_again(const std::string& url, const std::vector<std::string>& headers,
                           const std::string& what, std::string& body) {
  for (int attempt = 1;; ++attempt) {
    body.clear();
    const Fetched fetched = get(url, headers, [&](const http::Reply&, std::string_view bytes) {
      require(body.size() + bytes.size() <= kMaxDocument, what, ": more than ", kMaxDocument >> 20,
              " MiB");
      body.append(bytes);
    });
    const int status = fetched.reply.status;
    if (fetched.refused.empty() && fetched.reply.error.empty() && (status == 200 || status == 206))
      return fetched;
    const Setback back = setback(fetched, body, attempt);
    if (!back.again || attempt > rules_.retries) fail(what, ": ", back.why);
    wait(back.wait_seconds);
  }
}

Session::Page Session::page(const std::string& url, const std::string& what) {
  Page page;
  const Fetched fetched = try_again(url, {"Accept: application/json"}, what, page.body);
  page.next = next_link(fetched.reply.header("link"), fetched.url);
  return page;
}

Fetched Session::probe(const std::string& url, const std::string& what) {
  std::string body;
  Fetched fetched = try_again(url, {"Range: bytes=0-0"}, what, body);
  const std::string_view range = fetched.reply.header("content-range");
  const size_t slash = range.find('/');
  if (fetched.bytes < 0 && fetched.reply.status == 206 && slash != std::string_view::npos)
    fetched.bytes = number_of(range.substr(slash + 1));
  if (fetched.bytes < 0 && fetched.reply.status == 200)
    fetched.bytes = static_cast<int64_t>(body.size());
  return fetched;
}

}  // namespace visavis::hub
