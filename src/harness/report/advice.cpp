#include "harness/report/advice.h"

#include <algorithm>
#include <string_view>

#include "harness/verdict/profiles.h"

namespace visavis::report {
namespace {

bool asks_about_several_pictures(const store::RunData& run, const Group& group) {
  return std::any_of(group.items.begin(), group.items.end(),
                     [&](size_t item) { return run.items[item].question.images.size() > 1; });
}

// The user's weights count for questions as such, a use's own for that use.
verdict::Weights weights_for(const Group& group, const std::map<std::string, double>& given) {
  for (const verdict::Profile& profile : verdict::profiles())
    if (group.kind == GroupKind::profile && group.key == std::string("profile:") + profile.key)
      return profile.weights;
  if (given.empty()) return {};
  const auto weight = [&](const char* key) {
    const auto found = given.find(key);
    return found == given.end() ? 0.0 : found->second;
  };
  return {weight("accuracy"), weight("latency"), weight("cost"), weight("memory")};
}

}  // namespace

std::vector<verdict::Recommendation> make_recommendations(const Results& results) {
  const store::RunRow& run = results.run.run;
  std::vector<verdict::Recommendation> out;
  for (const Group& group : results.groups) {
    const bool offered = group.kind == GroupKind::all || group.kind == GroupKind::scenario ||
                         group.kind == GroupKind::profile;
    const bool graded = std::any_of(group.cells.begin(), group.cells.end(),
                                    [](const Cell& cell) { return cell.graded > 0; });
    if (!offered || !graded) continue;
    std::vector<verdict::Candidate> candidates;
    for (size_t i = 0; i < results.models.size(); ++i) {
      const ModelSummary& model = results.models[i];
      const Cell& cell = group.cells[i];
      const auto license = run.judgement.licenses.find(model.label);
      candidates.push_back(
          {.label = model.label,
           .accuracy = cell.accuracy,
           .e2e_p50 = cell.e2e.p50,
           .e2e_p95 = cell.e2e.p95,
           .peak_memory_bytes = std::max(model.peak_bytes, model.planned_bytes),
           .cost_per_1000 = cell.cost_per_1000,
           .seconds_per_question = cell.seconds_per_question,
           .license = license == run.judgement.licenses.end() ? "" : license->second,
           .designed_for = model.facts.multi_image_trained || group.kind == GroupKind::all ||
                           !asks_about_several_pictures(results.run, group)});
    }
    out.push_back(verdict::recommend(group.title, candidates, group.pairs,
                                     {.constraints = run.judgement.constraints,
                                      .licenses = run.judgement.licenses_allowed,
                                      .weights = weights_for(group, run.judgement.weights),
                                      .sensitivity = run.judgement.sensitivity,
                                      .price_per_hour = run.limits.price_per_hour,
                                      .currency = run.limits.currency}));
    out.back().key = group.key;
  }
  return out;
}

}  // namespace visavis::report
