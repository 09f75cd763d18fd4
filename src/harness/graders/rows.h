// What the rows of the table in graders.cpp point at; one pair of functions per grader's file.
#pragma once

#include <string>
#include <string_view>

#include "harness/graders/grade.h"
#include "harness/suites/suite.h"

namespace visavis::graders {

/// The problem of most graders: there is no answer to compare with.
std::string without_answers(const suites::Key& key);

std::string exact_problem(const suites::Key& key);
Grade exact_grade(const suites::Question& question, std::string_view answer,
                  const Cutoffs& cutoffs);
std::string contains_problem(const suites::Key& key);
Grade contains_grade(const suites::Question& question, std::string_view answer,
                     const Cutoffs& cutoffs);
std::string anls_problem(const suites::Key& key);
Grade anls_grade(const suites::Question& question, std::string_view answer, const Cutoffs& cutoffs);
std::string vqa_problem(const suites::Key& key);
Grade vqa_grade(const suites::Question& question, std::string_view answer, const Cutoffs& cutoffs);
std::string number_problem(const suites::Key& key);
Grade number_grade(const suites::Question& question, std::string_view answer,
                   const Cutoffs& cutoffs);
std::string choice_problem(const suites::Key& key);
Grade choice_grade(const suites::Question& question, std::string_view answer,
                   const Cutoffs& cutoffs);
std::string facts_problem(const suites::Key& key);
Grade facts_grade(const suites::Question& question, std::string_view answer,
                  const Cutoffs& cutoffs);
std::string changes_problem(const suites::Key& key);
Grade changes_grade(const suites::Question& question, std::string_view answer,
                    const Cutoffs& cutoffs);

std::string regex_problem(const suites::Key& key);
Grade regex_grade(const suites::Question& question, std::string_view answer,
                  const Cutoffs& cutoffs);
std::string schema_problem(const suites::Key& key);
Grade schema_grade(const suites::Question& question, std::string_view answer,
                   const Cutoffs& cutoffs);
std::string overlap_problem(const suites::Key& key);
Grade overlap_grade(const suites::Question& question, std::string_view answer,
                    const Cutoffs& cutoffs);
Grade anls_vlmevalkit_grade(const suites::Question& question, std::string_view answer,
                            const Cutoffs& cutoffs);
std::string all_problem(const suites::Key& key);
Grade all_grade(const suites::Question& question, std::string_view answer, const Cutoffs& cutoffs);

}  // namespace visavis::graders
