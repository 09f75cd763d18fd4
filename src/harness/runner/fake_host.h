// Test double: models whose answers follow from the model's name, the question and the pictures
// alone, given on a thread of their own as real ones do. A question that holds "FAIL", "THROW" or
// "HANG" fails, is refused, or is never answered.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "chat/model_host.h"
#include "harness/runner/progress.h"

namespace visavis::runner {

class FakeModel : public chat::ChatModel {
 public:
  using Log = std::vector<std::pair<std::string, std::string>>;  // (model, question)

  FakeModel(const std::string& name, std::chrono::milliseconds delay, bool can_reuse, Log& log,
            Log& reusing)
      : delay_(delay), log_(log), reusing_(reusing) {
    facts_.name = name;
    facts_.can_reuse = can_reuse;
    facts_.weights_sha256 = base::sha256_hex(name);
    facts_.memory.weights = 1000;
  }

  ~FakeModel() override {
    if (worker_.joinable()) worker_.join();
  }

  const chat::ModelFacts& facts() const override { return facts_; }

  chat::Ticket submit(chat::Request request, chat::Sink& sink) override {
    std::string question;
    std::string asked = facts_.name;
    for (const chat::Part& part : request.turns.at(0).parts) {
      if (const auto* image = std::get_if<chat::Image>(&part)) asked += *image->bytes;
      if (const auto* text = std::get_if<chat::Text>(&part)) question = text->text;
    }
    asked += question + request.sampling.seed_label;
    log_.emplace_back(facts_.name, question);
    if (request.reuse) reusing_.emplace_back(facts_.name, question);
    const bool reuse = request.reuse;
    if (question.find("THROW") != std::string::npos) fail("the model refuses this question");
    if (worker_.joinable()) worker_.join();
    cancelled_ = false;
    worker_ = std::thread(
        [this, question, asked, reuse, &sink] { answer(question, asked, reuse, sink); });
    return ++ticket_;
  }

  void cancel(chat::Ticket ticket) override {
    if (ticket == ticket_) cancelled_ = true;
  }

 private:
  void answer(const std::string& question, const std::string& asked, bool reuse, chat::Sink& sink) {
    std::this_thread::sleep_for(delay_);
    while (question.find("HANG") != std::string::npos && !cancelled_)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (question.find("FAIL") != std::string::npos) {
      sink.on_done(chat::Failure{"out of luck"});
      return;
    }
    static const char* const kAnswers[] = {"杯子和书", "一本书", "三个", "a cup and a book",
                                           "没有"};
    const uint64_t hash = base::fnv1a(asked);
    chat::Completion completion;
    completion.text = kAnswers[hash % 5];
    completion.finish = cancelled_ ? chat::Finish::cancelled : chat::Finish::stop;
    completion.usage = {100, 80, static_cast<int64_t>(hash % 7) + 1};
    if (reuse) completion.usage.cached_image_tokens = 80;
    completion.timing.ttft = reuse ? 0.25 : 1;
    completion.timing.e2e = static_cast<double>(delay_.count()) * 1e-3;
    completion.prompt_sha256 = base::sha256_hex(question);
    sink.on_text(completion.text);
    sink.on_done(std::move(completion));
  }

  chat::ModelFacts facts_;
  std::chrono::milliseconds delay_;
  Log& log_;
  Log& reusing_;
  std::thread worker_;
  std::atomic<bool> cancelled_{false};
  chat::Ticket ticket_ = 0;
};

class FakeHost : public chat::ModelHost {
 public:
  explicit FakeHost(std::chrono::milliseconds delay = std::chrono::milliseconds(0))
      : delay_(delay) {}

  std::vector<std::string> known() const override { return {"fake-a", "fake-b"}; }

  chat::ChatModel& open(const std::string& model, const chat::ModelOptions&) override {
    require(model.rfind("fake", 0) == 0, "no model '", model, "'");
    auto& slot = models_[model];
    if (!slot) slot = std::make_unique<FakeModel>(model, delay_, can_reuse, log, reusing);
    return *slot;
  }

  chat::Scorer* scorer(chat::ChatModel&) override { return nullptr; }
  void close(chat::ChatModel& model) override { models_.erase(model.facts().name); }

  bool can_reuse = false;  // of models that are opened from now on
  FakeModel::Log log;      // every question that was asked, in order
  FakeModel::Log reusing;  // of them, those with Request::reuse

 private:
  std::chrono::milliseconds delay_;
  std::map<std::string, std::unique_ptr<FakeModel>> models_;
};

/// Takes progress and shows it to nobody.
class SilentProgress : public Progress {
 public:
  void note(const std::string& line) override { notes.push_back(line); }
  void update(const Standing& standing) override { last = standing; }
  std::vector<std::string> notes;
  Standing last;
};

}  // namespace visavis::runner
