#include "harness/runner/ask.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>

#include "base/error.h"
#include "harness/suites/pictures.h"

namespace visavis::runner {
namespace {

// How soon a ctrl-C is noticed.
constexpr std::chrono::milliseconds kPollInterval{20};

class WaitingSink : public chat::Sink {
 public:
  void on_text(std::string_view) override {}

  void on_done(chat::Outcome outcome) override {
    // Notified under the lock: the waiter may destroy this sink as soon as it has the outcome.
    const std::lock_guard lock(mutex_);
    outcome_ = std::move(outcome);
    done_.notify_one();
  }

  bool wait_for(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return done_.wait_for(lock, time, [&] { return outcome_.has_value(); });
  }

  chat::Outcome take() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return outcome_.has_value(); });
    return std::move(*outcome_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  std::optional<chat::Outcome> outcome_;
};

chat::Outcome checked(chat::Outcome outcome) {
  const auto* completion = std::get_if<chat::Completion>(&outcome);
  if (completion != nullptr && completion->finish == chat::Finish::cancelled)
    return chat::Failure{"the model broke off the answer"};
  return outcome;
}

}  // namespace

Pictures load_pictures(const store::ItemRow& item) {
  std::vector<chat::Part> pictures;
  try {
    for (size_t i = 0; i < item.question.images.size(); ++i) {
      suites::LoadedPicture picture = suites::load_picture(item.question.images[i]);
      require(picture.sha256 == item.picture_sha256.at(i), "picture '",
              item.question.images[i].name, "' is not the one that was there when the run began");
      pictures.push_back(std::move(picture.part));
    }
  } catch (const Error& error) {
    return chat::Failure{error.what()};
  }
  return pictures;
}

std::string seed_label(const store::ItemRow& item) {
  return "suite " + std::to_string(item.suite) + " item " + item.question.id + " sample " +
         std::to_string(item.sample);
}

chat::Request make_request(const store::ItemRow& item, const std::vector<chat::Part>& pictures,
                           const Generation& generation, uint64_t seed) {
  chat::Request request;
  for (const suites::Turn& given : item.question.turns) {
    chat::Turn turn{given.role, {}};
    for (const suites::Piece& piece : given.pieces) {
      if (piece.image < 0)
        turn.parts.emplace_back(chat::Text{piece.text});
      else
        turn.parts.emplace_back(pictures.at(static_cast<size_t>(piece.image)));
    }
    request.turns.push_back(std::move(turn));
  }
  if (request.turns.empty()) {
    chat::Turn turn;
    for (const chat::Part& picture : pictures) turn.parts.emplace_back(picture);
    turn.parts.emplace_back(chat::Text{item.question.question});
    request.turns.push_back(std::move(turn));
  }
  request.sampling = generation.sampling;
  request.sampling.seed = seed;
  request.sampling.seed_label = seed_label(item);
  request.max_tokens = item.max_tokens;
  request.stop = generation.stop;
  request.reuse = false;  // a question must not be faster because of the one before it
  return request;
}

std::optional<chat::Outcome> ask(chat::ChatModel& model, chat::Request request,
                                 const std::atomic<bool>& stop) {
  WaitingSink sink;
  chat::Ticket ticket = 0;
  try {
    ticket = model.submit(std::move(request), sink);
  } catch (const Error& error) {
    return chat::Failure{error.what()};
  }
  while (!sink.wait_for(kPollInterval)) {
    if (!stop) continue;
    model.cancel(ticket);
    chat::Outcome outcome = sink.take();
    const auto* completion = std::get_if<chat::Completion>(&outcome);
    if (completion == nullptr || completion->finish == chat::Finish::cancelled) return std::nullopt;
    return outcome;
  }
  return checked(sink.take());
}

}  // namespace visavis::runner
