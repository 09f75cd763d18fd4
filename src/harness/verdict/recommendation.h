// Which model to take, by stated rules, with the reasons:
//  1. Limits: who misses one (memory, p95, cost, licence) is out, and named.
//  2. Front: who is no better than another in anything and worse in something is dominated.
//  3. Weights: value = sum of weight x part; the parts are accuracy and, for latency, cost and
//     memory, the best model's figure divided by one's own. The highest value leads.
//  4. Stability: the leader is named as the winner only if it leads each other model at every
//     weight within the range and at every accuracy difference within the paired 95 % interval.
// Otherwise nothing is recommended, and it is said whether more questions (how many, for how much)
// or a decision about the weights is missing. Pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/verdict/pairs.h"

namespace visavis::verdict {

/// What the rules look at for one model in one group of questions.
struct Candidate {
  std::string label = {};
  double accuracy = 0;
  std::optional<double> e2e_p50 = {};
  std::optional<double> e2e_p95 = {};
  double peak_memory_bytes = 0;
  std::optional<double> cost_per_1000 = {};
  std::optional<double> seconds_per_question = {};  // what one more question takes
  std::string license = {};                         // empty: not stated
  bool designed_for = true;  // false: several pictures in a question, never trained for that
};

/// How much each part counts, relative to the others.
struct Weights {
  double accuracy = 0.6;
  double latency = 0.2;
  double cost = 0.1;
  double memory = 0.1;
};

/// What stands between the leader and a recommendation.
enum class Standing {
  none,      // nobody keeps the limits
  only_one,  // within the limits
  stable,    // wins
  data,      // more questions could decide
  weights,   // the weights decide, and their range holds several winners
};

const char* name_of(Standing standing);

struct Recommendation {
  std::string key;  // of the group of questions
  Titles title;     // of the group
  Standing standing = Standing::none;
  std::optional<size_t> winner;
  std::optional<size_t> leader;  // at the weights as given
  std::vector<size_t> front;     // not dominated, among those within the limits
  Weights weights;
  std::optional<int64_t> more_items;  // about so many more questions could decide
  std::optional<double> more_cost;    // what those would cost
  Titles sentence;
  std::vector<Titles> reasons;
};

/// The user's say in the rules.
struct Rules {
  // May hold "peak_memory_mib", "p95_e2e_s", "cost_per_1000".
  std::map<std::string, double> constraints = {};
  std::vector<std::string> licenses = {};  // those that are allowed; empty: any
  Weights weights = {};
  double sensitivity = 0.2;   // each weight may be off by this share
  double price_per_hour = 0;  // 0: unknown
  std::string currency = {};
};

/// `pairs` holds a decided result for every pair of candidates.
Recommendation recommend(const Titles& title, const std::vector<Candidate>& candidates,
                         const std::vector<PairResult>& pairs, const Rules& rules);

}  // namespace visavis::verdict
