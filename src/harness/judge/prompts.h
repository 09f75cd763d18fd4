// What a judging model is asked, in the question's language, and how strictly its reply is read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "harness/suites/suite.h"

namespace visavis::judge {

/// Asks whether one answer is full, partial or wrong. The answer stands between tags that nothing
/// inside it can close.
std::string rubric_prompt(const suites::Question& question, std::string_view answer);

/// Asks which of two answers is better, or whether neither is.
std::string pair_prompt(const suites::Question& question, std::string_view first,
                        std::string_view second);

/// The word of a reply that is one JSON object and nothing else, save for thinking before it and a
/// code fence around it: {"verdict": "full" | "partial" | "wrong"}. Nothing for anything else.
std::optional<std::string> read_rubric(std::string_view reply);

/// The same of {"winner": "1" | "2" | "tie"}, as "first", "second" or "tie".
std::optional<std::string> read_pair(std::string_view reply);

}  // namespace visavis::judge
