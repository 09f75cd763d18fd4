#include "harness/verdict/recommendation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace visavis::verdict {
namespace {

constexpr double kMiB = 1048576;
constexpr double kSecondsPerHour = 3600;
constexpr double kMostItems = 1e9;  // beyond that a number of questions is no advice

// A model's parts as the weights multiply them, accuracy first.
using Parts = std::array<double, 4>;

Parts values(const Weights& weights) {
  return {weights.accuracy, weights.latency, weights.cost, weights.memory};
}

// One limit of the user's: how a candidate stands to it.
struct Limit {
  const char* key;
  std::optional<double> (*figure)(const Candidate&);
  const char* en;  // label, found, limit
  const char* zh;
};

const Limit kLimits[] = {
    {"peak_memory_mib",
     [](const Candidate& c) { return std::optional(c.peak_memory_bytes / kMiB); },
     "{} needs {:.0f} MiB, the limit is {:.0f}", "{} 需要 {:.0f} MiB，上限为 {:.0f}"},
    {"p95_e2e_s", [](const Candidate& c) { return c.e2e_p95; },
     "{} takes {:.2f} s (p95), the limit is {:.2f}", "{} 的 p95 为 {:.2f} 秒，上限为 {:.2f}"},
    {"cost_per_1000", [](const Candidate& c) { return c.cost_per_1000; },
     "{} costs {:.3g} per 1000 questions, the limit is {:.3g}",
     "{} 每千题费用为 {:.3g}，上限为 {:.3g}"},
};

// Why the candidate is out; nothing if it keeps all limits.
std::optional<Titles> missed_limit(const Candidate& candidate, const Rules& rules) {
  const std::string& label = candidate.label;
  for (const Limit& limit : kLimits) {
    const auto wanted = rules.constraints.find(limit.key);
    if (wanted == rules.constraints.end()) continue;
    const std::optional<double> found = limit.figure(candidate);
    if (!found)
      return Titles{fmt::format("{}: {} is limited, but not known", label, limit.key),
                    fmt::format("{}：{} 有上限，但数值未知", label, limit.key)};
    if (*found > wanted->second)
      return Titles{fmt::format(fmt::runtime(limit.en), label, *found, wanted->second),
                    fmt::format(fmt::runtime(limit.zh), label, *found, wanted->second)};
  }
  const std::vector<std::string>& allowed = rules.licenses;
  if (allowed.empty() || std::count(allowed.begin(), allowed.end(), candidate.license) > 0)
    return std::nullopt;
  if (candidate.license.empty())
    return Titles{label + ": no licence is stated for it", label + "：未注明许可证"};
  return Titles{
      fmt::format("{}: its licence '{}' is not among those allowed", label, candidate.license),
      fmt::format("{}：许可证“{}”不在允许之列", label, candidate.license)};
}

class Choice {
 public:
  Choice(const std::vector<Candidate>& candidates, const std::vector<PairResult>& pairs,
         const Rules& rules, Recommendation& result)
      : candidates_(candidates), pairs_(pairs), rules_(rules), result_(result) {}

  void run() {
    for (size_t i = 0; i < candidates_.size(); ++i) {
      if (const auto reason = missed_limit(candidates_[i], rules_))
        result_.reasons.push_back(*reason);
      else
        kept_.push_back(i);
    }
    if (kept_.empty()) {
      result_.sentence = {"No model keeps the limits.", "没有模型满足限制条件。"};
      return;
    }
    make_parts();
    find_front();
    find_leader();
    if (kept_.size() == 1)
      name_only_one();
    else
      judge();
    add_facts();
  }

 private:
  const std::string& label(size_t i) const { return candidates_[i].label; }

  // Latency and cost count only if they are known of everybody.
  void make_parts() {
    weights_ = values(rules_.weights);
    const auto by_figure = [&](size_t part, auto figure) {
      std::optional<double> best;
      for (const size_t i : kept_) {
        const std::optional<double> value = figure(candidates_[i]);
        if (!value || !(*value > 0)) {
          weights_[part] = 0;
          return;
        }
        best = std::min(best.value_or(*value), *value);
      }
      for (const size_t i : kept_) parts_[i][part] = *best / *figure(candidates_[i]);
    };
    parts_.assign(candidates_.size(), Parts{});
    for (const size_t i : kept_) parts_[i][0] = candidates_[i].accuracy;
    by_figure(1, [](const Candidate& c) { return c.e2e_p50; });
    by_figure(2, [](const Candidate& c) { return c.cost_per_1000; });
    by_figure(3, [](const Candidate& c) { return std::optional(c.peak_memory_bytes); });
    result_.weights = {weights_[0], weights_[1], weights_[2], weights_[3]};
  }

  bool dominates(size_t a, size_t b) const {
    bool better = false;
    for (size_t part = 0; part < parts_[a].size(); ++part) {
      if (parts_[a][part] < parts_[b][part]) return false;
      better = better || parts_[a][part] > parts_[b][part];
    }
    return better;
  }

