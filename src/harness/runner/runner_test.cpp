#include "harness/runner/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "harness/runner/fake_host.h"
#include "harness/runner/schedule.h"
#include "harness/store/export.h"
#include "harness/store/store.h"

namespace visavis::runner {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const std::filesystem::path kTiny =
    std::filesystem::path(VISAVIS_SOURCE_DIR) / "tests/data/suites/tiny";
constexpr int kTinyItems = 11;

// A clock that moves on by a fixed step whenever somebody looks.
class SteppingClock : public base::Clock {
 public:
  explicit SteppingClock(double step_seconds) : step_(static_cast<int64_t>(step_seconds * 1e9)) {}
  int64_t now_ns() const override { return now_ += step_; }

 private:
  int64_t step_;
  mutable int64_t now_ = 0;
};

template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

class RunnerTest : public testing::Test {
 protected:
  RunnerTest() {
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string("visavis_runner_") +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    experiment_.providers = {{"fake-a", "A", {}}, {"fake-b", "B", {}}};
    experiment_.suites = {{kTiny, ""}};
  }
  ~RunnerTest() override { std::filesystem::remove_all(folder_); }

  Ending start(bool resume = false, const char* out = "out") {
    FakeHost host;
    return run_with(host, resume, out);
  }

  Ending run_with(FakeHost& host, bool resume = false, const char* out = "out") {
    RunOptions options;
    options.out = folder_ / out;
    options.resume = resume;
    const Ending ending =
        run(experiment_, make_schedule(experiment_), host, options, stop_, *clock_, progress_);
    log_ = host.log;
    return ending;
  }

  store::RunData data(const char* out = "out") const {
    return store::read_run(store_path(folder_ / out));
  }

  // A JSONL suite of `count` questions that share the tiny suite's pictures.
  std::filesystem::path write_suite(int count, const std::string& question = "几个？") const {
    std::ofstream file(folder_ / "many.jsonl");
    for (int i = 0; i < count; ++i) {
      const base::Json item = {
          {"id", "q" + std::to_string(i)},
          {"question", question},
          {"answer", "3"},
          {"scenario", i % 3 == 0 ? "rare" : "common"},
          {"images", {(kTiny / "images" / (i % 2 == 0 ? "red.png" : "blue.png")).string()}}};
      file << base::dump_json(item) << "\n";
    }
    return folder_ / "many.jsonl";
  }

  std::filesystem::path folder_;
  Experiment experiment_;
  std::atomic<bool> stop_{false};
  const base::Clock* clock_ = &base::steady_clock();
  SilentProgress progress_;
  FakeModel::Log log_;
};

// The exported answers without what legitimately differs between two runs.
std::string answers_without_times(const store::RunData& data) {
  std::istringstream lines(store::answers_jsonl(data));
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    base::Json answer = base::parse_json(line, "line");
    answer.erase("timing");
    answer.erase("token_times_s");
    out += base::dump_json(answer) + "\n";
  }
  return out;
}

TEST_F(RunnerTest, StoresOneGradedAnswerPerModelAndQuestion) {
  EXPECT_EQ(start(), Ending::complete);
  const store::RunData run = data();
  EXPECT_EQ(run.run.state, "complete");
  EXPECT_EQ(run.items.size(), static_cast<size_t>(kTinyItems));
  ASSERT_EQ(run.answers.size(), 2u * kTinyItems);
  ASSERT_EQ(run.grades.size(), 2u * kTinyItems);
  int shown = 0;
  for (size_t i = 0; i < run.answers.size(); ++i) {
    EXPECT_EQ(run.answers[i].model, run.grades[i].model);
    EXPECT_EQ(run.answers[i].item, run.grades[i].item);
    if (run.grades[i].grade.verdict == graders::Verdict::shown) ++shown;
  }
  EXPECT_EQ(shown, 2);
  EXPECT_EQ(run.models[1].facts.name, "fake-b");
  EXPECT_EQ(run.warmups.size(), 4u);
  EXPECT_GT(run.sessions.at(0).wall_seconds, 0);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/answers.jsonl"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/answers.csv"));
  EXPECT_EQ(progress_.last.answered, progress_.last.total);
}

