#include "server/lane.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <string>
#include <thread>

#include "server/fake_models.h"

namespace visavis::server {
namespace {

// Hears one answer and lets the test wait for it.
class Listener : public Hearer {
 public:
  void on_text(std::string_view text) override {
    const std::lock_guard lock(mutex_);
    text_ += text;
  }
  void on_done(chat::Outcome outcome, double queued_seconds) override {
    const std::lock_guard lock(mutex_);
    outcome_ = std::move(outcome);
    queued_seconds_ = queued_seconds;
    done_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [this] { return done_; });
  }
  bool is_done() {
    const std::lock_guard lock(mutex_);
    return done_;
  }
  chat::Finish finish() { return std::get<chat::Completion>(outcome_).finish; }
  std::string text_;
  chat::Outcome outcome_;
  double queued_seconds_ = -1;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
};

class LaneTest : public testing::Test {
 protected:
  ~LaneTest() override {
    lane->cancel_waiting();
    lane->cancel_answering();
    while (lane->load().answering > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  std::shared_ptr<Listener> order(const std::string& text) {
    auto listener = std::make_shared<Listener>();
    std::vector<Lane::Order> orders;
    orders.push_back({request(text), listener});
    last = lane->submit(std::move(orders));
    return listener;
  }
  static chat::Request request(const std::string& text) {
    chat::Request request;
    request.turns = {{.parts = {chat::Text{text}}}};
    return request;
  }

  FakeModel model{"fake"};
  // The model may not be called from its own thread, which a detached thread is not.
  std::shared_ptr<Lane> lane = std::make_shared<Lane>(
      model, 2, 2, base::steady_clock(),
      [](std::function<void()> task) { std::thread(std::move(task)).detach(); });
  Lane::Admission last;
};

TEST_F(LaneTest, GivesTheModelNoMoreThanItsSlots) {
  std::vector<std::shared_ptr<Listener>> all;
  for (int i = 0; i < 4; ++i) all.push_back(order("SLOW 2"));
  EXPECT_EQ(lane->load().answering, 2);
  EXPECT_EQ(lane->load().waiting, 2);
  for (const auto& each : all) {
    ASSERT_TRUE(each->wait());
    EXPECT_EQ(each->text_, "word0 word1 ");
  }
  EXPECT_EQ(model.most_active, 2);
  EXPECT_LT(all[0]->queued_seconds_, 0.02);
  EXPECT_GE(all[2]->queued_seconds_, 0.02);
}

TEST_F(LaneTest, TurnsAwayWhatDoesNotFitInWhole) {
  for (int i = 0; i < 3; ++i) order("HANG");
  std::vector<Lane::Order> two;
  for (int i = 0; i < 2; ++i) two.push_back({request("HANG"), std::make_shared<Listener>()});
  const Lane::Admission refused = lane->submit(std::move(two));
  EXPECT_EQ(refused.refusal, Lane::Refusal::full);
  EXPECT_GE(refused.retry_after, 1);
  EXPECT_EQ(lane->load().waiting, 1);
  order("HANG");
  EXPECT_EQ(last.refusal, Lane::Refusal::none);
  order("HANG");
  EXPECT_EQ(last.refusal, Lane::Refusal::full);
}

TEST_F(LaneTest, FreesTheSlotOfACancelledAnswer) {
  order("HANG");
  const Lane::Job first = last.jobs.at(0);
  order("HANG");
  const auto third = order("SAY 1");
  EXPECT_FALSE(third->is_done());
  lane->cancel(first);
  ASSERT_TRUE(third->wait());
  EXPECT_EQ(third->text_, "word0 ");
}

TEST_F(LaneTest, ForgetsACancelledOrderThatWaits) {
  order("HANG");
  order("HANG");
  const auto waiting = order("SAY 1");
  lane->cancel(last.jobs.at(0));
  EXPECT_EQ(lane->load().waiting, 0);
  EXPECT_FALSE(waiting->is_done());
  EXPECT_EQ(model.requests.size(), 2);
}

TEST_F(LaneTest, ClosesOnlyWhenIdleIfAsked) {
  order("HANG");
  EXPECT_FALSE(lane->close(true));
  lane->cancel(last.jobs.at(0));
  while (lane->load().answering > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(lane->close(true));
  order("SAY 1");
  EXPECT_EQ(last.refusal, Lane::Refusal::closed);
  lane->reopen();
  EXPECT_TRUE(order("SAY 1")->wait());
}

TEST_F(LaneTest, TellsThoseThatWaitWhenAllIsCancelled) {
  order("HANG");
  order("HANG");
  const auto waiting = order("SAY 1");
  lane->cancel_waiting();
  ASSERT_TRUE(waiting->wait());
  EXPECT_EQ(waiting->finish(), chat::Finish::cancelled);
}

}  // namespace
}  // namespace visavis::server
