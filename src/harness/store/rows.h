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

/// A model that judges answers after the run; no provider: none does.
struct JudgePlan {
  std::string provider;
  std::vector<std::pair<std::string, std::string>> options = {};
  bool rubric = true;  // each answer by itself: full, partial or wrong
  bool pairs = true;   // two models' answers against each other, both ways round
  std::vector<std::string> scenarios = {};  // ids; empty: all
};

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
  JudgePlan judge = {};
  // Stop as soon as the comparison is decided, by a test that may look several times.
  bool stop_when_decided = false;
  // What a p value must stay below after the last look of such a run; 0: alpha.
  double alpha_at_end = 0;
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
  /// "running" (also after a crash), "complete", "limit", "time", "budget", "decided",
  /// "interrupted", "failed"
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
  int sample = 0;  // 0, 1, ... of the same question; all samples belong to one cluster
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
  std::string content_key;    // names everything that the answer follows from; empty: not known
  std::string reused_from;    // where and when it was given if not in this run; empty: here
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
  double wall = -1;   // seconds of this question and the other one before it; -1: not known
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

/// Table `judgements`: one reply of a judging model, unique by (kind, item, first, second, judge).
struct JudgementRow {
  std::string kind;  // "rubric" or "pair"
  int64_t item = 0;
  int64_t first = 0;        // model; of a pair the one whose answer stood first
  int64_t second = -1;      // the other model of a pair
  std::string judge;        // MODEL as the experiment calls it
  std::string content_key;  // names everything that the reply follows from
  /// "full", "partial", "wrong"; "first", "second", "tie"; "unparsed", "failed" (reply says why)
  std::string outcome;
  std::string reply;
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  double seconds = 0;
  double cost = -1;      // by the judge's price for tokens; negative: no such price
  bool reused = false;   // the same question to the judge was answered before
  std::string given_at;  // UTC
};

/// Table `human_verdicts`: rows are only added; the last one of a person about an answer counts.
struct HumanVerdictRow {
  int64_t id = 0;
  int64_t item = 0;
  int64_t model = 0;
  graders::Verdict verdict = graders::Verdict::wrong;  // full, partial or wrong
  std::string who;
  std::string given_at;  // UTC
  std::string note = {};
};

/// Table `human_votes`: as above, about two models' answers to one question.
struct HumanVoteRow {
  int64_t id = 0;
  int64_t item = 0;
  int64_t first = 0;   // model
  int64_t second = 0;  // model
  double score = 0.5;  // 1: the first is better, 0.5: as good, 0: the second is better
  std::string who;
  std::string given_at;  // UTC
  std::string note = {};
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
  std::vector<RevisitRow> revisits;             // sorted by (item, model)
  std::vector<FixedLengthRow> fixed_lengths;    // sorted by (item, model)
  std::vector<FidelityRow> fidelity;            // sorted by model
  std::vector<JudgementRow> judgements;         // sorted by (judge, kind, item, first, second)
  std::vector<HumanVerdictRow> human_verdicts;  // in the order in which they were given
  std::vector<HumanVoteRow> human_votes;

  /// The suite's scenario that the item belongs to.
  const suites::Scenario& scenario_of(const ItemRow& item) const;
};

/// Names the group of questions about the same source that an item belongs to; itself if none.
/// All samples of a question share it.
std::string cluster_name(const ItemRow& item);

}  // namespace visavis::store
