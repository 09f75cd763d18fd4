#include "harness/report/opinion_sections.h"

#include <fmt/format.h>

#include "harness/cost/cost.h"
#include "harness/report/words.h"
#include "harness/verdict/opinions.h"

namespace visavis::report {
namespace {

using base::Json;

std::string with_interval(double value, const stats::Interval& interval) {
  return fmt::format("{:.2f} [{:.2f} - {:.2f}]", value, interval.low, interval.high);
}

std::string percent_with_interval(double value, const stats::Interval& interval) {
  return fmt::format("{:.1f} % [{:.1f} - {:.1f}]", 100 * value, 100 * interval.low,
                     100 * interval.high);
}

double share(int64_t part, int64_t whole) {
  return 100 * static_cast<double>(part) / static_cast<double>(whole);
}

// "A 0.81 [0.2 - 1.4], B -0.81 [-1.4 - -0.2]"
std::string strengths_line(const std::vector<stats::Strength>& strengths,
                           const std::vector<std::string>& labels) {
  std::string line;
  for (size_t i = 0; i < strengths.size(); ++i)
    line += (i == 0 ? "" : ", ") + labels[i] + " " +
            with_interval(strengths[i].value, strengths[i].interval);
  return line;
}

std::string judge_cost(const Results& results, const verdict::JudgeSummary& judge,
                       const std::string& lang) {
  const store::Limits& limits = results.run.run.limits;
  std::string line = fmt::format(
      fmt::runtime(word("judge_cost", lang)), fmt::arg("judge", judge.judge),
      fmt::arg("replies", judge.replies), fmt::arg("prompt", judge.prompt_tokens),
      fmt::arg("completion", judge.completion_tokens), fmt::arg("seconds", judge.seconds));
  if (judge.replies > 0 && judge.token_cost_known)
    line += fmt::format("; {:.4g} {}", judge.token_cost, limits.currency);
  else if (limits.price_per_hour > 0)
    line += fmt::format("; {:.4g} {}", cost::run_cost(limits.price_per_hour, judge.seconds),
                        limits.currency);
  return line;
}

Json strengths_json(const std::optional<std::vector<stats::Strength>>& strengths,
                    const std::vector<std::string>& labels) {
  if (!strengths) return nullptr;
  Json list = Json::array();
  for (size_t i = 0; i < strengths->size(); ++i)
    list.push_back({{"model", labels[i]},
                    {"strength", (*strengths)[i].value},
                    {"low", (*strengths)[i].interval.low},
                    {"high", (*strengths)[i].interval.high}});
  return list;
}

Json judge_json(const verdict::JudgeSummary& judge, const std::vector<std::string>& labels) {
  Json rubrics = Json::array();
  for (const verdict::Rubric& rubric : judge.rubrics)
    rubrics.push_back({{"model", labels[rubric.model]},
                       {"full", rubric.full},
                       {"partial", rubric.partial},
                       {"wrong", rubric.wrong},
                       {"unparsed", rubric.unparsed},
                       {"failed", rubric.failed}});
  Json pairs = Json::array();
  for (const verdict::JudgedPair& pair : judge.pairs)
    pairs.push_back({{"a", labels[pair.first]},
                     {"b", labels[pair.second]},
                     {"a_wins", pair.first_wins},
                     {"b_wins", pair.second_wins},
                     {"ties", pair.ties},
                     {"inconsistent", pair.inconsistent},
                     {"unreadable", pair.unreadable}});
  return {{"judge", judge.judge},
          {"rubric", std::move(rubrics)},
          {"pairs", std::move(pairs)},
          {"strengths", strengths_json(judge.strengths, labels)},
          {"replies", judge.replies},
          {"unparsed", judge.unparsed},
          {"failed", judge.failed},
          {"prompt_tokens", judge.prompt_tokens},
          {"completion_tokens", judge.completion_tokens},
          {"seconds", judge.seconds},
          {"token_cost",
           judge.replies > 0 && judge.token_cost_known ? Json(judge.token_cost) : Json(nullptr)},
          {"same_family_as_one_contestant", judge.partiality.has_value()}};
}

}  // namespace

Block judge_section(const Results& results, const std::string& lang) {
  Block block{.heading = {}, .paragraphs = {}, .head = {}, .rows = {}, .after = {}};
  const std::vector<std::string> labels = results.labels();
  for (const verdict::JudgeSummary& judge : verdict::summarise_judges(results.run)) {
    block.heading = word("judge", lang);
    block.head = {"",
                  word("judged", lang),
                  word("full", lang),
                  word("partial", lang),
                  word("wrong", lang),
                  word("unread", lang)};
    if (judge.partiality)
      block.paragraphs.push_back(lang == "zh" ? judge.partiality->zh : judge.partiality->en);
    for (const verdict::Rubric& rubric : judge.rubrics)
      block.rows.push_back({judge.judge, labels[rubric.model], std::to_string(rubric.full),
                            std::to_string(rubric.partial), std::to_string(rubric.wrong),
                            std::to_string(rubric.unparsed + rubric.failed)});
    for (const verdict::JudgedPair& pair : judge.pairs)
      block.after.push_back(fmt::format(
          fmt::runtime(word("judge_pair", lang)), fmt::arg("a", labels[pair.first]),
          fmt::arg("b", labels[pair.second]), fmt::arg("wins", pair.first_wins),
          fmt::arg("losses", pair.second_wins), fmt::arg("ties", pair.ties),
          fmt::arg("inconsistent", pair.inconsistent), fmt::arg("unread", pair.unreadable)));
    if (judge.strengths && labels.size() > 2)
      block.after.push_back(word("strengths", lang) + ": " +
                            strengths_line(*judge.strengths, labels));
    block.after.push_back(judge_cost(results, judge, lang));
  }
  return block;
}

Block people_section(const Results& results, const std::string& lang) {
  Block block{.heading = {}, .paragraphs = {}, .head = {}, .rows = {}, .after = {}};
  const std::vector<std::string> labels = results.labels();
  for (const verdict::GraderAgreement& one : results.agreements) {
    block.heading = word("people", lang);
    block.head = {"", word("against", lang), word("answers_both", lang), word("agreement", lang),
                  word("kappa", lang)};
    const stats::Agreement& found = one.agreement;
    const std::string kappa = !found.kappa ? "-"
                              : found.kappa_interval
                                  ? with_interval(*found.kappa, *found.kappa_interval)
                                  : fmt::format("{:.2f}", *found.kappa);
    block.rows.push_back({one.who, one.grader == "automatic" ? word("automatic", lang) : one.grader,
                          std::to_string(found.items),
                          percent_with_interval(found.raw, found.raw_interval), kappa});
  }
  if (!block.rows.empty()) block.after.push_back(word("people_note", lang));
  for (const verdict::Overruling& one : results.overrulings) {
    block.heading = word("people", lang);
    const std::string automatic =
        one.graded == 0 ? "-" : fmt::format("{:.1f} %", share(one.full, one.graded));
    block.after.push_back(
        fmt::format(fmt::runtime(word("overruled", lang)), fmt::arg("model", labels[one.model]),
                    fmt::arg("judged", one.judged), fmt::arg("changed", one.changed),
                    fmt::arg("automatic", automatic)));
  }
  const verdict::Votes votes = verdict::count_votes(results.run);
  if (votes.votes > 0) {
    block.heading = word("people", lang);
    block.after.push_back(fmt::format(
        fmt::runtime(word("votes", lang)), fmt::arg("votes", votes.votes),
        fmt::arg("people", votes.people),
        fmt::arg("strengths", votes.strengths ? strengths_line(*votes.strengths, labels) : "-")));
  }
  return block;
}

Json opinions_json(const Results& results) {
  const std::vector<std::string> labels = results.labels();
  Json judges = Json::array();
  for (const verdict::JudgeSummary& judge : verdict::summarise_judges(results.run))
    judges.push_back(judge_json(judge, labels));
  Json agreement = Json::array();
  for (const verdict::GraderAgreement& one : results.agreements) {
    const stats::Agreement& found = one.agreement;
    const auto& interval = found.kappa_interval;
    agreement.push_back({{"who", one.who},
                         {"grader", one.grader},
                         {"answers", found.items},
                         {"raw", found.raw},
                         {"raw_low", found.raw_interval.low},
                         {"raw_high", found.raw_interval.high},
                         {"kappa", found.kappa ? Json(*found.kappa) : Json(nullptr)},
                         {"kappa_low", interval ? Json(interval->low) : Json(nullptr)},
                         {"kappa_high", interval ? Json(interval->high) : Json(nullptr)}});
  }
  Json overruled = Json::array();
  for (const verdict::Overruling& one : results.overrulings)
    overruled.push_back({{"model", labels[one.model]},
                         {"judged", one.judged},
                         {"changed", one.changed},
                         {"automatic_graded", one.graded},
                         {"automatic_full", one.full}});
  const verdict::Votes votes = verdict::count_votes(results.run);
  return {{"judges", std::move(judges)},
          {"agreement", std::move(agreement)},
          {"overruled", std::move(overruled)},
          {"votes",
           {{"votes", votes.votes},
            {"people", votes.people},
            {"strengths", strengths_json(votes.strengths, labels)}}}};
}

}  // namespace visavis::report
