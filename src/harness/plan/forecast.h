// Before money is spent: how long a run will take, what it will cost and what it can tell, from
// runs on this machine before (or a short one made for that). Pure functions on rows of stores.
// Start with forecast().
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/store/rows.h"

namespace visavis::plan {

/// A figure and the 95 % range around it.
struct Range {
  double low = 0;
  double value = 0;
  double high = 0;
};

/// What is to be run.
struct Task {
  std::vector<store::ModelRow> models;
  std::vector<store::SuiteRow> suites;
  std::vector<store::ItemRow> items;  // in the order in which they are asked
  store::Limits limits;
  int warmup = 0;
  int revisits = 0;
  int fixed_items = 0;
  std::string machine;  // as RunRow::machine; empty: any run counts
};

/// One model's part.
struct ModelForecast {
  std::string label;
  int64_t answers_known = 0;           // of earlier runs, that the forecast rests on
  std::optional<Range> question;       // seconds each, mean over the questions that are planned
  std::optional<double> load_seconds;  // nothing: never loaded here
  std::optional<chat::Memory> memory;  // planned, from earlier facts
};

/// What a paired comparison over some questions can find.
struct Detectable {
  std::string name;  // "all", or suite/scenario
  int64_t questions = 0;
  int64_t groups = 0;      // of questions about the same source
  double low = 0;          // share of right answers; 0.07 is seven points
  double high = 0;         // the same if models disagree more often
  bool from_runs = false;  // from how often these models disagreed before, not assumed
};

struct Forecast {
  std::vector<ModelForecast> models;
  std::optional<Range> seconds;  // of the whole run; nothing if a model is unknown
  bool estimate = true;          // the range is wider than +-20 %, or rests on other questions
  std::optional<Range> cost;     // nothing without a price
  int64_t questions = 0;         // that the limit of questions allows
  // Questions that the limits of time and money allow at the value, if not all.
  std::optional<int64_t> affordable;
  bool over_time = false;  // the value is above the limit
  bool over_cost = false;
  bool may_be_over = false;  // the range is
  std::vector<Detectable> detectable;
};

/// Assumed where nothing is known: the share of questions that only one of two models has right,
/// and how alike questions about one source are.
inline constexpr double kLeastDiscordance = 0.2;
inline constexpr double kMostDiscordance = 0.4;
inline constexpr double kAssumedCorrelation = 0.3;

/// A forecast further off than this is a range, not a prediction.
inline constexpr double kPromise = 0.2;

/// `earlier`: runs of the same models (same provider and options) on the same machine; others are
/// passed over. Times of a question are those of its scenario, else of its suite, else of the
/// model. Loading is taken from the last run that loaded the model.
Forecast forecast(const Task& task, std::span<const store::RunData> earlier);

/// Smallest differences that the questions can find, for all and for each scenario.
std::vector<Detectable> detectable(const Task& task, std::span<const store::RunData> earlier);

/// Whether both facts describe the same machine: processor, cores and cards.
bool same_machine(const std::string& a, const std::string& b);

}  // namespace visavis::plan
