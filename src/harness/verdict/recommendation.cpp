#include "harness/verdict/recommendation.h"

#include <fmt/format.h>

#include <algorithm>

namespace visavis::verdict {
namespace {

constexpr double kMiB = 1048576;

std::string labels_of(const std::vector<size_t>& chosen, const std::vector<Candidate>& candidates,
                      const char* separator) {
  std::string text;
  for (const size_t i : chosen) text += (text.empty() ? "" : separator) + candidates[i].label;
  return text;
}

// Whether the test found `loser` worse than `winner`.
bool beats(size_t winner, size_t loser, const std::vector<PairResult>& pairs) {
  return std::any_of(pairs.begin(), pairs.end(), [&](const PairResult& pair) {
    return (pair.first == winner && pair.second == loser &&
            pair.decision == Decision::first_better) ||
           (pair.first == loser && pair.second == winner &&
            pair.decision == Decision::second_better);
  });
}

// Those who keep the user's limits; the others are named in the reasons.
std::vector<size_t> within_limits(const std::vector<Candidate>& candidates,
                                  const std::map<std::string, double>& constraints,
                                  std::vector<Titles>& reasons) {
  std::vector<size_t> kept;
  const auto limit = [&](const char* key) -> std::optional<double> {
    const auto found = constraints.find(key);
    if (found == constraints.end()) return std::nullopt;
    return found->second;
  };
  for (size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& candidate = candidates[i];
    const double mib = candidate.peak_memory_bytes / kMiB;
    const auto memory = limit("peak_memory_mib");
    const auto latency = limit("p95_e2e_s");
    if (memory && mib > *memory) {
      reasons.push_back(
          {fmt::format("{} needs {:.0f} MiB, the limit is {:.0f}", candidate.label, mib, *memory),
           fmt::format("{} 需要 {:.0f} MiB，上限为 {:.0f}", candidate.label, mib, *memory)});
    } else if (latency && (!candidate.e2e_p95 || *candidate.e2e_p95 > *latency)) {
      const double found = candidate.e2e_p95.value_or(0);
      reasons.push_back(
          {fmt::format("{} takes {:.2f} s (p95), the limit is {:.2f}", candidate.label, found,
                       *latency),
           fmt::format("{} 的 p95 为 {:.2f} 秒，上限为 {:.2f}", candidate.label, found, *latency)});
    } else {
      kept.push_back(i);
    }
  }
  return kept;
}

// The one that is clearly less in one of speed and memory and not clearly more in the other.
std::optional<size_t> lighter(const std::vector<size_t>& level,
                              const std::vector<Candidate>& candidates) {
  const auto not_more = [](double a, double b) { return a * kClearlyLess <= b; };
  const auto less = [](double a, double b) { return a < b * kClearlyLess; };
  for (const size_t i : level) {
    const Candidate& mine = candidates[i];
    if (!mine.e2e_p50) continue;
    const bool wins = std::all_of(level.begin(), level.end(), [&](size_t j) {
      const Candidate& other = candidates[j];
      if (j == i) return true;
      if (!other.e2e_p50) return false;
      const bool faster = less(*mine.e2e_p50, *other.e2e_p50);
      const bool smaller = less(mine.peak_memory_bytes, other.peak_memory_bytes);
      return (faster || smaller) && not_more(*mine.e2e_p50, *other.e2e_p50) &&
             not_more(mine.peak_memory_bytes, other.peak_memory_bytes);
    });
    if (wins) return i;
  }
  return std::nullopt;
}

void add_facts(const std::vector<size_t>& kept, const std::vector<Candidate>& candidates,
               std::vector<Titles>& reasons) {
  for (const size_t i : kept) {
    const Candidate& candidate = candidates[i];
    const double seconds = candidate.e2e_p50.value_or(0);
    const double mib = candidate.peak_memory_bytes / kMiB;
    reasons.push_back(
        {fmt::format("{}: {:.1f} % fully right, {:.2f} s a question (median), {:.0f} MiB",
                     candidate.label, 100 * candidate.accuracy, seconds, mib),
         fmt::format("{}：完全正确 {:.1f} %，每题 {:.2f} 秒（中位数），{:.0f} MiB", candidate.label,
                     100 * candidate.accuracy, seconds, mib)});
    if (!candidate.designed_for)
      reasons.push_back(
          {fmt::format("{} was not trained on several pictures at once", candidate.label),
           fmt::format("{} 未针对多张图片训练", candidate.label)});
  }
}

}  // namespace

Recommendation recommend(const Titles& title, const std::vector<Candidate>& candidates,
                         const std::vector<PairResult>& pairs, const Rules& rules) {
  Recommendation result;
  result.title = title;
  const std::vector<size_t> kept = within_limits(candidates, rules.constraints, result.reasons);
  if (kept.empty()) {
    result.sentence = {"No model keeps the limits.", "没有模型满足限制条件。"};
    return result;
  }
  const size_t best = *std::max_element(kept.begin(), kept.end(), [&](size_t a, size_t b) {
    return candidates[a].accuracy < candidates[b].accuracy;
  });
  std::vector<size_t> level;  // those that the test does not find worse than the best
  for (const size_t i : kept)
    if (i == best || !beats(best, i, pairs)) level.push_back(i);

  if (level.size() == 1) {
    result.winner = best;
    result.sentence =
        kept.size() == 1
            ? Titles{candidates[best].label + ": the only one within the limits.",
                     candidates[best].label + "：唯一满足限制条件的模型。"}
            : Titles{candidates[best].label + ": more answers are fully right, beyond chance.",
                     candidates[best].label + "：完全正确的回答明显更多。"};
  } else if (const auto light = lighter(level, candidates);
             light && candidates[best].accuracy - candidates[*light].accuracy <= rules.margin) {
    result.winner = light;
    result.sentence = {
        candidates[*light].label +
            ": accuracy does not separate the models; this one is faster or smaller.",
        candidates[*light].label + "：准确率无法区分各模型，但它更快或更省内存。"};
  } else if (light) {
    result.sentence = {
        fmt::format(
            "No recommendation yet: {} has {:.1f} points more than {}, which may be chance; {} "
            "is faster or smaller.",
            candidates[best].label, 100 * (candidates[best].accuracy - candidates[*light].accuracy),
            candidates[*light].label, candidates[*light].label),
        fmt::format("暂不推荐：{} 比 {} 高 {:.1f} 个百分点，但可能出于偶然；{} 更快或更省内存。",
                    candidates[best].label, candidates[*light].label,
                    100 * (candidates[best].accuracy - candidates[*light].accuracy),
                    candidates[*light].label)};
  } else {
    result.sentence = {"No recommendation: accuracy does not separate " +
                           labels_of(level, candidates, ", ") +
                           ", and speed and memory do not point the same way.",
                       "暂不推荐：准确率无法区分 " + labels_of(level, candidates, "、") +
                           "，速度与内存的优劣也不一致。"};
  }
  add_facts(kept, candidates, result.reasons);
  for (const PairResult& pair : pairs) {
    std::vector<std::string> labels;
    for (const Candidate& candidate : candidates) labels.push_back(candidate.label);
    const Titles words = in_words(pair, labels);
    result.reasons.push_back({labels[pair.first] + " / " + labels[pair.second] + ": " + words.en,
                              labels[pair.first] + " / " + labels[pair.second] + "：" + words.zh});
  }
  return result;
}

}  // namespace visavis::verdict
