#include "engine/generate/preparer.h"

#include <utility>

#include "base/error.h"
#include "engine/generate/page_keys.h"

namespace visavis::generate {
namespace {

// Texts as they are: no template, and nothing in them is a special token.
models::Prompt plain_prompt(const models::Model& model, const std::vector<chat::Turn>& turns) {
  models::Prompt prompt;
  for (const chat::Turn& turn : turns) {
    for (const chat::Part& part : turn.parts) {
      const auto* text = std::get_if<chat::Text>(&part);
      require(text != nullptr, "a plain prompt holds a picture, wanted texts only");
      prompt.text += text->text;
    }
  }
  prompt.ids = model.tokenizer().encode(text::TaggedText::from_user(prompt.text));
  model.place_text(prompt);
  return prompt;
}

}  // namespace

Preparer::Preparer(const models::Model& model, std::function<void()> on_done)
    : model_(model), on_done_(std::move(on_done)), thread_([this] { run(); }) {}

Preparer::~Preparer() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

std::future<Prepared> Preparer::start(Unprepared request) {
  std::packaged_task<Prepared()> task([this, request = std::move(request)] {
    Prepared prepared;
    prepared.prompt =
        request.plain ? plain_prompt(model_, request.turns) : model_.prepare(request.turns);
    prepared.continuation = model_.tokenizer().encode_plain(request.continuation);
    const models::Prompt& prompt = prepared.prompt;
    if (request.page_keys) {
      extend_page_keys(prompt, prompt.ids, prompt.tokens(), prepared.page_keys);
    }
    return prepared;
  });
  std::future<Prepared> result = task.get_future();
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
  return result;
}

void Preparer::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
    if (ending_) return;
    std::packaged_task<Prepared()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    on_done_();
    lock.lock();
  }
}

}  // namespace visavis::generate
