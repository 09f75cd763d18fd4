// A first line as a JSON Schema, the rest as an answer: a schema that is taken grades any answer.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "harness/graders/graders.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visavis;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t line = text.find('\n');
  suites::Question question;
  question.grader = "schema";
  question.key.schema = std::string(text.substr(0, line));
  if (!graders::problem_of("schema", question.key).empty()) return 0;
  const std::string_view answer = line == text.npos ? text : text.substr(line + 1);
  const graders::Grade grade = graders::find_grader("schema").grade(question, answer, {});
  if (grade.verdict == graders::Verdict::full && grade.score != 1) std::abort();
  return 0;
}
