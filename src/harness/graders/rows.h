// What the rows of the table in graders.cpp point at; one pair of functions per grader's file.
#pragma once

#include <string>
#include <string_view>

#include "harness/graders/grade.h"
#include "harness/suites/suite.h"

namespace visavis::graders {

std::string exact_missing(const suites::Key& key);
Grade exact_grade(const suites::Question& question, std::string_view answer,
                  const Cutoffs& cutoffs);
std::string contains_missing(const suites::Key& key);
Grade contains_grade(const suites::Question& question, std::string_view answer,
                     const Cutoffs& cutoffs);
std::string anls_missing(const suites::Key& key);
Grade anls_grade(const suites::Question& question, std::string_view answer, const Cutoffs& cutoffs);
std::string vqa_missing(const suites::Key& key);
Grade vqa_grade(const suites::Question& question, std::string_view answer, const Cutoffs& cutoffs);
std::string number_missing(const suites::Key& key);
Grade number_grade(const suites::Question& question, std::string_view answer,
                   const Cutoffs& cutoffs);
std::string choice_missing(const suites::Key& key);
Grade choice_grade(const suites::Question& question, std::string_view answer,
                   const Cutoffs& cutoffs);
std::string facts_missing(const suites::Key& key);
Grade facts_grade(const suites::Question& question, std::string_view answer,
                  const Cutoffs& cutoffs);
std::string changes_missing(const suites::Key& key);
Grade changes_grade(const suites::Question& question, std::string_view answer,
                    const Cutoffs& cutoffs);

}  // namespace visavis::graders
