#include "harness/runner/looks.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "harness/stats/clustered.h"
#include "harness/stats/paired.h"
#include "harness/stats/sequential.h"

namespace visavis::runner {
namespace {

constexpr double kRoundingSlack = 1e-9;

int64_t questions_at(double share, int64_t planned) {
  return static_cast<int64_t>(std::ceil(share * static_cast<double>(planned) - kRoundingSlack));
}

// How many looks are due.
size_t looks_until(int64_t answered, int64_t planned) {
  size_t due = 0;
  for (const double share : kLooks) due += questions_at(share, planned) <= answered ? 1 : 0;
  return due;
}

struct Pairing {
  std::vector<double> differences;
  std::vector<int64_t> clusters;
  int64_t only_first = 0;
  int64_t only_second = 0;
};

// The first `questions` of the run that both models have a counted grade for.
Pairing pairing(const store::RunData& run, int64_t first, int64_t second, int64_t questions) {
  std::map<int64_t, graders::Verdict> first_verdicts;
  std::map<std::string, int64_t> clusters;
  Pairing found;
  for (const store::GradeRow& grade : run.grades) {
    if (grade.item >= questions || grade.grade.verdict == graders::Verdict::shown) continue;
    if (grade.model == first) first_verdicts[grade.item] = grade.grade.verdict;
  }
  for (const store::GradeRow& grade : run.grades) {
    const auto other = first_verdicts.find(grade.item);
    if (grade.model != second || other == first_verdicts.end() ||
        grade.grade.verdict == graders::Verdict::shown)
      continue;
    const store::ItemRow& item = run.items.at(static_cast<size_t>(grade.item));
    const std::string name = store::cluster_name(item);
    const bool a = other->second == graders::Verdict::full;
    const bool b = grade.grade.verdict == graders::Verdict::full;
    found.only_first += a && !b ? 1 : 0;
    found.only_second += b && !a ? 1 : 0;
    found.differences.push_back(static_cast<double>(a) - static_cast<double>(b));
    found.clusters.push_back(
        clusters.emplace(name, static_cast<int64_t>(clusters.size())).first->second);
  }
  return found;
}

bool is_decided(const Pairing& pair, double level, double margin) {
  const stats::ClusteredMean mean = stats::clustered_mean(pair.differences, pair.clusters);
  const stats::McNemar exact = stats::mcnemar(pair.only_first, pair.only_second);
  if (exact.decidable && std::max(exact.p, mean.p_of_zero()) < level) return true;
  const std::optional<stats::Interval> interval = mean.interval(1 - level);
  return interval && mean.error > 0 && interval->low > -margin && interval->high < margin;
}

}  // namespace

bool look_is_due(int64_t before, int64_t after, int64_t planned) {
  return after < planned && looks_until(after, planned) > looks_until(before, planned);
}

bool is_decided(const store::RunData& run, int64_t answered, int64_t planned) {
  const size_t due = looks_until(answered, planned);
  if (due == 0 || run.models.size() < 2) return false;
  const auto models = static_cast<int64_t>(run.models.size());
  const double pairs = static_cast<double>(models * (models - 1)) / 2;
  const std::vector<double> levels = stats::nominal_levels(kLooks, run.run.judgement.alpha / pairs);
  const int64_t questions = questions_at(kLooks[due - 1], planned);
  for (int64_t a = 0; a < models; ++a)
    for (int64_t b = a + 1; b < models; ++b)
      if (!is_decided(pairing(run, a, b, questions), levels[due - 1],
                      run.run.judgement.equivalence_margin))
        return false;
  return true;
}

double level_at_end(double alpha, int64_t answered, int64_t planned, bool decided) {
  const size_t due = looks_until(answered, planned);
  if (decided) return stats::nominal_levels(kLooks, alpha).at(due == 0 ? 0 : due - 1);
  std::vector<double> shares;
  for (const double share : kLooks)
    if (questions_at(share, planned) < answered) shares.push_back(share);
  const double end =
      static_cast<double>(answered) / static_cast<double>(std::max<int64_t>(planned, 1));
  if (end <= 0) return alpha;
  shares.push_back(std::min(1.0, end));
  return stats::nominal_levels(shares, alpha).back();
}

}  // namespace visavis::runner
