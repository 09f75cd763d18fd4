#include "harness/verdict/opinions.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "harness/verdict/family.h"

namespace visavis::verdict {
namespace {

using graders::Verdict;

constexpr double kWon = 1;
constexpr double kTied = 0.5;
constexpr double kLost = 0;

void count_rubric(const store::JudgementRow& row, std::vector<Rubric>& rubrics) {
  const auto model = static_cast<size_t>(row.first);
  auto found = std::find_if(rubrics.begin(), rubrics.end(),
                            [&](const Rubric& rubric) { return rubric.model == model; });
  if (found == rubrics.end()) {
    rubrics.push_back({.model = model});
    found = rubrics.end() - 1;
  }
  if (row.outcome == "full") ++found->full;
  if (row.outcome == "partial") ++found->partial;
  if (row.outcome == "wrong") ++found->wrong;
  if (row.outcome == "unparsed") ++found->unparsed;
  if (row.outcome == "failed") ++found->failed;
}

// What a reply says about the model with the smaller number; nothing if it could not be read.
std::optional<double> score_of_smaller(const store::JudgementRow& row) {
  if (row.outcome == "tie") return kTied;
  if (row.outcome != "first" && row.outcome != "second") return std::nullopt;
  const bool first_won = row.outcome == "first";
  return first_won == (row.first < row.second) ? kWon : kLost;
}

struct Sides {
  std::vector<std::optional<double>> scores;  // one per way round
};

// By models (smaller first) and question.
using Pairings = std::map<std::tuple<int64_t, int64_t, int64_t>, Sides>;

std::vector<JudgedPair> count_pairs(const Pairings& pairings, std::vector<stats::Vote>& votes) {
  std::vector<JudgedPair> pairs;
  for (const auto& [place, sides] : pairings) {
    const auto first = static_cast<size_t>(std::get<0>(place));
    const auto second = static_cast<size_t>(std::get<1>(place));
    if (pairs.empty() || pairs.back().first != first || pairs.back().second != second)
      pairs.push_back({.first = first, .second = second});
    JudgedPair& pair = pairs.back();
    const std::vector<std::optional<double>>& scores = sides.scores;
    if (scores.size() != 2 || !scores[0] || !scores[1]) {
      ++pair.unreadable;
      continue;
    }
    const bool consistent = *scores[0] == *scores[1];
    const double score = consistent ? *scores[0] : kTied;
    pair.first_wins += score == kWon ? 1 : 0;
    pair.second_wins += score == kLost ? 1 : 0;
    pair.ties += score == kTied ? 1 : 0;
    pair.inconsistent += consistent ? 0 : 1;
    votes.push_back({first, second, score, 0});
  }
  return pairs;
}

std::string family_of_model(const store::ModelRow& model) {
  if (!model.facts.family.empty()) return model.facts.family;
  for (const std::string* name : {&model.facts.architecture, &model.provider, &model.label})
    if (std::string family = family_of(*name); !family.empty()) return family;
  return "";
}

std::optional<suites::Titles> partiality(const store::RunData& run, const std::string& judge) {
  std::string family = family_of(judge);
  if (judge == run.run.judgement.judge.provider)
    for (const auto& [key, value] : run.run.judgement.judge.options)
      if (key == "family") family = value;
  if (family.empty() || run.models.size() < 2) return std::nullopt;
  std::vector<std::string> kin;
  for (const store::ModelRow& model : run.models)
    if (family_of_model(model) == family) kin.push_back(model.label);
  if (kin.size() != 1) return std::nullopt;
  return suites::Titles{
      fmt::format("Judge '{}' is of the family of one contestant alone ({}, {}); judges prefer "
                  "their own. Let another family's model judge, too.",
                  judge, kin[0], family),
      fmt::format("评审模型“{}”仅与一个参赛模型同族（{}，{}）；评审模型偏爱同族。请再用其他家族的"
                  "模型评审。",
                  judge, kin[0], family)};
}

// full, partial, wrong
int category(Verdict verdict) {
  switch (verdict) {
    case Verdict::full:
      return 0;
    case Verdict::partial:
      return 1;
    case Verdict::wrong:
    case Verdict::unparsed:
    case Verdict::refused:
    case Verdict::failed:
    case Verdict::shown:
      break;
  }
  return 2;
}

std::optional<int> category(const std::string& outcome) {
  if (outcome == "full") return 0;
  if (outcome == "partial") return 1;
  if (outcome == "wrong") return 2;
  return std::nullopt;
}

// Category by (item, model).
using Ratings = std::map<std::pair<int64_t, int64_t>, int>;

std::vector<stats::Rated> both(const store::RunData& run, const Ratings& first,
                               const Ratings& second) {
  std::map<std::string, int64_t> clusters;
  std::vector<stats::Rated> rated;
  for (const auto& [answer, verdict] : first) {
    const auto other = second.find(answer);
    if (other == second.end()) continue;
    const std::string name = store::cluster_name(run.items.at(static_cast<size_t>(answer.first)));
    rated.push_back({verdict, other->second,
                     clusters.emplace(name, static_cast<int64_t>(clusters.size())).first->second});
  }
  return rated;
}

// The other graders by name, in the order of the report.
std::vector<std::pair<std::string, Ratings>> other_graders(const store::RunData& run) {
  std::vector<std::pair<std::string, Ratings>> graders = {{"automatic", {}}};
  std::map<std::string, Ratings> by_name;
  for (const store::GradeRow& grade : run.grades) {
    if (grade.grade.verdict == Verdict::shown || grade.grade.verdict == Verdict::failed) continue;
    graders[0].second[{grade.item, grade.model}] = category(grade.grade.verdict);
    by_name[grade.grader][{grade.item, grade.model}] = category(grade.grade.verdict);
  }
  if (by_name.size() > 1) graders.insert(graders.end(), by_name.begin(), by_name.end());
  std::map<std::string, Ratings> judges;
  for (const store::JudgementRow& row : run.judgements)
    if (const std::optional<int> verdict = category(row.outcome); verdict && row.kind == "rubric")
      judges["judge " + row.judge][{row.item, row.first}] = *verdict;
  graders.insert(graders.end(), judges.begin(), judges.end());
  return graders;
}

}  // namespace

std::vector<JudgeSummary> summarise_judges(const store::RunData& run) {
  std::map<std::string, JudgeSummary> summaries;
  std::map<std::string, Pairings> pairings;
  for (const store::JudgementRow& row : run.judgements) {
    JudgeSummary& summary = summaries[row.judge];
    summary.judge = row.judge;
    summary.unparsed += row.outcome == "unparsed" ? 1 : 0;
    summary.failed += row.outcome == "failed" ? 1 : 0;
    if (!row.reused && row.outcome != "failed" && row.seconds > 0) {
      ++summary.replies;
      summary.prompt_tokens += row.prompt_tokens;
      summary.completion_tokens += row.completion_tokens;
      summary.seconds += row.seconds;
      summary.token_cost += std::max(0.0, row.cost);
      summary.token_cost_known = summary.token_cost_known && row.cost >= 0;
    }
    if (row.kind == "rubric")
      count_rubric(row, summary.rubrics);
    else
      pairings[row.judge]
              [{std::min(row.first, row.second), std::max(row.first, row.second), row.item}]
                  .scores.push_back(score_of_smaller(row));
  }
  std::vector<JudgeSummary> out;
  for (auto& [judge, summary] : summaries) {
    std::vector<stats::Vote> votes;
    summary.pairs = count_pairs(pairings[judge], votes);
    std::sort(summary.rubrics.begin(), summary.rubrics.end(),
              [](const Rubric& a, const Rubric& b) { return a.model < b.model; });
    summary.strengths = stats::bradley_terry(run.models.size(), votes, run.run.seed);
    summary.partiality = partiality(run, judge);
    out.push_back(std::move(summary));
  }
  return out;
}

std::vector<store::HumanVerdictRow> latest_verdicts(const store::RunData& run) {
  std::map<std::tuple<std::string, int64_t, int64_t>, store::HumanVerdictRow> latest;
  for (const store::HumanVerdictRow& row : run.human_verdicts)
    latest[{row.who, row.item, row.model}] = row;
  std::vector<store::HumanVerdictRow> rows;
  for (auto& [place, row] : latest) rows.push_back(std::move(row));
  return rows;
}

std::vector<GraderAgreement> agreements(const store::RunData& run) {
  std::map<std::string, Ratings> people;
  for (const store::HumanVerdictRow& row : latest_verdicts(run))
    people[row.who][{row.item, row.model}] = category(row.verdict);
  const std::vector<std::pair<std::string, Ratings>> graders = other_graders(run);
  std::vector<GraderAgreement> out;
  const auto add = [&](const std::string& who, const Ratings& own, const std::string& name,
                       const Ratings& other) {
    const std::vector<stats::Rated> rated = both(run, own, other);
    if (!rated.empty()) out.push_back({who, name, stats::agreement(rated, run.run.seed)});
  };
  for (const auto& [who, own] : people)
    for (const auto& [name, ratings] : graders) add(who, own, name, ratings);
  for (auto one = people.begin(); one != people.end(); ++one)
    for (auto other = std::next(one); other != people.end(); ++other)
      add(one->first, one->second, other->first, other->second);
  return out;
}

Votes count_votes(const store::RunData& run) {
  std::map<std::tuple<std::string, int64_t, int64_t, int64_t>, double> latest;
  std::map<std::string, int64_t> people;
  for (const store::HumanVoteRow& row : run.human_votes) {
    people.emplace(row.who, static_cast<int64_t>(people.size()));
    const bool ordered = row.first < row.second;
    latest[{row.who, row.item, std::min(row.first, row.second), std::max(row.first, row.second)}] =
        ordered ? row.score : 1 - row.score;
  }
  std::vector<stats::Vote> votes;
  for (const auto& [place, score] : latest) {
    const auto& [who, item, first, second] = place;
    votes.push_back(
        {static_cast<size_t>(first), static_cast<size_t>(second), score, people.at(who)});
  }
  return {static_cast<int64_t>(votes.size()), static_cast<int64_t>(people.size()),
          stats::bradley_terry(run.models.size(), votes, run.run.seed)};
}

}  // namespace visavis::verdict