TEST_F(RunnerTest, TurnsTheModelsRoundAtEverySecondQuestion) {
  experiment_.warmup = 0;
  start();
  ASSERT_EQ(log_.size(), 2u * kTinyItems);
  for (size_t i = 0; i < log_.size(); i += 2) {
    EXPECT_EQ(log_[i].second, log_[i + 1].second);
    EXPECT_EQ(log_[i].first, i / 2 % 2 == 0 ? "fake-a" : "fake-b");
    EXPECT_NE(log_[i].first, log_[i + 1].first);
  }
  EXPECT_EQ(model_order(3, 1, "abba"), (std::vector<size_t>{2, 1, 0}));
  EXPECT_EQ(model_order(3, 1, "fixed"), (std::vector<size_t>{0, 1, 2}));
}

TEST_F(RunnerTest, ShufflesWithTheSeedAndKeepsEveryBeginningStratified) {
  experiment_.suites = {{write_suite(300), ""}};
  const Schedule first = make_schedule(experiment_);
  const Schedule same = make_schedule(experiment_);
  experiment_.seed = 43;
  const Schedule other = make_schedule(experiment_);
  const auto ids = [](const Schedule& schedule) {
    std::vector<std::string> out;
    for (const store::ItemRow& item : schedule.items) out.push_back(item.question.id);
    return out;
  };
  EXPECT_EQ(ids(first), ids(same));
  EXPECT_EQ(first.plan, same.plan);
  EXPECT_NE(ids(first), ids(other));
  const std::vector<std::string> asked = ids(first);
  EXPECT_EQ(std::set<std::string>(asked.begin(), asked.end()).size(), 300u);
  int rare = 0;
  for (int i = 0; i < 300; ++i) {
    if (first.items[static_cast<size_t>(i)].question.scenario == "rare") ++rare;
    EXPECT_NEAR(rare, (i + 1) / 3.0, 1.5) << "after " << i + 1;
  }
}

TEST_F(RunnerTest, RevisitsSomeQuestionsOfModelsThatKeepPictures) {
  experiment_.warmup = 1;
  experiment_.revisits = 3;
  FakeHost host;
  host.can_reuse = true;
  EXPECT_EQ(run_with(host), Ending::complete);
  const store::RunData run = data();
  ASSERT_EQ(run.revisits.size(), 6u);
  ASSERT_EQ(host.reusing.size(), 12u);
  // Everything that is measured goes without: only the last requests of the run use what is kept.
  EXPECT_EQ(host.reusing, FakeModel::Log(log_.end() - 12, log_.end()));
  for (size_t i = 0; i < 6; ++i) {
    const store::RevisitRow& row = run.revisits[i];
    const store::ItemRow& item = run.items.at(static_cast<size_t>(row.item));
    EXPECT_FALSE(item.question.images.empty());
    EXPECT_EQ(row.model, static_cast<int64_t>(i % 2));
    EXPECT_EQ(row.item, run.revisits[i / 2 * 2].item) << "the same questions for every model";
    EXPECT_EQ(host.reusing[2 * i + 1].second, item.question.question);
    EXPECT_NE(host.reusing[2 * i].second, item.question.question);
    EXPECT_TRUE(row.same);
    EXPECT_EQ(row.failure, "");
    EXPECT_EQ(row.timing.ttft, 0.25);
    EXPECT_EQ(row.usage.cached_image_tokens, 80);
    EXPECT_GE(row.wall, 0);
  }
  EXPECT_EQ(run.answers.size(), 2u * kTinyItems);
  EXPECT_EQ(answers_without_times(run), [&] {
    start(false, "without");
    EXPECT_TRUE(data("without").revisits.empty());
    return answers_without_times(data("without"));
  }());
}

TEST_F(RunnerTest, RevisitsNothingWhenNothingMayBeRevisited) {
  experiment_.revisits = 0;
  FakeHost host;
  host.can_reuse = true;
  EXPECT_EQ(run_with(host), Ending::complete);
  EXPECT_TRUE(data().revisits.empty());
  experiment_.revisits = 8;
  experiment_.limits.max_items = 2;
  FakeHost other;
  other.can_reuse = true;
  EXPECT_EQ(run_with(other, false, "limited"), Ending::limit);
  for (const store::RevisitRow& row : data("limited").revisits) EXPECT_LT(row.item, 2);
}

