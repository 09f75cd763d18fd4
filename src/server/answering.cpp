#include "server/answering.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "server/answer_json.h"
#include "server/api_error.h"

namespace visavis::server {
namespace {

namespace asio = boost::asio;

std::string random_id(bool chat) {
  std::random_device device;
  return fmt::format("{}-{:08x}{:08x}{:08x}", chat ? "chatcmpl" : "cmpl", device(), device(),
                     device());
}

std::string event(const base::Json& json) { return "data: " + base::dump_json(json) + "\n\n"; }

// One order on its way. Lives as long as somebody may still call it; belongs to the exchange's
// executor but for what the Ear posts there.
class Answering : public std::enable_shared_from_this<Answering> {
 public:
  Answering(ExchangePtr exchange, std::shared_ptr<Resident> resident, AnswerOrder order, bool chat,
            Context& context)
      : exchange_(std::move(exchange)),
        resident_(std::move(resident)),
        order_(std::move(order)),
        context_(context),
        deadline_(exchange_->executor()),
        name_{.id = random_id(chat),
              .created = std::chrono::duration_cast<std::chrono::seconds>(
                             std::chrono::system_clock::now().time_since_epoch())
                             .count(),
              .model = resident_->name,
              .chat = chat},
        choices_(static_cast<size_t>(order_.choices)) {}

  void start() {
    exchange_->note(fmt::format("{}, {} picture{}{}", resident_->name, order_.pictures,
                                order_.pictures == 1 ? "" : "s", order_.stream ? ", stream" : ""));
    std::vector<Lane::Order> orders;
    for (size_t i = 0; i < choices_.size(); ++i) {
      chat::Request request = order_.request;
      if (choices_.size() > 1) request.sampling.seed_label = fmt::format("choice {}", i);
      orders.push_back({std::move(request), std::make_shared<Ear>(shared_from_this(), i)});
    }
    order_.request.turns.clear();
    Lane::Admission admission = resident_->lane->submit(std::move(orders));
    if (admission.refusal == Lane::Refusal::full)
      throw ApiError(429,
                     fmt::format("model '{}' is busy and at most {} requests may wait for it; "
                                 "come again later",
                                 resident_->name, context_.limits.max_waiting),
                     "", "queue_full", admission.retry_after);
    if (admission.refusal == Lane::Refusal::closed)
      throw ApiError(503, "model '" + resident_->name + "' is being unloaded", "", "", 1);
    jobs_ = std::move(admission.jobs);
    exchange_->on_gone([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->give_up();
    });
    deadline_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        std::chrono::duration<double>(context_.limits.answer_seconds)));
    deadline_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self) self->run_out();
    });
  }

 private:
  struct Choice {
    std::optional<FinishedChoice> finished;
    bool spoke = false;  // its role, or the prompt that it echoes, was sent
  };

  // Hears on the model's thread and passes it on.
  class Ear : public Hearer {
   public:
    Ear(std::shared_ptr<Answering> answering, size_t choice)
        : answering_(std::move(answering)), choice_(choice) {}
    void on_text(std::string_view text) override {
      if (!answering_->order_.stream) return;
      asio::post(answering_->exchange_->executor(),
                 [answering = answering_, choice = choice_, piece = std::string(text)] {
                   answering->take_text(choice, piece);
                 });
    }
    void on_done(chat::Outcome outcome, double queued_seconds) override {
      asio::post(answering_->exchange_->executor(),
                 [answering = answering_, choice = choice_, outcome = std::move(outcome),
                  queued_seconds]() mutable {
                   answering->take_outcome(choice, std::move(outcome), queued_seconds);
                 });
    }

   private:
    std::shared_ptr<Answering> answering_;
    size_t choice_;
  };

  void take_text(size_t choice, const std::string& text) {
    if (over_) return;
    speak(choice);
    exchange_->write(event(text_chunk(name_, choice, text)));
  }

  // Everything that comes before a choice's first text.
  void speak(size_t choice) {
    if (!exchange_->has_begun()) exchange_->begin_stream("text/event-stream; charset=utf-8");
    if (choices_[choice].spoke) return;
    choices_[choice].spoke = true;
    if (name_.chat)
      exchange_->write(event(role_chunk(name_, choice)));
    else if (order_.echo)
      exchange_->write(event(text_chunk(name_, choice, order_.prompt)));
  }

  void take_outcome(size_t choice, chat::Outcome outcome, double queued_seconds) {
    if (auto* completion = std::get_if<chat::Completion>(&outcome)) {
      context_.metrics.count_answer(resident_->name, *completion, queued_seconds);
      if (completion->finish == chat::Finish::cancelled) {
        fail_with(ApiError(503, "the answer was cancelled because the server is stopping"));
        return;
      }
      if (over_) return;
      choices_[choice].finished = FinishedChoice{std::move(*completion), queued_seconds};
      finish_choice(choice);
    } else {
      const auto& failure = std::get<chat::Failure>(outcome);
      fail_with(ApiError(failure.of_request ? 400 : 500, failure.message, "",
                         failure.of_request ? "invalid_request" : ""));
    }
  }

  void finish_choice(size_t choice) {
    const chat::ModelFacts& facts = resident_->model->facts();
    if (order_.stream) {
      speak(choice);
      exchange_->write(event(
          finish_chunk(name_, choice, *choices_[choice].finished, facts, !order_.usage_in_stream)));
    }
    std::vector<FinishedChoice> all;
    for (const Choice& each : choices_) {
      if (!each.finished) return;
    }
    for (Choice& each : choices_) all.push_back(std::move(*each.finished));
    over();
    int64_t tokens = 0;
    for (const FinishedChoice& each : all) tokens += each.completion.usage.completion_tokens;
    exchange_->note(fmt::format("prompt {} tokens, answer {}, queued {:.3f} s",
                                all.front().completion.usage.prompt_tokens, tokens,
                                all.front().queued_seconds));
    if (!order_.stream) {
      exchange_->respond_json(
          answer_json(name_, all, facts, order_.echo ? order_.prompt : std::string()));
      return;
    }
    if (order_.usage_in_stream) exchange_->write(event(usage_chunk(name_, all, facts)));
    exchange_->write("data: [DONE]\n\n");
    exchange_->end_stream();
  }

  void fail_with(const ApiError& error) {
    if (over_) return;
    over();
    cancel_jobs();
    if (!exchange_->has_begun()) {
      exchange_->respond_error(error);
      return;
    }
    exchange_->note(error.what());
    exchange_->write(event(error.json()));
    exchange_->break_stream();
  }

  void run_out() {
    fail_with(ApiError(
        504, fmt::format("the answer was not there after {:g} s", context_.limits.answer_seconds),
        "", "timeout"));
  }

  void give_up() {
    if (over_) return;
    over();
    cancel_jobs();
  }

  void over() {
    over_ = true;
    deadline_.cancel();
  }

  void cancel_jobs() {
    for (const Lane::Job job : jobs_) resident_->lane->cancel(job);
  }

  ExchangePtr exchange_;
  std::shared_ptr<Resident> resident_;
  AnswerOrder order_;
  Context& context_;
  asio::steady_timer deadline_;
  AnswerName name_;
  std::vector<Choice> choices_;
  std::vector<Lane::Job> jobs_;
  bool over_ = false;
};

}  // namespace

void answer(const ExchangePtr& exchange, AnswerOrder order, bool chat, Context& context) {
  std::shared_ptr<Resident> resident = context.residents.find(order.model);
  context.runs.require_quiet();
  std::make_shared<Answering>(exchange, std::move(resident), std::move(order), chat, context)
      ->start();
}

}  // namespace visavis::server
