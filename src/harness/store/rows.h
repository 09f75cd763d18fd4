// The rows of a results store, one struct per table, and all of them together. Plain data: the
// runner fills them, the report reads them. Seconds that are not known are negative.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chat/chat_model.h"
#include "chat/completion.h"
#include "harness/cost/prices.h"
#include "harness/graders/grade.h"
#include "harness/suites/suite.h"

namespace visavis::store {

/// How answers are judged and recommended; may change on resume, since no answer depends on it.
struct Judgement {
  std::string baseline;  // label of the model that others are compared with; empty = the first
  double alpha = 0.05;
  double equivalence_margin = 0.05;  // as a share, 0.05 = 5 points
  std::string correction = "holm";
  graders::Cutoffs cutoffs;
  // peak_memory_mib, p95_e2e_s, cost_per_1000; absent = none
  std::map<std::string, double> constraints;
  std::vector<std::string> licenses_allowed;    // empty = any
  std::map<std::string, std::string> licenses;  // of models, by label, as the experiment states
  std::map<std::string, double> weights;        // accuracy, latency, cost, memory
  double sensitivity = 0.2;
};

/// What the run may use. Zero means no limit; without a price there are no costs.
struct Limits {
  double price_per_hour = 0;
  std::string currency = "CNY";
  double max_cost = 0;
  double max_seconds = 0;
  int64_t max_items = 0;
  std::string card = {};  // whose price of the table price_per_hour is; empty: none's
  std::vector<cost::Price> prices = {};  // the table; other cards are estimated from it
};

/// Table `run`: exactly one row.
struct RunRow {
  std::string description;
  std::string plan;  // canonical JSON of everything that answers depend on; resume compares it
  uint64_t seed = 0;
  int warmup = 0;
  std::string order;
  Judgement judgement;
  Limits limits;
  std::string lang = "en";  // of reports
  std::string machine;      // JSON object of facts about the machine
  std::string build;        // JSON object of facts about this program
  std::string created_at;   // UTC
  /// "running" (also after a crash), "complete", "limit", "time", "budget", "interrupted", "failed"
  std::string state;
};

/// Table `sessions`: one row per start of the program, `--resume` included.
struct SessionRow {
  int64_t id = 0;
  std::string started_at;     // UTC
  double load_seconds = 0;    // opening all models
  double warmup_seconds = 0;  // answering the warm-up questions
  double wall_seconds = 0;    // everything so far, kept up to date with every answer
  std::string ending;         // as RunRow::state
  double energy_joules = -1;  // of the cards that models run on, everybody's work; -1: not known
};

/// Table `models`: in the order of the experiment.
struct ModelRow {
  int64_t id = 0;  // 0, 1, ...
  std::string label;
  std::string provider;  // MODEL as the experiment calls it
  std::vector<std::pair<std::string, std::string>> options;
  chat::ModelFacts facts;  // of the first load
};

/// Table `suites`, and its scenarios in table `scenarios`.
struct SuiteRow {
  int64_t id = 0;
  std::string name;
  suites::Titles title;
  suites::Titles description;
  std::vector<suites::Scenario> scenarios;
};

/// Table `items`: the questions in the order in which they are asked.
struct ItemRow {
  int64_t id = 0;  // 0, 1, ...
  int64_t suite = 0;
  suites::Question question;  // pictures with the absolute paths they were read from
  std::vector<std::string> picture_sha256;
  int max_tokens = 0;
};

/// Table `answers`: unique by (model, item).
struct AnswerRow {
  int64_t model = 0;
  int64_t item = 0;
  int64_t session = 0;
  int64_t sequence = 0;  // counts all answers of the run in the order in which they were given
  std::string failure;   // why there is no answer; empty if there is one
  std::string text;
  std::string thinking;
  chat::Finish finish = chat::Finish::stop;
  int64_t characters = 0;  // code points of text
  chat::Usage usage;
  chat::Timing timing;
  std::vector<double> token_times;  // seconds since the request, one per token
  chat::Memory memory;
  std::string prompt_sha256;
  std::vector<std::string> notes;
  double energy_joules = -1;  // of the card while this was answered; -1: not known
};

/// Table `grades`: one per answer.
struct GradeRow {
  int64_t model = 0;
  int64_t item = 0;
  std::string grader;
  graders::Grade grade;
};

/// Table `warmups`: answers that were discarded, for the record.
struct WarmupRow {
  int64_t session = 0;
  int64_t model = 0;
  int64_t item = 0;
  double e2e = -1;
  std::string failure;
};

/// Table `revisits`: answered questions asked again right behind another one about the same
/// pictures, with what the model had kept of that. Unique by (model, item).
struct RevisitRow {
  int64_t model = 0;
  int64_t item = 0;
  int64_t session = 0;
  std::string failure = {};  // why there is no answer; empty if there is one
  chat::Usage usage = {};
  chat::Timing timing = {};
  bool same = false;  // the answer began as the measured one
};

/// Table `fixed_length`: answered questions asked again for exactly so many tokens, whatever the
/// model would say, so that speeds compare at equal lengths. Unique by (model, item).
struct FixedLengthRow {
  int64_t model = 0;
  int64_t item = 0;
  int64_t session = 0;
  std::string failure = {};  // why there is no answer; empty if there is one
  int64_t completion_tokens = 0;
  int64_t characters = 0;
  double ttft = -1;
  double tpot = -1;
  double e2e = -1;
};

/// Table `fidelity`: a model against the same checkpoint at another precision, as JSON
/// (verdict/fidelity.h). At most one per model.
struct FidelityRow {
  int64_t model = 0;
  std::string measured;
};

/// Everything a store holds. answers[i] and grades[i] belong together, sorted by (item, model).
struct RunData {
  RunRow run;
  std::vector<SessionRow> sessions;
  std::vector<ModelRow> models;
  std::vector<SuiteRow> suites;
  std::vector<ItemRow> items;
  std::vector<AnswerRow> answers;
  std::vector<GradeRow> grades;
  std::vector<WarmupRow> warmups;
  std::vector<RevisitRow> revisits;           // sorted by (item, model)
  std::vector<FixedLengthRow> fixed_lengths;  // sorted by (item, model)
  std::vector<FidelityRow> fidelity;          // sorted by model

  /// The suite's scenario that the item belongs to.
  const suites::Scenario& scenario_of(const ItemRow& item) const;
};

}  // namespace visavis::store
