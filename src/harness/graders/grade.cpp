#include "harness/graders/grade.h"

#include <array>
#include <utility>

#include "base/error.h"

namespace visavis::graders {
namespace {

constexpr std::array<std::pair<Verdict, const char*>, 7> kNames = {{
    {Verdict::full, "full"},
    {Verdict::partial, "partial"},
    {Verdict::wrong, "wrong"},
    {Verdict::unparsed, "unparsed"},
    {Verdict::refused, "refused"},
    {Verdict::failed, "failed"},
    {Verdict::shown, "shown"},
}};

}  // namespace

const char* name_of(Verdict verdict) {
  for (const auto& [value, name] : kNames)
    if (value == verdict) return name;
  return "wrong";
}

Verdict verdict_of_score(double score, const Cutoffs& cutoffs) {
  if (score >= cutoffs.graded_full) return Verdict::full;
  return score > 0 ? Verdict::partial : Verdict::wrong;
}

Verdict verdict_from(std::string_view name) {
  for (const auto& [value, known] : kNames)
    if (name == known) return value;
  fail("unknown verdict '", name, "'");
}

}  // namespace visavis::graders
