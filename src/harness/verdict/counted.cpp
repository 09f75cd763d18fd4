#include "harness/verdict/counted.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "base/text.h"
#include "harness/verdict/opinions.h"

namespace visavis::verdict {
namespace {

using graders::Verdict;

constexpr const char* kPeople = "people";  // stands for the grader of what people judged

struct Said {
  int people = 0;
  int64_t last = -1;  // id of the latest row
};

// What is said of one answer.
struct Opinion {
  std::map<Verdict, Said> verdicts;
  std::vector<std::string> who;

  Verdict verdict() const {
    auto best = verdicts.begin();
    for (auto each = verdicts.begin(); each != verdicts.end(); ++each)
      if (std::pair(each->second.people, each->second.last) >
          std::pair(best->second.people, best->second.last))
        best = each;
    return best->first;
  }
};

double score_of(Verdict verdict) {
  if (verdict == Verdict::full) return 1;
  return verdict == Verdict::partial ? 0.5 : 0;
}

}  // namespace

std::vector<store::GradeRow> counted_grades(const store::RunData& run) {
  std::map<std::pair<int64_t, int64_t>, Opinion> opinions;
  for (const store::HumanVerdictRow& row : latest_verdicts(run)) {
    Opinion& opinion = opinions[{row.item, row.model}];
    Said& said = opinion.verdicts[row.verdict];
    ++said.people;
    said.last = std::max(said.last, row.id);
    opinion.who.push_back(row.who);
  }
  std::vector<store::GradeRow> grades = run.grades;
  if (opinions.empty()) return grades;
  for (store::GradeRow& row : grades) {
    const auto found = opinions.find({row.item, row.model});
    if (found == opinions.end() || row.grade.verdict == Verdict::failed) continue;
    row.grade.rule = "people (" + base::join(found->second.who, ", ") +
                     "); automatic: " + graders::name_of(row.grade.verdict) + ", " + row.grade.rule;
    row.grade.verdict = found->second.verdict();
    row.grade.score = score_of(row.grade.verdict);
    row.grader = kPeople;
  }
  return grades;
}

std::vector<Overruling> overrulings(const store::RunData& run,
                                    const std::vector<store::GradeRow>& counted) {
  std::vector<Overruling> rows(run.models.size());
  for (size_t m = 0; m < rows.size(); ++m) rows[m].model = m;
  for (size_t i = 0; i < run.grades.size(); ++i) {
    Overruling& row = rows.at(static_cast<size_t>(run.grades[i].model));
    const store::ItemRow& item = run.items.at(static_cast<size_t>(run.grades[i].item));
    if (!run.scenario_of(item).graded) continue;
    const Verdict automatic = run.grades[i].grade.verdict;
    if (automatic != Verdict::shown) {
      ++row.graded;
      row.full += automatic == Verdict::full ? 1 : 0;
    }
    if (counted[i].grader != kPeople) continue;
    ++row.judged;
    row.changed += counted[i].grade.verdict != automatic ? 1 : 0;
  }
  std::erase_if(rows, [](const Overruling& row) { return row.judged == 0; });
  return rows;
}

}  // namespace visavis::verdict