  void find_front() {
    for (const size_t i : kept_) {
      const auto over = std::find_if(kept_.begin(), kept_.end(),
                                     [&](size_t other) { return dominates(other, i); });
      if (over == kept_.end()) {
        result_.front.push_back(i);
        continue;
      }
      result_.reasons.push_back(
          {fmt::format("{} is dominated: {} is at least as good in everything", label(i),
                       label(*over)),
           fmt::format("{} 被支配：{} 在各方面都不逊于它", label(i), label(*over))});
    }
  }

  double value(size_t i) const {
    double sum = 0;
    for (size_t part = 0; part < weights_.size(); ++part) sum += weights_[part] * parts_[i][part];
    return sum;
  }

  void find_leader() {
    result_.leader = *std::max_element(kept_.begin(), kept_.end(),
                                       [&](size_t a, size_t b) { return value(a) < value(b); });
  }

  void name_only_one() {
    result_.standing = Standing::only_one;
    result_.winner = kept_.front();
    result_.sentence = {label(kept_.front()) + ": the only one within the limits.",
                        label(kept_.front()) + "：唯一满足限制条件的模型。"};
  }

  // weight x difference where the weight within its range does least for the leader.
  double least(size_t part, double difference) const {
    const double share = difference >= 0 ? 1 - rules_.sensitivity : 1 + rules_.sensitivity;
    return weights_[part] * share * difference;
  }

  // What all parts but accuracy give the leader over the rival, at worst.
  double least_beside_accuracy(size_t rival) const {
    double sum = 0;
    for (size_t part = 1; part < weights_.size(); ++part)
      sum += least(part, parts_[*result_.leader][part] - parts_[rival][part]);
    return sum;
  }

  // The leader's accuracy less the rival's on the questions that both answered.
  struct Difference {
    double mean = 0;
    double half = 1;  // of the 95 % interval; 1: nothing is known
    int64_t items = 0;
  };

  Difference difference(size_t rival) const {
    for (const PairResult& pair : pairs_) {
      const bool forward = pair.first == *result_.leader && pair.second == rival;
      if (!forward && (pair.second != *result_.leader || pair.first != rival)) continue;
      Difference found{.mean = (forward ? 1 : -1) * pair.difference.mean, .items = pair.both};
      const auto interval = pair.difference.interval();
      if (!interval) return found;
      found.half = (interval->high - interval->low) / 2;
      // No difference seen is not the same as none: as Wilson's bound for nothing in so many.
      if (pair.only_first + pair.only_second == 0)
        found.half =
            std::max(found.half, stats::wilson_share(0, static_cast<double>(pair.clusters)).high);
      return found;
    }
    return {};
  }

  void judge() {
    std::vector<size_t> by_weights;  // rivals that lead somewhere in the range of weights
    std::vector<size_t> by_data;     // rivals that lead somewhere in the interval, too
    int64_t more = 0;
    bool countable = true;
    for (const size_t rival : kept_) {
      if (rival == *result_.leader) continue;
      const Difference d = difference(rival);
      const double beside = least_beside_accuracy(rival);
      if (least(0, d.mean) + beside <= 0) {
        by_weights.push_back(rival);
        continue;
      }
      if (least(0, d.mean - d.half) + beside > 0) continue;
      by_data.push_back(rival);
      // The difference at which the rival draws level, and the items that tell it from d.
      const double share = beside >= 0 ? 1 + rules_.sensitivity : 1 - rules_.sensitivity;
      const double level = -beside / (weights_[0] * share);
      const double ratio = d.half / (d.mean - level);
      const double wanted = static_cast<double>(d.items) * ratio * ratio;
      countable = countable && d.half < 1 && wanted < kMostItems;
      if (countable) more = std::max(more, static_cast<int64_t>(std::ceil(wanted)) - d.items);
    }
    if (!by_weights.empty())
      say_weights(by_weights);
    else if (!by_data.empty())
      say_data(by_data, countable ? std::optional(std::max<int64_t>(more, 1)) : std::nullopt);
    else
      say_winner();
  }

  std::string labels_of(const std::vector<size_t>& chosen, const char* separator) const {
    std::string text;
    for (const size_t i : chosen) text += (text.empty() ? "" : separator) + label(i);
    return text;
  }

  void say_winner() {
    result_.standing = Standing::stable;
    result_.winner = result_.leader;
    const std::string& name = label(*result_.leader);
    result_.sentence = {
        fmt::format("{}: leads at every weight within ±{:.0f} % and at every difference that the "
                    "data allow.",
                    name, 100 * rules_.sensitivity),
        fmt::format("{}：在权重 ±{:.0f} % 的范围内、在数据允许的所有差异下均领先。", name,
                    100 * rules_.sensitivity)};
  }

