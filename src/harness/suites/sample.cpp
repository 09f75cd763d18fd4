#include "harness/suites/sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"

namespace visavis::suites {
namespace {

const std::string& unit_of(const Question& question) {
  return question.rotation_of.empty() ? question.id : question.rotation_of;
}

struct Stratum {
  std::string scenario;
  std::vector<std::string> units;
  int64_t taken = 0;
  double remainder = 0;
};

std::vector<Stratum> strata_of(const Suite& suite) {
  std::vector<Stratum> strata;
  std::map<std::string, size_t> places;
  std::set<std::string> seen;
  for (const Question& question : suite.questions) {
    if (!seen.insert(unit_of(question)).second) continue;
    const auto [place, is_new] = places.emplace(question.scenario, strata.size());
    if (is_new) strata.push_back({.scenario = question.scenario, .units = {}});
    strata[place->second].units.push_back(unit_of(question));
  }
  return strata;
}

// Shares of `limit`: what is whole of each, then one more for the largest remainders; scenarios
// that got none come first.
void share(std::vector<Stratum>& strata, int64_t limit, int64_t total) {
  int64_t left = limit;
  for (Stratum& stratum : strata) {
    const auto size = static_cast<int64_t>(stratum.units.size());
    stratum.taken = limit * size / total;
    stratum.remainder = static_cast<double>(limit * size % total);
    left -= stratum.taken;
  }
  std::vector<Stratum*> order;
  for (Stratum& stratum : strata) order.push_back(&stratum);
  std::stable_sort(order.begin(), order.end(), [](const Stratum* a, const Stratum* b) {
    return std::pair(a->taken == 0, a->remainder) > std::pair(b->taken == 0, b->remainder);
  });
  for (Stratum* stratum : order) {
    if (left == 0) break;
    if (stratum->taken == static_cast<int64_t>(stratum->units.size())) continue;
    ++stratum->taken;
    --left;
  }
}

}  // namespace

void take_sample(Suite& suite, int64_t limit, uint64_t seed) {
  assert(limit > 0);
  std::vector<Stratum> strata = strata_of(suite);
  int64_t total = 0;
  for (const Stratum& stratum : strata) total += static_cast<int64_t>(stratum.units.size());
  if (total <= limit) return;
  share(strata, limit, total);
  std::set<std::string> chosen;
  for (Stratum& stratum : strata) {
    base::Rng rng(seed, "sample of " + suite.name + "/" + stratum.scenario);
    rng.shuffle(stratum.units);
    chosen.insert(stratum.units.begin(), stratum.units.begin() + stratum.taken);
  }
  std::erase_if(suite.questions,
                [&](const Question& question) { return !chosen.contains(unit_of(question)); });
  suite.notes.push_back(
      {fmt::format("A sample of {} of the {} questions of {}, every scenario in proportion.",
                   chosen.size(), total, suite.name),
       fmt::format("从 {2} 的 {1} 道题中按场景比例抽取 {0} 道。", chosen.size(), total,
                   suite.name)});
}

}  // namespace visavis::suites