TEST_F(RunnerTest, StoresAFailureAndGoesOn) {
  std::ofstream(folder_ / "odd.jsonl")
      << "{\"id\": \"fails\", \"question\": \"FAIL\", \"answer\": \"3\"}\n"
      << "{\"id\": \"throws\", \"question\": \"THROW\", \"answer\": \"3\"}\n"
      << "{\"id\": \"works\", \"question\": \"?\", \"answer\": \"3\"}\n";
  experiment_.suites = {{folder_ / "odd.jsonl", ""}};
  EXPECT_EQ(start(), Ending::complete);
  const store::RunData run = data();
  ASSERT_EQ(run.answers.size(), 6u);
  std::map<std::string, std::string> failures;
  for (size_t i = 0; i < run.answers.size(); ++i) {
    const std::string& id = run.items[static_cast<size_t>(run.answers[i].item)].question.id;
    failures[id] = run.answers[i].failure;
    EXPECT_EQ(run.grades[i].grade.verdict == graders::Verdict::failed, id != "works");
  }
  EXPECT_EQ(failures["fails"], "out of luck");
  EXPECT_EQ(failures["throws"], "the model refuses this question");
  EXPECT_EQ(failures["works"], "");
}

TEST_F(RunnerTest, StopsAtTheLimitAndGoesOnFromThere) {
  start(false, "whole");
  experiment_.limits.max_items = 4;
  EXPECT_EQ(start(), Ending::limit);
  EXPECT_EQ(data().answers.size(), 8u);
  EXPECT_EQ(data().run.state, "limit");
  EXPECT_EQ(start(true), Ending::limit);
  EXPECT_TRUE(log_.empty()) << "nothing was left to ask";
  experiment_.limits.max_items = 0;
  EXPECT_EQ(start(true), Ending::complete);
  EXPECT_EQ(data().sessions.size(), 2u);
  EXPECT_EQ(answers_without_times(data()), answers_without_times(data("whole")));
}

TEST_F(RunnerTest, StopsBeforeTimeOrMoneyRunOut) {
  const SteppingClock clock(1);
  clock_ = &clock;
  experiment_.limits.max_seconds = 60;
  EXPECT_EQ(start(), Ending::time);
  const store::RunData timed = data();
  EXPECT_GT(timed.answers.size(), 0u);
  EXPECT_EQ(timed.answers.size() % 2, 0u) << "pairs only";
  EXPECT_LT(timed.answers.size(), 2u * kTinyItems);
  EXPECT_LE(timed.sessions[0].wall_seconds, 65) << "the end itself looks at the clock";

  experiment_.limits = {};
  experiment_.limits.price_per_hour = 3600;  // one a second
  experiment_.limits.max_cost = 60;
  EXPECT_EQ(start(false, "money"), Ending::budget);
  EXPECT_EQ(data("money").answers.size() % 2, 0u);
  EXPECT_EQ(data("money").run.state, "budget");
  EXPECT_LE(progress_.last.cost, 60);
  experiment_.limits.max_cost = 70;
  EXPECT_EQ(start(true, "money"), Ending::budget) << "money of earlier sessions is spent";
}

TEST_F(RunnerTest, RefusesToMixRuns) {
  experiment_.limits.max_items = 1;
  start();
  EXPECT_THAT(error_of([&] { start(); }), HasSubstr("--resume"));
  experiment_.seed = 1;
  EXPECT_THAT(error_of([&] { start(true); }), HasSubstr("seed was 42, is 1"));
  experiment_.seed = 42;
  experiment_.providers[1].options = {{"weights", "int8"}};
  EXPECT_THAT(error_of([&] { start(true); }), HasSubstr("providers/1/config"));
  experiment_.providers.pop_back();
  EXPECT_THAT(error_of([&] { start(true); }), HasSubstr("providers was"));
}

TEST_F(RunnerTest, RefusesToResumeWhenAQuestionOrPictureChanged) {
  const auto copy = folder_ / "suite";
  std::filesystem::copy(kTiny, copy, std::filesystem::copy_options::recursive);
  experiment_.suites = {{copy, ""}};
  experiment_.limits.max_items = 1;
  start();
  const std::string picture = base::read_file(copy / "images/red.png");
  std::ofstream(copy / "images/red.png", std::ios::app) << "x";
  EXPECT_THAT(error_of([&] { start(true); }),
              AllOf(HasSubstr("cannot resume, because question"), HasSubstr("pictures/0 was")));
  base::write_file_atomically(copy / "images/red.png", picture);
  EXPECT_EQ(start(true), Ending::limit);
  const std::string items = base::read_file(copy / "items.jsonl");
  base::write_file_atomically(copy / "items.jsonl", base::replace_all(items, "有几个", "有多少"));
  EXPECT_THAT(error_of([&] { start(true); }), HasSubstr("question was"));
}