  void say_weights(const std::vector<size_t>& rivals) {
    result_.standing = Standing::weights;
    const std::string& name = label(*result_.leader);
    result_.sentence = {
        fmt::format("No recommendation: it depends on the weights. {} leads at those given, {} "
                    "elsewhere within ±{:.0f} %; say more precisely what counts.",
                    name, labels_of(rivals, ", "), 100 * rules_.sensitivity),
        fmt::format("暂不推荐：结果取决于权重。按给定权重 {} 领先，但在 ±{:.0f} % 范围内 {} "
                    "也可能领先；请更明确各项的重要性。",
                    name, 100 * rules_.sensitivity, labels_of(rivals, "、"))};
  }

  void say_data(const std::vector<size_t>& rivals, std::optional<int64_t> more) {
    result_.standing = Standing::data;
    result_.more_items = more;
    const std::string& name = label(*result_.leader);
    result_.sentence = {
        fmt::format("No recommendation yet: with the weights given {} leads, but within chance {} "
                    "may be as good a choice",
                    name, labels_of(rivals, ", ")),
        fmt::format("暂不推荐：按给定权重 {} 领先，但在随机误差之内 {} 可能同样合适", name,
                    labels_of(rivals, "、"))};
    if (!more) {
      result_.sentence.en += "; the questions are too few to say how many more would decide.";
      result_.sentence.zh += "；题目太少，尚无法估计还需要多少题。";
      return;
    }
    result_.sentence.en += fmt::format("; about {} more questions would decide", *more);
    result_.sentence.zh += fmt::format("；大约还需要 {} 道题", *more);
    double seconds = 0;
    bool known = rules_.price_per_hour > 0;
    for (const size_t i : kept_) {
      known = known && candidates_[i].seconds_per_question.has_value();
      seconds += candidates_[i].seconds_per_question.value_or(0);
    }
    if (known) {
      result_.more_cost =
          static_cast<double>(*more) * seconds * rules_.price_per_hour / kSecondsPerHour;
      result_.sentence.en += fmt::format(", {:.2g} {}", *result_.more_cost, rules_.currency);
      result_.sentence.zh += fmt::format("，{:.2g} {}", *result_.more_cost, rules_.currency);
    }
    result_.sentence.en += ".";
    result_.sentence.zh += "。";
  }

  void add_facts() {
    for (const size_t i : kept_) {
      const Candidate& candidate = candidates_[i];
      const double seconds = candidate.e2e_p50.value_or(0);
      const double mib = candidate.peak_memory_bytes / kMiB;
      Titles fact = {
          fmt::format("{}: {:.1f} % fully right, {:.2f} s a question (median), {:.0f} MiB",
                      candidate.label, 100 * candidate.accuracy, seconds, mib),
          fmt::format("{}：完全正确 {:.1f} %，每题 {:.2f} 秒（中位数），{:.0f} MiB",
                      candidate.label, 100 * candidate.accuracy, seconds, mib)};
      if (candidate.cost_per_1000) {
        fact.en += fmt::format(", {:.3g} {} per 1000 questions", *candidate.cost_per_1000,
                               rules_.currency);
        fact.zh += fmt::format("，每千题 {:.3g} {}", *candidate.cost_per_1000, rules_.currency);
      }
      result_.reasons.push_back(fact);
      if (!candidate.designed_for)
        result_.reasons.push_back(
            {fmt::format("{} was not trained on several pictures at once", candidate.label),
             fmt::format("{} 未针对多张图片训练", candidate.label)});
    }
    std::vector<std::string> labels;
    for (const Candidate& candidate : candidates_) labels.push_back(candidate.label);
    for (const PairResult& pair : pairs_) {
      const Titles words = in_words(pair, labels);
      const std::string who = labels[pair.first] + " / " + labels[pair.second];
      result_.reasons.push_back({who + ": " + words.en, who + "：" + words.zh});
    }
    if (kept_.size() > 1)
      result_.reasons.push_back(
          {fmt::format("weights: accuracy {:.2g}, latency {:.2g}, cost {:.2g}, memory {:.2g}",
                       weights_[0], weights_[1], weights_[2], weights_[3]),
           fmt::format("权重：准确率 {:.2g}，延迟 {:.2g}，费用 {:.2g}，内存 {:.2g}", weights_[0],
                       weights_[1], weights_[2], weights_[3])});
  }

  const std::vector<Candidate>& candidates_;
  const std::vector<PairResult>& pairs_;
  const Rules& rules_;
  Recommendation& result_;
  std::vector<size_t> kept_;
  std::vector<Parts> parts_;
  Parts weights_ = {};
};

}  // namespace

const char* name_of(Standing standing) {
  switch (standing) {
    case Standing::none:
      return "none";
    case Standing::only_one:
      return "only_one";
    case Standing::stable:
      return "stable";
    case Standing::data:
      return "data";
    case Standing::weights:
      return "weights";
  }
  return "none";
}

Recommendation recommend(const Titles& title, const std::vector<Candidate>& candidates,
                         const std::vector<PairResult>& pairs, const Rules& rules) {
  Recommendation result;
  result.title = title;
  Choice(candidates, pairs, rules, result).run();
  return result;
}

}  // namespace visavis::verdict
