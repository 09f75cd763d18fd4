#include "harness/verdict/pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "harness/stats/paired.h"
#include "harness/stats/planning.h"

namespace visavis::verdict {

namespace {

constexpr double kMostItems = 1e9;  // beyond that a number of questions is no advice

// More questions like these that would let the test find the difference that was seen.
std::optional<int64_t> more_items_needed(const stats::ClusteredMean& difference) {
  const auto wanted = stats::items_needed(difference.items, difference.error, difference.mean);
  if (!wanted || *wanted > kMostItems) return std::nullopt;
  const int64_t more = static_cast<int64_t>(std::ceil(*wanted)) - difference.items;
  if (more <= 0) return std::nullopt;
  return more;
}

bool decidable(const PairResult& result) {
  return result.only_first + result.only_second >= stats::kDecidableDiscordant &&
         (!result.clustered() || result.discordant_clusters >= stats::kDecidableDiscordant);
}

// The 90 % interval of the difference. No difference seen is not the same as none: then Wilson's
// bound for nothing in so many groups.
std::optional<stats::Interval> equivalence_interval(const PairResult& result) {
  if (result.only_first + result.only_second > 0 || result.clusters < 2)
    return result.difference.interval(0.9);
  const double most = stats::wilson_share(0, static_cast<double>(result.clusters), 0.9).high;
  return stats::Interval{-most, most};
}

}  // namespace

PairResult compare_pair(size_t first, size_t second, std::span<const PairedItem> items) {
  PairResult result{.first = first, .second = second, .p_holm = {}, .more_items = {}};
  result.both = static_cast<int64_t>(items.size());
  std::vector<double> right;
  std::vector<double> scores;
  std::vector<int64_t> clusters;
  std::set<int64_t> discordant;
  for (const PairedItem& item : items) {
    if (item.first_right && !item.second_right) ++result.only_first;
    if (!item.first_right && item.second_right) ++result.only_second;
    if (item.first_right != item.second_right) discordant.insert(item.cluster);
    right.push_back(static_cast<double>(item.first_right) - static_cast<double>(item.second_right));
    scores.push_back(item.first_score - item.second_score);
    clusters.push_back(item.cluster);
  }
  result.discordant_clusters = static_cast<int64_t>(discordant.size());
  result.difference = stats::clustered_mean(right, clusters);
  result.score_difference = stats::clustered_mean(scores, clusters);
  result.clusters = result.difference.clusters;
  result.p = stats::mcnemar(result.only_first, result.only_second).p;
  if (result.clustered()) result.p = std::max(result.p, result.difference.p_of_zero());
  result.more_items = more_items_needed(result.difference);
  return result;
}

void decide(std::span<PairResult*> family, double alpha, double margin) {
  std::vector<double> p;
  for (const PairResult* result : family) p.push_back(result->p);
  const std::vector<double> corrected = stats::holm(p);
  for (size_t i = 0; i < family.size(); ++i) {
    PairResult& result = *family[i];
    result.p_holm = corrected[i];
    if (*result.p_holm < alpha && decidable(result)) {
      result.decision =
          result.difference.mean > 0 ? Decision::first_better : Decision::second_better;
      result.more_items.reset();
    } else if (const auto interval = equivalence_interval(result);
               stats::equivalent(result.difference, margin) && interval->high < margin) {
      result.decision = Decision::equivalent;
      result.more_items.reset();
    } else {
      result.decision = decidable(result) ? Decision::undecided : Decision::cannot_decide;
    }
  }
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
    case Decision::equivalent: {
      const stats::Interval interval = *equivalence_interval(result);
      return {fmt::format("equivalent: the difference lies between {:+.1f} and {:+.1f} points "
                          "(90 % interval, {})",
                          100 * interval.low, 100 * interval.high, counts),
              fmt::format("相当：差异在 {:+.1f} 至 {:+.1f} 个百分点之间（90 % 区间，{}）",
                          100 * interval.low, 100 * interval.high, counts)};
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
