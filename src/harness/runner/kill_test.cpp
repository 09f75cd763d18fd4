// kill -9 at random moments: nothing is lost, nothing is stored twice, and the resumed run equals
// one that was never interrupted.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "base/json.h"
#include "base/rng.h"
#include "base/temporary_folder.h"
#include "harness/runner/fake_host.h"
#include "harness/runner/runner.h"
#include "harness/store/export.h"
#include "harness/store/sqlite.h"
#include "harness/store/store.h"

namespace visavis::runner {
namespace {

constexpr int kItems = 80;
constexpr int kKills = 20;
constexpr uint64_t kMostAnswersPerTry = 5;  // so that twenty tries never reach the end
const std::filesystem::path kTiny =
    std::filesystem::path(VISAVIS_SOURCE_DIR) / "tests/data/suites/tiny";

// Tells the parent through a pipe how many answers are safe.
class PipeProgress : public Progress {
 public:
  explicit PipeProgress(int fd) : fd_(fd) {}
  void note(const std::string&) override {}
  void update(const Standing& standing) override {
    const int64_t answered = standing.answered;
    if (::write(fd_, &answered, sizeof answered) != sizeof answered) _exit(3);
  }

 private:
  int fd_;
};

Experiment make_experiment(const std::filesystem::path& folder) {
  std::ofstream file(folder / "many.jsonl");
  for (int i = 0; i < kItems; ++i) {
    const base::Json item = {{"id", "q" + std::to_string(i)},
                             {"question", i % 50 == 7 ? "FAIL" : "几个？"},
                             {"answer", "3"},
                             {"images", {(kTiny / "images/red.png").string()}}};
    file << base::dump_json(item) << "\n";
  }
  Experiment experiment;
  experiment.providers = {{"fake-a", "A", {}}, {"fake-b", "B", {}}};
  experiment.suites = {{folder / "many.jsonl", ""}};
  experiment.warmup = 1;
  return experiment;
}

Ending resume(const Experiment& experiment, const std::filesystem::path& out, Progress& progress) {
  FakeHost host(std::chrono::milliseconds(1));
  RunOptions options;
  options.out = out;
  options.resume = true;
  const std::atomic<bool> stop{false};
  return run(experiment, make_schedule(experiment), host, options, stop, base::steady_clock(),
             progress);
}

// Runs in a child process and kills it at a random moment: during the start, or within some
// answers. Gives the number of answers that the child reported as stored.
int64_t run_and_kill(const Experiment& experiment, const std::filesystem::path& out,
                     base::Rng& rng) {
  int ends[2];
  if (pipe(ends) != 0) return -1;
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    PipeProgress progress(ends[1]);
    _exit(resume(experiment, out, progress) == Ending::complete ? 0 : 1);
  }
  close(ends[1]);
  int64_t answered = 0;
  const uint64_t wanted = rng.below(kMostAnswersPerTry);
  for (uint64_t i = 0; i < wanted; ++i)
    if (read(ends[0], &answered, sizeof answered) != sizeof answered) break;
  // The start takes longer than an answer; both times leave the run far from its end.
  std::this_thread::sleep_for(std::chrono::microseconds(rng.below(wanted == 0 ? 20'000 : 2'000)));
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the run ended before it was killed";
  for (int64_t next = 0; read(ends[0], &next, sizeof next) == sizeof next;) answered = next;
  close(ends[0]);
  return answered;
}

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

std::string integrity_of(const std::filesystem::path& path) {
  store::Connection connection(path, store::Connection::Mode::write);
  store::Statement check(connection, "PRAGMA integrity_check");
  check.step();
  return check.text();
}

TEST(Kill, AtTwentyRandomMomentsLosesNothingAndStoresNothingTwice) {
  const base::TemporaryFolder temporary;
  const std::filesystem::path& folder = temporary.path();
  const Experiment experiment = make_experiment(folder);
  base::Rng rng(static_cast<uint64_t>(getpid()));
  int64_t safe = 0;
  for (int kills = 0; kills < kKills; ++kills) {
    safe = std::max(safe, run_and_kill(experiment, folder / "killed", rng));
    if (!std::filesystem::exists(store_path(folder / "killed"))) continue;
    EXPECT_EQ(integrity_of(store_path(folder / "killed")), "ok");
    const store::RunData data = store::read_run(store_path(folder / "killed"));
    const auto stored = static_cast<int64_t>(data.answers.size());
    EXPECT_GE(stored, safe) << "an answer that was reported as stored is gone";
    EXPECT_LE(stored, safe + 1);
    ASSERT_EQ(data.grades.size(), data.answers.size());
    safe = stored;
  }
  EXPECT_GT(safe, 0);
  SilentProgress progress;
  EXPECT_EQ(resume(experiment, folder / "killed", progress), Ending::complete);
  EXPECT_EQ(resume(experiment, folder / "whole", progress), Ending::complete);
  const store::RunData killed = store::read_run(store_path(folder / "killed"));
  EXPECT_EQ(killed.answers.size(), 2u * kItems);
  EXPECT_EQ(killed.run.state, "complete");
  EXPECT_EQ(answers_without_times(killed),
            answers_without_times(store::read_run(store_path(folder / "whole"))));
}

}  // namespace
}  // namespace visavis::runner
