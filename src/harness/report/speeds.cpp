#include "harness/report/speeds.h"

#include "harness/stats/intervals.h"

namespace visavis::report {
namespace {

// Enough for two digits of an interval; a report is made again and again.
constexpr int kSamples = 2000;

}  // namespace

std::vector<PairSpeed> compare_speeds(
    const std::vector<std::vector<const store::AnswerRow*>>& answers,
    const std::vector<int64_t>& clusters, const std::vector<size_t>& items, uint64_t seed) {
  const auto timed = [](const store::AnswerRow* answer) {
    return answer != nullptr && answer->failure.empty() && answer->timing.e2e > 0;
  };
  std::vector<PairSpeed> pairs;
  for (size_t a = 0; a < answers.size(); ++a) {
    for (size_t b = a + 1; b < answers.size(); ++b) {
      std::vector<double> first;
      std::vector<double> second;
      std::vector<int64_t> groups;
      for (const size_t item : items) {
        if (!timed(answers[a][item]) || !timed(answers[b][item])) continue;
        first.push_back(answers[a][item]->timing.e2e);
        second.push_back(answers[b][item]->timing.e2e);
        groups.push_back(clusters[item]);
      }
      const auto ratio = stats::paired_ratio(first, second, groups, seed, kSamples);
      if (ratio) pairs.push_back({a, b, static_cast<int64_t>(first.size()), *ratio});
    }
  }
  return pairs;
}

FixedLength fixed_length_of(const store::RunData& run, int64_t model) {
  FixedLength out;
  std::vector<double> ttft, tpot, e2e;
  double seconds = 0;
  double generating = 0;
  int64_t characters = 0;
  int64_t generated = 0;
  for (const store::FixedLengthRow& row : run.fixed_lengths) {
    if (row.model != model) continue;
    ++out.asked;
    if (!row.failure.empty() || row.e2e < 0) {
      ++out.failed;
      continue;
    }
    out.tokens = row.completion_tokens;
    ttft.push_back(row.ttft);
    if (row.tpot >= 0) {
      tpot.push_back(row.tpot);
      generating += row.tpot * static_cast<double>(row.completion_tokens - 1);
      generated += row.completion_tokens - 1;
    }
    e2e.push_back(row.e2e);
    seconds += row.e2e;
    characters += row.characters;
  }
  out.ttft = stats::median(ttft);
  out.tpot = stats::median(tpot);
  out.e2e = stats::median(e2e);
  if (generating > 0) out.tokens_per_second = static_cast<double>(generated) / generating;
  if (seconds > 0) out.characters_per_second = static_cast<double>(characters) / seconds;
  return out;
}

}  // namespace visavis::report
