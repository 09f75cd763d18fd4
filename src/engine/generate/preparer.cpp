#include "engine/generate/preparer.h"

#include <utility>

#include "engine/generate/page_keys.h"

namespace visavis::generate {

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
    prepared.prompt = model_.prepare(request.turns);
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
