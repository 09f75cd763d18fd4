// Turns requests into prompts on a thread of its own, one after the other, so that the device goes
// on with other sequences while pictures are decoded. Not aware of sequences or of the device.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "chat/request.h"
#include "engine/models/model.h"

namespace visavis::generate {

struct Unprepared {
  std::vector<chat::Turn> turns;
  std::string continuation;  // the text to score, if any
  bool page_keys = false;    // whether they are wanted
  bool plain = false;        // chat::Request::plain
};

struct Prepared {
  models::Prompt prompt;
  std::vector<int32_t> continuation;   // its ids
  std::vector<std::string> page_keys;  // of the prompt's full pages (page_keys.h)
};

class Preparer {
 public:
  /// `on_done` runs on the preparer's thread after each request. The model must outlive this.
  Preparer(const models::Model& model, std::function<void()> on_done);
  Preparer(const Preparer&) = delete;
  Preparer& operator=(const Preparer&) = delete;
  /// Waits for the request at work and drops those behind it.
  ~Preparer();

  /// Queues one request; the future throws what is wrong with it.
  std::future<Prepared> start(Unprepared request);

 private:
  void run();

  const models::Model& model_;
  std::function<void()> on_done_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::packaged_task<Prepared()>> tasks_;  // guarded by mutex_, as is the flag
  bool ending_ = false;
  std::thread thread_;  // last: starts when everything else is there
};

}  // namespace visavis::generate
