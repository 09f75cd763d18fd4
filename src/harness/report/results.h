// Everything a report shows, computed once from a store: for every group of questions that the
// report offers as a filter, each model's figures and each pair's test. Pages and tables only
// format this.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/report/costs.h"
#include "harness/report/speeds.h"
#include "harness/stats/intervals.h"
#include "harness/store/rows.h"
#include "harness/verdict/counted.h"
#include "harness/verdict/fidelity.h"
#include "harness/verdict/opinions.h"
#include "harness/verdict/pairs.h"
#include "harness/verdict/recommendation.h"

namespace visavis::report {

using verdict::Titles;

/// Quantiles with the intervals that order statistics give; those are absent where the sample is
/// too small for them.
struct Quantiles {
  std::optional<double> p50;
  std::optional<double> p95;
  std::optional<stats::Interval> p50_interval = {};
  std::optional<stats::Interval> p95_interval = {};
  bool p95_is_weak = false;  // too few for even the largest to be a safe bound
};

/// One model's figures in one group. Seconds; absent where nothing was measured.
struct Cell {
  int64_t items = 0;     // questions of the group in the run
  int64_t answered = 0;  // of them, stored answers (failures included)
  int64_t graded = 0;    // answers that count: the scenario is graded
  int64_t full = 0;
  int64_t partial = 0;
  int64_t wrong = 0;
  int64_t unparsed = 0;
  int64_t refused = 0;
  int64_t failed = 0;
  double accuracy = 0;  // full / graded
  stats::Interval interval;
  std::optional<double> mean_score;
  std::optional<double> macro_accuracy;  // scenarios weighted equally; only in the group "all"
  Quantiles ttft;
  Quantiles tpot;
  Quantiles e2e;
  std::vector<double> e2e_all;         // sorted
  std::optional<double> image_decode;  // medians
  std::optional<double> image_resize;
  std::optional<double> vision;
  std::optional<double> prefill;
  std::optional<double> characters_per_second;  // all characters over all seconds
  std::optional<double> tokens_per_second;
  std::optional<double> cost_per_1000;
  std::optional<double> cost_per_correct;
  std::optional<stats::Interval> cost_per_correct_interval;
  std::optional<double> seconds_per_question;  // mean
};

enum class GroupKind { all, scenario, language, difficulty, profile };

struct Group {
  GroupKind kind = GroupKind::all;
  std::string key;  // "all", "scenario:office", "language:zh", "difficulty:2"
  Titles title;
  bool graded = true;
  std::vector<size_t> items;  // indices into RunData::items
  std::vector<Cell> cells;    // one per model
  std::vector<verdict::PairResult> pairs;
  std::vector<PairSpeed> speeds = {};  // of "all" and scenarios
};

/// Questions asked again about pictures just seen, with what the model had kept of them.
struct Revisits {
  int64_t asked = 0;
  int64_t failed = 0;
  int64_t same = 0;  // answers that began as the measured ones
  // Medians in seconds; first_: of the same questions' measured answers.
  std::optional<double> ttft, vision, first_ttft, first_vision;
  // Sums.
  int64_t prompt_tokens = 0;
  int64_t cached_prompt_tokens = 0;
  int64_t image_tokens = 0;
  int64_t cached_image_tokens = 0;
};

struct ModelSummary {
  std::string label;
  chat::ModelFacts facts;
  double planned_bytes = 0;
  double peak_bytes =
      0;  // measured: what the card's use (or the process) grew by while it loaded and warmed up
  Revisits revisits = {};
  FixedLength fixed_length = {};
  std::optional<double> joules_per_answer = {};
  cost::OtherCards elsewhere = {};
};

struct Results {
  store::RunData run;  // its grades are those that count (verdict/counted.h)
  std::vector<verdict::GraderAgreement> agreements;  // of people with the grades as they were given
  std::vector<verdict::Overruling> overrulings;      // of those grades by people
  std::vector<ModelSummary> models;
  std::vector<Group> groups;
  std::vector<verdict::Recommendation> recommendations;
  std::optional<double> total_cost;  // of everything so far: load, warm-up and answers
  TimeSplit time;
  std::optional<double> joules;             // of the cards, all sessions
  std::vector<verdict::Fidelity> fidelity;  // models against other precisions of themselves
  double wall_seconds = 0;
  double load_seconds = 0;
  double warmup_seconds = 0;
  std::vector<Titles> notes;   // what a reader must know before believing the figures
  std::vector<Titles> method;  // how the figures came about

  std::vector<std::string> labels() const;
};

Results compute_results(store::RunData run);

}  // namespace visavis::report
