#include "chat/chat_model.h"

#include <future>
#include <utility>

namespace visavis::chat {
namespace {

class WaitingSink : public Sink {
 public:
  explicit WaitingSink(const std::function<void(std::string_view)>& on_text) : on_text_(on_text) {}
  void on_text(std::string_view text) override {
    if (on_text_) on_text_(text);
  }
  void on_done(Outcome outcome) override { promise_.set_value(std::move(outcome)); }
  Outcome wait() { return promise_.get_future().get(); }

 private:
  const std::function<void(std::string_view)>& on_text_;
  std::promise<Outcome> promise_;
};

}  // namespace

Outcome complete(ChatModel& model, Request request,
                 const std::function<void(std::string_view)>& on_text) {
  WaitingSink sink(on_text);
  model.submit(std::move(request), sink);
  return sink.wait();
}

}  // namespace visavis::chat
