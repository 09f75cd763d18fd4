#include "remote/remote_model.h"

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <ctime>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "http/client.h"
#include "http/retry.h"
#include "remote/body.h"
#include "remote/pace.h"
#include "remote/reply.h"

namespace visavis::remote {
namespace {

constexpr size_t kMostErrorBytes = 4096;
constexpr size_t kShownErrorBytes = 300;
constexpr size_t kMostReplyBytes = size_t{32} << 20;
constexpr std::chrono::milliseconds kPollInterval{20};

struct Job {
  chat::Ticket ticket = 0;
  chat::Request request;
  chat::Sink* sink = nullptr;
  std::atomic<bool> cancelled{false};
};

// One line out of what an endpoint says about an error, whatever it is.
std::string error_text(const std::string& body) {
  std::string text = body;
  const base::Json json = base::Json::parse(body, nullptr, false);
  if (json.is_object()) {
    const base::Json& error = json.contains("error") ? json["error"] : json;
    for (const char* key : {"message", "detail"})
      if (error.is_object() && error.contains(key) && error[key].is_string())
        text = error[key].get<std::string>();
    if (error.is_string()) text = error.get<std::string>();
  }
  text = base::valid_utf8(text);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  if (text.size() > kShownErrorBytes)
    text = text.substr(0, base::complete_utf8_prefix(text.substr(0, kShownErrorBytes))) + " ...";
  return std::string(base::trim(text));
}

std::vector<std::string> headers_of(const Endpoint& endpoint) {
  std::vector<std::string> headers = {"Content-Type: application/json",
                                      "Expect:", "Accept: text/event-stream, application/json",
                                      "User-Agent: visavis"};
  if (!endpoint.key.empty()) headers.push_back("Authorization: Bearer " + endpoint.key);
  return headers;
}

std::string host_of(const std::string& url) {
  const size_t begin = url.find("://") + 3;
  return url.substr(begin, url.find('/', begin) - begin);
}

// How an attempt that brought no answer ended.
struct Setback {
  std::string why;
  bool worth_another = true;
  std::optional<double> wait;  // seconds that the endpoint asks for
};

struct Attempt {
  std::optional<chat::Completion> completion;  // else `setback`, unless cancelled
  Setback setback;
  bool cancelled = false;
};

}  // namespace

struct RemoteModel::Shared {
  Shared(std::string name, Endpoint to, const base::Clock& time)
      : endpoint(std::move(to)),
        clock(time),
        pace(endpoint.requests_per_minute, endpoint.tokens_per_minute) {
    facts.name = std::move(name);
    facts.device = "endpoint " + host_of(endpoint.base_url);
    facts.family = endpoint.family;
    facts.remote = true;
    facts.parallel = endpoint.parallel;
    facts.price_prompt = endpoint.price_prompt;
    facts.price_completion = endpoint.price_completion;
  }

  double now() const { return static_cast<double>(clock.now_ns()) * 1e-9; }

  // A server that repeats the key in an error must not get it into a report.
  std::string without_key(const std::string& text) const {
    return endpoint.key.empty() ? text : base::replace_all(text, endpoint.key, "***");
  }

  Endpoint endpoint;
  const base::Clock& clock;
  chat::ModelFacts facts;

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::shared_ptr<Job>> waiting;
  std::map<chat::Ticket, std::shared_ptr<Job>> jobs;  // waiting and under way
  Pace pace;
  chat::Ticket last_ticket = 0;
  bool stopping = false;
  std::vector<std::jthread> threads;  // the last member: they use all others
};

class RemoteModel::Worker {
 public:
  explicit Worker(Shared& shared) : shared_(shared) {}

  void work() {
    while (const std::shared_ptr<Job> job = next()) {
      chat::Outcome outcome;
      try {
        outcome = answer(*job);
      } catch (const std::exception& error) {
        outcome = chat::Failure{shared_.without_key(error.what())};
      }
      {
        const std::lock_guard lock(shared_.mutex);
        shared_.jobs.erase(job->ticket);
      }
      job->sink->on_done(std::move(outcome));
    }
  }

