// How a suite's questions are put beyond what its file says: prompts around them, and texts before
// and after.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/suites/document.h"
#include "harness/suites/suite.h"

namespace visavis::suites {

struct Prompt {
  std::string text;  // with {{variables}}
  int line = 0;
};

/// The prompts of a key `prompts`: a text or a list of them. Throws Error with file and line for an
/// empty one, a file or JSON.
std::vector<Prompt> read_prompts(const Fields& fields);

/// The prompt with its {{variables}} replaced by what `value_of` gives for their names; what is
/// filled in is not looked at again. Throws Error for a '{{' without '}}'.
std::string filled(const Prompt& prompt, const std::string& file,
                   const std::function<std::string(const std::string& name)>& value_of);

/// Asks every question with every prompt; {{question}} is the question without its options, which
/// follow as before. With several prompts ids end in -p1, -p2. Throws Error for another variable
/// and for a conversation that is given whole.
void put_prompts(Suite& suite, const std::vector<Prompt>& prompts, const std::string& file);

/// Puts the text of the question's language before and after what is asked; an empty one changes
/// nothing. In a conversation that is its last turn.
void wrap_questions(Suite& suite, const Titles& before, const Titles& after);

}  // namespace visavis::suites
