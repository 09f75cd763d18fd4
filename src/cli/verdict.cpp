// visavis verdict: what people say about a run's answers. It is stored beside the automatic grades
// and counts in their place.
#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "cli/finished_run.h"
#include "cli/verbs.h"
#include "harness/runner/runner.h"
#include "harness/store/opinion_files.h"
#include "harness/store/store.h"

namespace visavis::cli {
namespace {

constexpr int64_t kMostBytes = int64_t{64} << 20;

struct Options {
  FinishedRun run;
  std::string who, suite, id, model, verdict, first, second, winner, note;
  int sample = 0;
  std::filesystem::path to, from;
};

bool is_csv(const std::filesystem::path& path) {
  require(path.extension() == ".csv" || path.extension() == ".jsonl", "'", path.string(),
          "': wanted a name that ends in .csv or .jsonl");
  return path.extension() == ".csv";
}

store::HumanOpinions given(const Options& options, const store::RunData& run) {
  store::HumanOpinions opinions;
  if (!options.from.empty())
    opinions =
        store::only_new(run, store::read_opinions(run, base::read_file(options.from, kMostBytes),
                                                  options.from.string(), is_csv(options.from)));
  if (options.id.empty()) return opinions;
  require(!options.who.empty(), "--who: wanted the name of who judges");
  const int64_t item = store::find_item(run, options.suite, options.id, options.sample);
  const std::string at = base::utc_timestamp();
  if (!options.model.empty()) {
    require(!options.verdict.empty(), "--model needs --verdict full, partial or wrong");
    opinions.verdicts.push_back({.id = 0,
                                 .item = item,
                                 .model = store::find_model(run, options.model),
                                 .verdict = graders::verdict_from(options.verdict),
                                 .who = options.who,
                                 .given_at = at,
                                 .note = options.note});
    return opinions;
  }
  require(!options.first.empty() && !options.second.empty() && !options.winner.empty(),
          "--id needs --model with --verdict, or --first and --second with --winner");
  const int64_t first = store::find_model(run, options.first);
  const int64_t second = store::find_model(run, options.second);
  require(first != second, "--first and --second are the same model");
  opinions.votes.push_back({.id = 0,
                            .item = item,
                            .first = first,
                            .second = second,
                            .score = options.winner == "first"    ? 1.0
                                     : options.winner == "second" ? 0.0
                                                                  : 0.5,
                            .who = options.who,
                            .given_at = at,
                            .note = options.note});
  return opinions;
}

int verdict(const Options& options) {
  const std::filesystem::path path = runner::store_path(options.run.folder);
  require(!options.id.empty() || !options.from.empty() || !options.to.empty(),
          "nothing to do; wanted --id, --import or --export");
  if (!options.id.empty() || !options.from.empty()) {
    store::Store store = store::Store::open(path);
    const store::HumanOpinions opinions = given(options, store.read_all());
    store.add_human(opinions.verdicts, opinions.votes);
    std::cerr << fmt::format("{} verdicts and {} votes added\n", opinions.verdicts.size(),
                             opinions.votes.size());
    write_outputs(options.run, store.read_all());
  }
  if (!options.to.empty()) {
    const store::RunData run = store::read_run(path);
    base::write_file_atomically(
        options.to, is_csv(options.to) ? store::opinions_csv(run) : store::opinions_jsonl(run));
  }
  return kDone;
}

}  // namespace

void add_verdict(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("verdict",
                                      "Stores what people say about answers; it counts in place of "
                                      "the automatic grade, which is kept");
  add_finished_run(*verb, options->run);
  verb->add_option("--who", options->who, "Who judges");
  verb->add_option("--id", options->id, "The question");
  verb->add_option("--suite", options->suite, "Its suite, if several have such a question");
  verb->add_option("--sample", options->sample, "Which answer, if the run has several (from 0)");
  verb->add_option("--model", options->model, "Label of the model whose answer is judged");
  verb->add_option("--verdict", options->verdict, "full, partial or wrong")
      ->check(CLI::IsMember({"full", "partial", "wrong"}));
  verb->add_option("--first", options->first, "Of two answers, the model of one");
  verb->add_option("--second", options->second, "and of the other");
  verb->add_option("--winner", options->winner, "first, second or tie")
      ->check(CLI::IsMember({"first", "second", "tie"}));
  verb->add_option("--note", options->note, "A remark");
  verb->add_option("--import", options->from, "Add what this .csv or .jsonl file holds");
  verb->add_option("--export", options->to, "Write all of them to this .csv or .jsonl file");
  verb->footer(
      "Examples:\n"
      "  visavis verdict visavis-results --who Li --id q7 --model llava --verdict partial\n"
      "  visavis verdict visavis-results --who Li --id q7 --first qwen --second llava "
      "--winner tie\n"
      "  visavis verdict visavis-results --import verdicts.csv\n"
      "  visavis verdict visavis-results --export verdicts.jsonl");
  verb->callback([options, &exit_code] { exit_code = verdict(*options); });
}

}  // namespace visavis::cli
