// How long grading again takes, and what a multi-gigabyte TSV needs to be read. Both are promises:
// 100,000 answers in less than 10 s on two cores, 2 GB of pictures in less than 500 MB of memory.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "harness/runner/regrade.h"
#include "harness/suites/formats.h"
#include "harness/suites/pictures.h"
#include "harness/suites/suite.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

// Answers to the demo suite's questions: the key's own, another question's, and the replies of the
// list that the grader of multiple choice is tested with.
store::RunData many_answers(int64_t count) {
  const fs::path source = VISAVIS_SOURCE_DIR;
  const suites::Suite suite = suites::load_suite(source / "suites/demo");
  std::vector<std::string> replies;
  for (const std::string& line :
       base::split(base::read_file(source / "tests/data/graders/choice_replies.jsonl"), '\n')) {
    if (line.empty()) continue;
    const base::Json json = base::parse_json(line, "replies");
    if (json.contains("reply")) replies.push_back(json.at("reply"));
  }
  store::RunData run;
  store::SuiteRow row;
  for (suites::Scenario scenario : suite.scenarios) {
    scenario.graded = true;
    row.scenarios.push_back(scenario);
  }
  run.suites.push_back(row);
  const size_t questions = suite.questions.size();
  for (int64_t i = 0; i < count; ++i) {
    const auto at = static_cast<size_t>(i);
    store::ItemRow item;
    item.id = i;
    item.question = suite.questions[at % questions];
    store::AnswerRow answer;
    answer.item = i;
    const suites::Key& key = suite.questions[(at * 7) % questions].key;
    if (i % 3 == 0) {
      item.question.grader = "choice";
      item.question.key.options = {"a cat", "a dog", "a horse", "two cats", "no animal"};
      item.question.key.answers = {"B"};
      answer.text = replies[at % replies.size()];
    } else {
      answer.text = key.answers.empty() ? "图中没有任何文字。" : key.answers.front();
    }
    run.items.push_back(std::move(item));
    run.answers.push_back(std::move(answer));
  }
  return run;
}

void grade_again(benchmark::State& state) {
  const store::RunData run = many_answers(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(runner::grade_again(run));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(grade_again)->Arg(300)->Arg(100'000)->Unit(benchmark::kMillisecond);

// Kilobytes that the line of /proc/self/status begins with.
int64_t status_kib(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name)) return std::strtoll(line.c_str() + name.size(), nullptr, 10);
  return 0;
}

void read_tsv(benchmark::State& state) {
  constexpr int64_t kPicture = int64_t{1} << 20;
  const fs::path file = fs::temp_directory_path() / "visavis_bench.tsv";
  {
    std::ofstream out(file, std::ios::binary);
    out << "index\timage\tquestion\tA\tB\tanswer\n";
    const std::string picture(kPicture, 'A');
    for (int64_t i = 0; i < state.range(0); ++i)
      out << i << '\t' << picture << "\tWhich animal?\ta cat\ta dog\tB\n";
  }
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins anew
  const int64_t before = status_kib("VmRSS:");
  for (auto _ : state) {
    const suites::Suite suite = suites::load_suite(file);
    for (const suites::Question& question : suite.questions)
      benchmark::DoNotOptimize(suites::load_picture(question.images.at(0)).sha256);
  }
  state.counters["file_MiB"] = static_cast<double>(fs::file_size(file)) / (1 << 20);
  state.counters["peak_MiB"] = static_cast<double>(status_kib("VmHWM:") - before) / 1024;
  fs::remove(file);
}
BENCHMARK(read_tsv)->Arg(2048)->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
}  // namespace visavis

BENCHMARK_MAIN();