  /// GET /models. Throws Error.
  void probe() {
    const Endpoint& endpoint = shared_.endpoint;
    const std::string url = endpoint.base_url + "/models";
    std::string body;
    const std::atomic<bool> never{false};
    const http::Limits limits{endpoint.connect_seconds * 2, endpoint.connect_seconds * 2,
                              endpoint.connect_seconds};
    const http::Reply reply = client_.send(url, headers_of(endpoint), nullptr, limits, never,
                                           [&](const http::Reply&, std::string_view bytes) {
                                             require(body.size() + bytes.size() < kMostReplyBytes,
                                                     url, ": the list of models is too long");
                                             body += bytes;
                                           });
    constexpr int kUnauthorised = 401, kForbidden = 403, kFound = 200;
    require(reply.status != 0, "cannot reach endpoint ", endpoint.base_url, ": ", reply.error);
    require(reply.status != kUnauthorised && reply.status != kForbidden, "endpoint ",
            endpoint.base_url, " refuses ",
            endpoint.key.empty() ? "requests without a key (api_key_env names its variable)"
                                 : "the key that api_key_env names",
            ": status ", reply.status);
    if (reply.status != kFound) return;  // not every endpoint has the list
    const base::Json json = base::Json::parse(body, nullptr, false);
    if (!json.is_object() || !json.contains("data") || !json["data"].is_array()) return;
    std::vector<std::string> names;
    for (const base::Json& model : json["data"]) {
      if (!model.is_object() || !model.contains("id") || !model["id"].is_string()) continue;
      names.push_back(model["id"].get<std::string>());
      if (names.back() == endpoint.name) return;
    }
    constexpr size_t kMostShown = 20;
    if (names.size() > kMostShown) names.resize(kMostShown);
    require(names.empty(), "endpoint ", endpoint.base_url, " has no model '", endpoint.name,
            "'; it lists: ", base::join(names, ", "), " (probe: off asks it all the same)");
  }

 private:
  std::shared_ptr<Job> next() {
    std::unique_lock lock(shared_.mutex);
    shared_.changed.wait(lock, [&] { return shared_.stopping || !shared_.waiting.empty(); });
    if (shared_.waiting.empty()) return nullptr;
    std::shared_ptr<Job> job = std::move(shared_.waiting.front());
    shared_.waiting.pop_front();
    return job;
  }

  // False if the job was cancelled meanwhile.
  bool wait(const Job& job, double seconds) {
    const double until = shared_.now() + seconds;
    for (double left = seconds; left > 0 && !job.cancelled; left = until - shared_.now())
      std::this_thread::sleep_for(std::min<std::chrono::duration<double>>(
          kPollInterval, std::chrono::duration<double>(left)));
    return !job.cancelled;
  }

  bool wait_for_slot(const Job& job) {
    while (!job.cancelled) {
      double seconds = 0;
      {
        const std::lock_guard lock(shared_.mutex);
        seconds = shared_.pace.start(shared_.now());
      }
      if (seconds <= 0) return true;
      wait(job, seconds);
    }
    return false;
  }

  chat::Outcome answer(Job& job) {
    const Endpoint& endpoint = shared_.endpoint;
    base::Rng rng(job.request.sampling.seed, job.request.sampling.seed_label + " waits");
    const double accepted = shared_.now();
    const Body body = make_body(endpoint, job.request);
    const double making = shared_.now() - accepted;
    bool shown = false;
    for (int number = 1;; ++number) {
      if (!wait_for_slot(job)) return cancelled_completion();
      const double before = shared_.now() - accepted;
      Attempt tried = attempt(job, body, making, shown);
      if (tried.cancelled) return cancelled_completion();
      if (tried.completion) {
        chat::Completion& completion = *tried.completion;
        completion.prompt_sha256 = body.prompt_sha256;
        if (number > 1)
          completion.notes.push_back(fmt::format("attempt {}, {:.1f} s after the first one began",
                                                 number, before - making));
        return std::move(completion);
      }
      Setback& setback = tried.setback;
      setback.why = shared_.without_key(setback.why);
      const std::string tries =
          number == 1 ? "" : fmt::format(" (attempt {} of {})", number, endpoint.retries + 1);
      if (!setback.worth_another || number > endpoint.retries)
        return chat::Failure{"endpoint " + endpoint.base_url + ": " + setback.why + tries};
      if (setback.wait.value_or(0) > endpoint.longest_wait_seconds)
        return chat::Failure{fmt::format(
            "endpoint {}: {}; it asks to wait {:.0f} s, longest_wait is {:.0f} s{}",
            endpoint.base_url, setback.why, *setback.wait, endpoint.longest_wait_seconds, tries)};
      const double seconds =
          setback.wait.value_or(http::back_off(number, endpoint.first_wait_seconds, rng));
      if (setback.wait) {
        // What the endpoint asks of one request it asks of all.
        const std::lock_guard lock(shared_.mutex);
        shared_.pace.pause(shared_.now() + seconds);
      }
      if (!wait(job, seconds)) return cancelled_completion();
    }
  }

  static chat::Completion cancelled_completion() {
    chat::Completion completion;
    completion.finish = chat::Finish::cancelled;
    return completion;
  }

