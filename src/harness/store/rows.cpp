#include "harness/store/rows.h"

#include "base/error.h"

namespace visavis::store {

const suites::Scenario& RunData::scenario_of(const ItemRow& item) const {
  for (const SuiteRow& suite : suites) {
    if (suite.id != item.suite) continue;
    for (const suites::Scenario& scenario : suite.scenarios)
      if (scenario.id == item.question.scenario) return scenario;
  }
  fail("damaged results store: item ", item.id, " names scenario '", item.question.scenario,
       "', which is not in it");
}

std::string cluster_name(const ItemRow& item) {
  const std::string& own = item.question.cluster;
  return std::to_string(item.suite) + "/" + (own.empty() ? item.question.id : own);
}

}  // namespace visavis::store
