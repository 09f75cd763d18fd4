#include "harness/suites/suite.h"

namespace visavis::suites {

std::string place_of(const Suite& suite, const Question& question) {
  const std::string line = question.line > 0 ? ":" + std::to_string(question.line) : "";
  return suite.source.string() + line + ": question '" + question.id + "'";
}

}  // namespace visavis::suites