  // One request. `shown`: text has been handed to the sink by this or an earlier attempt.
  Attempt attempt(Job& job, const Body& body, double making, bool& shown) {
    const Endpoint& endpoint = shared_.endpoint;
    const double begin = shared_.now() - making;
    ReplyReader reader;
    std::string other;  // a body that is no stream
    bool first = true;
    double last_text = -1;
    const auto use = [&](const http::Reply& head, std::string_view bytes) {
      if (head.status == 200 && head.content_type == "text/event-stream") {
        const double seconds = shared_.now() - begin;
        std::string text = reader.feed_events(bytes, seconds);
        if (text.empty()) return;
        last_text = seconds;
        if (first && shown) text.insert(0, "\n");
        first = false;
        shown = true;
        job.sink->on_text(text);
        return;
      }
      const size_t most = head.status == 200 ? kMostReplyBytes : kMostErrorBytes;
      require(head.status != 200 || other.size() + bytes.size() <= most,
              "the endpoint's reply is longer than ", most, " bytes");
      other += bytes.substr(0, most - std::min(most, other.size()));
    };
    Attempt result;
    http::Reply reply;
    const http::Limits limits{endpoint.timeout_seconds, endpoint.stall_seconds,
                              endpoint.connect_seconds};
    try {
      reply = client_.send(endpoint.base_url + "/chat/completions", headers_of(endpoint),
                           &body.bytes, limits, job.cancelled, use);
      if (reply.cancelled) {
        result.cancelled = true;
        return result;
      }
      if (reply.status != 0 && reply.status != 200) {
        result.setback = {fmt::format("status {}: {}", reply.status, error_text(other)),
                          http::is_worth_another(reply.status),
                          http::retry_after(reply.retry_after, std::time(nullptr))};
        return result;
      }
      if (!reply.error.empty()) {
        result.setback = {reply.error, true, {}};
        return result;
      }
      if (reply.content_type != "text/event-stream") reader.read_object(other);
      if (!reader.is_complete()) {
        result.setback = {"the stream was cut before the answer's end", true, {}};
        return result;
      }
    } catch (const Error& error) {
      result.setback = {error.what(), true, {}};
      return result;
    }
    chat::Completion completion = reader.take();
    chat::Timing& timing = completion.timing;
    const std::vector<double>& times = completion.token_times;
    timing.e2e = shared_.now() - begin;
    if (!times.empty()) {
      timing.ttft = times.front();
      // The end of the answer, not of the connection: usage may follow much later.
      timing.e2e = last_text;
      const int64_t tokens = completion.usage.completion_tokens;
      if (tokens > 1 && times.size() > 1)
        timing.tpot = (times.back() - times.front()) / static_cast<double>(tokens - 1);
    } else if (!completion.text.empty()) {
      completion.notes.emplace_back("the endpoint did not stream: no time to the first text");
      if (!shown) job.sink->on_text(completion.text);
    }
    const std::lock_guard lock(shared_.mutex);
    shared_.pace.spend(completion.usage.prompt_tokens + completion.usage.completion_tokens,
                       shared_.now());
    result.completion = std::move(completion);
    return result;
  }

  Shared& shared_;
  http::Client client_;
};

RemoteModel::RemoteModel(std::string name, Endpoint endpoint, const base::Clock& clock)
    : shared_(std::make_unique<Shared>(std::move(name), std::move(endpoint), clock)) {
  if (shared_->endpoint.probe) {
    const double begin = shared_->now();
    Worker(*shared_).probe();
    shared_->facts.load_seconds = shared_->now() - begin;
  }
  for (int i = 0; i < shared_->endpoint.parallel; ++i)
    shared_->threads.emplace_back([shared = shared_.get()] { Worker(*shared).work(); });
}

RemoteModel::~RemoteModel() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
    for (const auto& [ticket, job] : shared_->jobs) job->cancelled = true;
  }
  shared_->changed.notify_all();
}

const chat::ModelFacts& RemoteModel::facts() const { return shared_->facts; }

chat::Ticket RemoteModel::submit(chat::Request request, chat::Sink& sink) {
  auto job = std::make_shared<Job>();
  job->request = std::move(request);
  job->sink = &sink;
  chat::Ticket ticket = 0;
  {
    const std::lock_guard lock(shared_->mutex);
    ticket = ++shared_->last_ticket;
    job->ticket = ticket;
    shared_->jobs.emplace(ticket, job);
    shared_->waiting.push_back(std::move(job));
  }
  shared_->changed.notify_one();
  return ticket;
}

void RemoteModel::cancel(chat::Ticket ticket) {
  const std::lock_guard lock(shared_->mutex);
  const auto found = shared_->jobs.find(ticket);
  if (found != shared_->jobs.end()) found->second->cancelled = true;
}

}  // namespace visavis::remote