TEST_F(RunnerTest, NamesAMissingPictureBeforeAnythingRuns) {
  std::ofstream(folder_ / "bad.jsonl")
      << R"({"id": "1", "question": "?", "answer": "3", "images": ["gone.png"]})";
  experiment_.suites = {{folder_ / "bad.jsonl", ""}};
  EXPECT_THAT(error_of([&] { start(); }), HasSubstr("'gone.png'"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
}

TEST_F(RunnerTest, CancelsTheCurrentAnswerWhenTheUserStopsIt) {
  std::ofstream(folder_ / "hang.jsonl")
      << "{\"id\": \"1\", \"question\": \"?\", \"answer\": \"3\", \"scenario\": \"a\"}\n"
      << "{\"id\": \"2\", \"question\": \"HANG\", \"answer\": \"3\", \"scenario\": \"b\"}\n";
  experiment_.suites = {{folder_ / "hang.jsonl", ""}};
  experiment_.warmup = 0;
  std::thread user([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    stop_ = true;
  });
  const Ending ending = start();
  user.join();
  EXPECT_EQ(ending, Ending::interrupted);
  const store::RunData run = data();
  EXPECT_EQ(run.run.state, "interrupted");
  for (const store::AnswerRow& answer : run.answers)
    EXPECT_EQ(run.items[static_cast<size_t>(answer.item)].question.id, "1");
  stop_ = true;
  EXPECT_EQ(start(true), Ending::interrupted) << "a stop before the first question counts, too";
}

TEST_F(RunnerTest, SaysSoWhenTheOutputFolderCannotBeWritten) {
  std::ofstream(folder_ / "out") << "a file";
  EXPECT_THAT(error_of([&] { start(); }),
              AllOf(HasSubstr("cannot create folder"), HasSubstr("out")));

  const auto read_only = folder_ / "read_only";
  std::filesystem::create_directory(read_only);
  std::filesystem::permissions(read_only, std::filesystem::perms(0555));
  experiment_.suites = {{write_suite(2), ""}};
  for (const char* name : {"red.png", "blue.png"})
    std::filesystem::copy(kTiny / "images" / name, folder_ / name);
  std::string items = base::read_file(folder_ / "many.jsonl");
  items = base::replace_all(items, (kTiny / "images/").string(), "");
  base::write_file_atomically(folder_ / "many.jsonl", items);
  const pid_t child = fork();
  if (child == 0) {
    // Permissions do not bind root.
    if (geteuid() == 0 && setuid(65534) != 0) _exit(1);
    const std::string line = error_of([&] { start(false, "read_only"); });
    _exit(line.find("cannot write to folder") != std::string::npos ? 7 : 8);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

// A limit on file sizes stands in for a full disk.
TEST_F(RunnerTest, LosesNothingWhenTheDiskIsFullAndResumesWhenThereIsRoom) {
  experiment_.suites = {{write_suite(100), ""}};
  start(false, "whole");
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{200'000, 200'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    const std::string line = error_of([&] { start(); });
    const bool clear =
        line.find("results.sqlite") != std::string::npos && line.find("disk") != std::string::npos;
    _exit(clear && line.find('\n') == std::string::npos ? 7 : 8);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
  const size_t kept = data().answers.size();
  EXPECT_GT(kept, 0u);
  EXPECT_LT(kept, 200u);
  EXPECT_EQ(start(true), Ending::complete);
  EXPECT_EQ(answers_without_times(data()), answers_without_times(data("whole")));
}

TEST(StreamProgressText, IsPlainLinesOrOneBar) {
  Standing standing{10, 20, 10, 5, 0.25, "CNY"};
  std::ostringstream plain;
  {
    StreamProgress progress(plain, false);
    progress.note("loading A");
    progress.update(standing);
    progress.update(standing);
  }
  EXPECT_EQ(plain.str(), "loading A\n10/20 answers, 2.00/s, 0:05 left, 0.2500 CNY\n");
  std::ostringstream bar;
  {
    StreamProgress progress(bar, true);
    standing.cost = -1;
    progress.update(standing);
    progress.note("done");
  }
  EXPECT_EQ(bar.str(),
            "\r\x1b[K[###############...............] 10/20 answers, 2.00/s, 0:05 left\ndone\n");
}

}  // namespace
}  // namespace visavis::runner
