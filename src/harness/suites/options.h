// How a multiple-choice question is put to a model.
#pragma once

#include <string>
#include <vector>

namespace visavis::suites {

struct ChoiceQuestion {
  std::string hint;
  std::string question;
  std::vector<std::string> options;  // A, B, ...; empty: there is none
  std::string lang;
};

/// The question with its hint before it and its options and what to answer with below it, in the
/// wording of VLMEvalKit; the question alone without hint and options.
std::string with_options(const ChoiceQuestion& question);

}  // namespace visavis::suites
