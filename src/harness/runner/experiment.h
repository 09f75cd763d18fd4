// What to compare and how: the experiment file or its command-line form, as plain data. Not the
// order of work (schedule.h) and not the work (runner.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "chat/model_host.h"
#include "chat/request.h"
#include "harness/store/rows.h"
#include "harness/suites/suite.h"
#include "harness/suites/wording.h"

namespace visavis::runner {

struct Provider {
  std::string model;  // as ModelHost::open knows it
  std::string label;  // unique; empty until label_providers()
  chat::ModelOptions options;
  std::string license = {};  // as the user states it; empty: not stated
  std::string place = {};    // where it stands in a file, as in Places
};

/// Where an experiment file says what can only be checked with all of it known, as errors begin:
/// "FILE:LINE: ". Empty: not said in a file, or the command line said otherwise.
struct Places {
  std::string baseline;
  std::string max_cost;
  std::string card;
  std::string samples;
  std::string judge;
};

/// Where a suite lies, or the suite itself, and, if not empty, how the experiment calls it.
struct SuiteSource {
  std::filesystem::path path;
  std::string name;
  std::optional<int64_t> limit =
      {};                 // ask a sample of so many questions, by scenario in proportion
  bool circular = false;  // ask multiple-choice questions in every rotation of their options
  std::optional<suites::Suite> tests = {};   // that stand in the experiment file; then no path
  std::vector<suites::Prompt> prompts = {};  // around the questions of a suite with a path
  std::string file = {};                     // the experiment file, for errors about prompts
  std::string place = {};                    // where it stands in that file, as in Places
  suites::Titles before = {};                // what is asked, by language
  suites::Titles after = {};
};

struct Generation {
  chat::Sampling sampling;
  std::optional<int> max_tokens;  // absent: the suite's, or else 256
  std::vector<std::string> stop;
};

struct Experiment {
  std::string description;
  std::vector<Provider> providers;
  std::vector<SuiteSource> suites;
  uint64_t seed = 42;
  int warmup = 2;         // questions per model and session that are asked and discarded
  int revisits = 8;       // questions per model asked again with what it kept of their pictures
  int fixed_items = 0;    // questions per model asked again for exactly so many tokens, so that
  int fixed_tokens = 64;  // speeds compare at equal lengths
  int samples = 1;        // answers per model and question; more than one needs a temperature
  std::string order = "abba";  // or "fixed": the same order of models at every question
  Generation generation;
  store::Limits limits;
  store::Judgement judgement;
  std::vector<std::filesystem::path> reuse_answers;  // of the runs in these folders
  std::string lang;                                  // of the report; empty: not stated
  Places places;
};

/// Reads an experiment file. Suites and model folders are looked for next to it, suites also by
/// name in `libraries`. Throws Error with file, line and the known keys.
Experiment read_experiment(const std::filesystem::path& path,
                           const std::vector<std::filesystem::path>& libraries);

/// The same from text; `file` names it in errors and relative paths start at its folder.
Experiment parse_experiment(const std::string& text, const std::filesystem::path& file,
                            const std::vector<std::filesystem::path>& libraries);

/// Takes the price of the card that the limits name from their price table, unless a price is
/// given. Throws Error if the table does not have it.
void settle_price(Experiment& experiment);

/// Gives every provider without a label one (its model's name, numbered if it repeats). Throws
/// Error if two labels are equal or the baseline is none of them.
void label_providers(Experiment& experiment);

/// Throws Error for a key among the options or a password in an endpoint's URL, since both would be
/// stored with the results; neither is repeated. `place` begins the error, as in Places.
void refuse_secrets(const std::string& place, const std::string& model,
                    const chat::ModelOptions& options);

/// Throws Error for what no field can show alone: no provider, no suite, a cost limit without
/// price, a key among the options, several samples of greedy answers.
void check_experiment(const Experiment& experiment);

}  // namespace visavis::runner
