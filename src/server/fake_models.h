// Test double: models that answer as the last text of the request says, any number of requests at
// once, each on a thread of its own:
//   "SAY 3"   three pieces ("word0 ", "word1 ", ...)
//   "SLOW 3"  the same with 20 ms before each
//   "HANG"    nothing until it is cancelled
//   "BREAK"   a failure of the model; "BAD" a failure of the request
//   else      "<texts> pictures, <bytes> bytes" of what was asked
#pragma once

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "chat/model_host.h"

namespace visavis::server {

class FakeModel : public chat::ChatModel, public chat::Scorer {
 public:
  explicit FakeModel(const std::string& name) {
    facts_.name = name;
    facts_.device = "paper";
    facts_.weights = "none";
    facts_.context = 100;
  }
  ~FakeModel() override {
    for (std::thread& thread : threads_) thread.join();
  }

  const chat::ModelFacts& facts() const override { return facts_; }

  chat::Ticket submit(chat::Request request, chat::Sink& sink) override {
    const std::lock_guard lock(mutex_);
    const chat::Ticket ticket = next_++;
    auto cancelled = std::make_shared<std::atomic<bool>>(false);
    cancelled_[ticket] = cancelled;
    requests.push_back(request);
    ++active;
    most_active = std::max(most_active, static_cast<int>(active));
    threads_.emplace_back([this, request = std::move(request), &sink, cancelled] {
      chat::Outcome outcome = answer(request, sink, *cancelled);
      --active;
      sink.on_done(std::move(outcome));
    });
    return ticket;
  }

  void cancel(chat::Ticket ticket) override {
    const std::lock_guard lock(mutex_);
    const auto found = cancelled_.find(ticket);
    if (found != cancelled_.end()) *found->second = true;
  }

  chat::Score score(const chat::ScoreRequest& request) override {
    require(request.continuation != "BAD", "this cannot be scored");
    chat::Score score;
    score.prompt_token_ids = {1, 2, 3};
    score.continuation_ids = {7};
    score.continuation_logprobs = {-0.5F};
    return score;
  }

  /// What has been asked so far; call it when nothing is under way.
  std::vector<chat::Request> requests;
  std::atomic<int> active{0};
  std::atomic<int> cancellations{0};
  std::atomic<int> delay_ms{0};  // before an answer to anything else
  int most_active = 0;

 private:
  chat::Outcome answer(const chat::Request& request, chat::Sink& sink,
                       const std::atomic<bool>& cancelled) {
    using std::chrono::milliseconds;
    std::string asked;
    size_t pictures = 0;
    size_t bytes = 0;
    for (const chat::Turn& turn : request.turns) {
      for (const chat::Part& part : turn.parts) {
        if (const auto* text = std::get_if<chat::Text>(&part)) {
          asked = text->text;
        } else {
          ++pictures;
          bytes += std::get<chat::Image>(part).bytes->size();
        }
      }
    }
    if (asked == "BREAK") return chat::Failure{"the paper is torn"};
    if (asked == "BAD") return chat::Failure{"the prompt has too many tokens", true};
    chat::Completion completion;
    completion.usage = {10, static_cast<int64_t>(pictures) * 4, 0};
    completion.timing.e2e = 0.25;
    const auto say = [&](const std::string& piece) {
      completion.text += piece;
      completion.usage.completion_tokens += 1;
      completion.token_ids.push_back(completion.usage.completion_tokens);
      if (request.logprobs) {
        completion.logprobs.push_back(-0.25F);
        completion.token_texts.push_back(piece);
        completion.likely.push_back({{1, piece, -0.25F}, {2, "other", -2}});
      }
      sink.on_text(piece);
    };
    const bool slow = asked.starts_with("SLOW ");
    if (slow || asked.starts_with("SAY ")) {
      const int count = std::atoi(asked.c_str() + (slow ? 5 : 4));
      for (int i = 0; i < count && !cancelled; ++i) {
        if (slow) std::this_thread::sleep_for(milliseconds(20));
        say("word" + std::to_string(i) + " ");
      }
    } else if (asked == "HANG") {
      while (!cancelled) std::this_thread::sleep_for(milliseconds(1));
    } else {
      for (int i = 0; i < delay_ms && !cancelled; ++i) std::this_thread::sleep_for(milliseconds(1));
      say(std::to_string(pictures) + " pictures, " + std::to_string(bytes) + " bytes");
    }
    if (cancelled) {
      ++cancellations;
      completion.finish = chat::Finish::cancelled;
    }
    return completion;
  }

  chat::ModelFacts facts_;
  std::mutex mutex_;  // guards what follows
  std::map<chat::Ticket, std::shared_ptr<std::atomic<bool>>> cancelled_;
  std::vector<std::thread> threads_;
  chat::Ticket next_ = 1;
};

class FakeModels : public chat::ModelHost {
 public:
  std::vector<std::string> known() const override { return {"fake-a", "fake-b"}; }
  chat::ChatModel& open(const std::string& model, const chat::ModelOptions&) override {
    require(model.starts_with("fake"), "no model '", model, "'");
    auto& slot = models[model];
    if (!slot) slot = std::make_unique<FakeModel>(model);
    return *slot;
  }
  chat::Scorer* scorer(chat::ChatModel& model) override {
    return dynamic_cast<chat::Scorer*>(&model);
  }
  void close(chat::ChatModel& model) override { models.erase(model.facts().name); }

  std::map<std::string, std::unique_ptr<FakeModel>> models;
};

}  // namespace visavis::server
