// visavis suites: the suites that come with visavis; or whether a suite of one's own can be used,
// and what is in it.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <set>

#include "base/json.h"
#include "cli/data_folders.h"
#include "cli/verbs.h"
#include "harness/graders/graders.h"
#include "harness/suites/formats.h"
#include "harness/suites/suite_folder.h"

namespace visavis::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string suite;
  int preview = 3;
  bool json = false;
};

std::vector<fs::path> known_suites() {
  std::vector<fs::path> found;
  for (const fs::path& library : data_folders("suites")) {
    std::error_code failed;
    for (fs::directory_iterator it(library, failed), end; !failed && it != end;
         it.increment(failed))
      if (suites::is_suite_folder(it->path())) found.push_back(it->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

struct Counts {
  size_t questions = 0;
  size_t pictures = 0;
  std::set<std::string> clusters;
  std::map<std::string, size_t> scenarios, languages, graders;
};

Counts count(const suites::Suite& suite) {
  Counts counts;
  for (const suites::Question& question : suite.questions) {
    ++counts.questions;
    counts.pictures += question.images.size();
    counts.clusters.insert(question.cluster);
    ++counts.scenarios[question.scenario];
    ++counts.languages[question.lang];
    ++counts.graders[question.grader];
  }
  return counts;
}

base::Json as_json(const suites::Suite& suite) {
  const Counts counts = count(suite);
  base::Json questions = base::Json::array();
  for (const suites::Question& question : suite.questions)
    questions.push_back({{"id", question.id},
                         {"scenario", question.scenario},
                         {"lang", question.lang},
                         {"cluster", question.cluster},
                         {"grader", question.grader},
                         {"images", question.images.size()},
                         {"question", question.question},
                         {"answers", question.key.answers}});
  return {{"name", suite.name},
          {"source", suite.source.string()},
          {"clusters", counts.clusters.size()},
          {"scenarios", counts.scenarios},
          {"languages", counts.languages},
          {"graders", counts.graders},
          {"questions", questions}};
}

std::string listed(const std::map<std::string, size_t>& counts) {
  std::string text;
  for (const auto& [name, number] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, number);
  return text;
}

void print(const suites::Suite& suite, int preview) {
  const Counts counts = count(suite);
  fmt::print("{}: {} questions about {} pictures in {} groups\n", suite.name, counts.questions,
             counts.pictures, counts.clusters.size());
  fmt::print("scenarios  {}\nlanguages  {}\ngraders    {}\n", listed(counts.scenarios),
             listed(counts.languages), listed(counts.graders));
  for (const suites::Titles& note : suite.notes) fmt::print("note       {}\n", note.en);
  const auto shown = std::min(suite.questions.size(), static_cast<size_t>(preview));
  for (size_t i = 0; i < shown; ++i) {
    const suites::Question& question = suite.questions[i];
    fmt::print("\n[{}] {} ({}, {})\n{}\n", question.id, question.scenario, question.lang,
               question.grader, question.question);
    for (const suites::Picture& picture : question.images)
      fmt::print("  {} {}\n", picture.frame_rate > 0 ? "video  " : "picture", picture.name);
    for (const std::string& answer : question.key.answers) fmt::print("  answer  {}\n", answer);
  }
}

int run(const Options& options) {
  if (options.suite.empty()) {
    base::Json list = base::Json::array();
    for (const fs::path& path : known_suites()) {
      const suites::Suite suite = suites::load_suite(path);
      list.push_back(
          {{"name", suite.name}, {"questions", suite.questions.size()}, {"folder", path.string()}});
      if (!options.json)
        fmt::print("{}: {} ({} questions, {})\n", suite.name, suite.title.en,
                   suite.questions.size(), path.string());
    }
    if (options.json) std::cout << base::dump_json({{"suites", list}}, 1) << "\n";
    return kDone;
  }
  const suites::Suite suite =
      suites::load_suite(suites::find_suite(options.suite, "", data_folders("suites")));
  graders::require_gradable(suite);
  if (options.json)
    std::cout << base::dump_json(as_json(suite), 1) << "\n";
  else
    print(suite, options.preview);
  return kDone;
}

}  // namespace

void add_suites(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("suites", "Lists suites; checks one and shows what it asks");
  verb->add_option(
      "SUITE", options->suite,
      "A suite to check: a folder, a JSONL, VLMEvalKit TSV, CSV or promptfoo YAML file, or a name");
  verb->add_option("--preview", options->preview, "Questions to show (default: 3)")
      ->check(CLI::NonNegativeNumber);
  verb->add_flag("--json", options->json, "Print JSON");
  verb->footer(
      "Examples:\n"
      "  visavis suites\n"
      "  visavis suites MMBench_DEV_EN.tsv --preview 5\n"
      "  visavis suites my-pictures                    (pictures and a CSV file)");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace visavis::cli
