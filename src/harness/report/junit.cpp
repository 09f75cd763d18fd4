#include "harness/report/junit.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace visavis::report {
namespace {

using graders::Verdict;

bool is_xml(char32_t c) {
  return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c != 0xFFFE && c != 0xFFFF);
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char32_t c : base::to_code_points(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "&#10;";
        break;
      case '\t':
        out += "&#9;";
        break;
      case '\r':
        out += "&#13;";
        break;
      default:
        base::append_utf8(out, is_xml(c) ? c : U'\xFFFD');
    }
  }
  return out;
}

struct Case {
  const store::AnswerRow* answer = nullptr;
  const store::GradeRow* grade = nullptr;
};

std::string body_of(const Case& entry) {
  if (entry.answer == nullptr) return "<skipped message=\"not asked\"/>";
  switch (entry.grade->grade.verdict) {
    case Verdict::full:
      return "";
    case Verdict::shown:
      return "<skipped message=\"not graded\"/>";
    case Verdict::failed:
      return fmt::format("<error message=\"{}\"/>", escaped(entry.answer->failure));
    default:
      break;
  }
  return fmt::format("<failure message=\"{}, score {:.3g}, rule {}\">{}</failure>",
                     graders::name_of(entry.grade->grade.verdict), entry.grade->grade.score,
                     escaped(entry.grade->grade.rule), escaped(entry.answer->text));
}

}  // namespace

std::string junit_xml(const store::RunData& run) {
  std::vector<std::vector<Case>> cases(run.models.size(), std::vector<Case>(run.items.size()));
  for (size_t i = 0; i < run.answers.size(); ++i) {
    const store::AnswerRow& answer = run.answers[i];
    cases[static_cast<size_t>(answer.model)][static_cast<size_t>(answer.item)] = {&answer,
                                                                                  &run.grades[i]};
  }
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"visavis\">\n";
  for (size_t m = 0; m < run.models.size(); ++m) {
    std::string lines;
    int64_t failures = 0, errors = 0, skipped = 0;
    double seconds = 0;
    for (size_t i = 0; i < run.items.size(); ++i) {
      const store::ItemRow& item = run.items[i];
      const Case& entry = cases[m][i];
      const std::string body = body_of(entry);
      failures += body.starts_with("<failure") ? 1 : 0;
      errors += body.starts_with("<error") ? 1 : 0;
      skipped += body.starts_with("<skipped") ? 1 : 0;
      const double time = entry.answer == nullptr ? 0 : std::max(0.0, entry.answer->timing.e2e);
      seconds += time;
      lines += fmt::format(
          "    <testcase classname=\"{}.{}\" name=\"{}\" time=\"{:.3f}\">{}</testcase>\n",
          escaped(run.suites[static_cast<size_t>(item.suite)].name),
          escaped(item.question.scenario), escaped(item.question.id), time, body);
    }
    out += fmt::format(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" "
        "time=\"{:.3f}\" timestamp=\"{}\">\n{}  </testsuite>\n",
        escaped(run.models[m].label), run.items.size(), failures, errors, skipped, seconds,
        escaped(run.run.created_at), lines);
  }
  return out + "</testsuites>\n";
}

}  // namespace visavis::report
