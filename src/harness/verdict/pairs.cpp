#include "harness/verdict/pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>

#include "harness/stats/paired.h"

namespace visavis::verdict {

PairResult compare_pair(size_t first, size_t second, const std::vector<bool>& first_right,
                        const std::vector<bool>& second_right) {
  assert(first_right.size() == second_right.size());
  PairResult result{.first = first, .second = second, .p_holm = {}, .more_items = {}};
  result.both = static_cast<int64_t>(first_right.size());
  for (size_t i = 0; i < first_right.size(); ++i) {
    if (first_right[i] && !second_right[i]) ++result.only_first;
    if (!first_right[i] && second_right[i]) ++result.only_second;
  }
  result.p = stats::mcnemar(result.only_first, result.only_second).p;
  result.more_items = more_items_needed(result.both, result.only_first, result.only_second);
  return result;
}

void decide(std::span<PairResult*> family, double alpha) {
  std::vector<PairResult*> sorted(family.begin(), family.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const PairResult* a, const PairResult* b) { return a->p < b->p; });
  double corrected = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    corrected = std::max(corrected, sorted[i]->p * static_cast<double>(sorted.size() - i));
    sorted[i]->p_holm = std::min(1.0, corrected);
  }
  for (PairResult* result : sorted) {
    if (*result->p_holm < alpha) {
      result->decision = result->only_first > result->only_second ? Decision::first_better
                                                                  : Decision::second_better;
      result->more_items.reset();
    } else {
      result->decision = result->only_first + result->only_second < stats::kDecidableDiscordant
                             ? Decision::cannot_decide
                             : Decision::undecided;
    }
  }
}

std::optional<int64_t> more_items_needed(int64_t both, int64_t only_first, int64_t only_second) {
  if (both == 0 || only_first == only_second) return std::nullopt;
  const auto n = static_cast<double>(both);
  const double difference = static_cast<double>(only_first - only_second) / n;
  const double variance =
      static_cast<double>(only_first + only_second) / n - difference * difference;
  const double wanted = std::ceil(7.85 * variance / (difference * difference));
  if (wanted <= n || wanted > 1e9) return std::nullopt;
  return static_cast<int64_t>(wanted) - both;
}

Titles in_words(const PairResult& result, const std::vector<std::string>& labels) {
  const std::string counts =
      fmt::format("{} : {} / {}", result.only_first, result.only_second, result.both);
  const double p = result.p_holm.value_or(result.p);
  switch (result.decision) {
    case Decision::first_better:
    case Decision::second_better: {
      const std::string& winner =
          labels[result.decision == Decision::first_better ? result.first : result.second];
      return {fmt::format("{} is better ({}, p = {:.2g})", winner, counts, p),
              fmt::format("{} 更好（{}，p = {:.2g}）", winner, counts, p)};
    }
    case Decision::cannot_decide:
      return {
          fmt::format("cannot be decided: only {} questions separate them",
                      result.only_first + result.only_second),
          fmt::format("无法判定：只有 {} 道题的结果不同", result.only_first + result.only_second)};
    case Decision::undecided:
      break;
  }
  Titles words{fmt::format("undecided ({}, p = {:.2g})", counts, p),
               fmt::format("未能判定（{}，p = {:.2g}）", counts, p)};
  if (result.more_items) {
    words.en += fmt::format("; about {} more questions would decide", *result.more_items);
    words.zh += fmt::format("；大约还需要 {} 道题", *result.more_items);
  }
  return words;
}

}  // namespace visavis::verdict
