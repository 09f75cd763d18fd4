#include "harness/suites/circular.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "harness/suites/options.h"

namespace visavis::suites {
namespace {

std::string copy_id(const std::string& id, size_t rotation) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  const bool whole =
      error == std::errc() && end == id.data() + id.size() && number >= 0 && number < kRotation;
  if (whole) return std::to_string(number + static_cast<int64_t>(rotation) * kRotation);
  return id + "~" + std::to_string(rotation);
}

// The place of the right option, by letter or by its words.
size_t right_option(const Suite& suite, const Question& question) {
  const std::vector<std::string>& options = question.key.options;
  const std::string answer(question.key.answers.empty() ? ""
                                                        : base::trim(question.key.answers.front()));
  if (answer.size() == 1 && answer[0] >= 'A' &&
      static_cast<size_t>(answer[0] - 'A') < options.size())
    return static_cast<size_t>(answer[0] - 'A');
  const auto found = std::find(options.begin(), options.end(), answer);
  require(found != options.end(), place_of(suite, question), ": its answer '", answer,
          "' is none of its options");
  return static_cast<size_t>(found - options.begin());
}

Question rotated(const Suite& suite, const Question& question, size_t rotation) {
  Question copy = question;
  const size_t count = question.key.options.size();
  std::vector<std::string>& options = copy.key.options;
  std::rotate(options.begin(), options.begin() + static_cast<int64_t>(rotation), options.end());
  const size_t right = (right_option(suite, question) + count - rotation) % count;
  copy.key.answers = {std::string(1, static_cast<char>('A' + right))};
  copy.id = copy_id(question.id, rotation);
  copy.rotation_of = question.id;
  copy.question = with_options({.hint = question.hint,
                                .question = question.stem,
                                .options = options,
                                .lang = question.lang});
  return copy;
}

}  // namespace

void add_rotations(Suite& suite) {
  std::set<std::string> ids;
  for (const Question& question : suite.questions) ids.insert(question.id);
  std::vector<Question> questions;
  size_t rotated_questions = 0;
  for (Question& question : suite.questions) {
    const std::vector<std::string>& options = question.key.options;
    const bool dense = std::none_of(options.begin(), options.end(),
                                    [](const std::string& option) { return option.empty(); });
    if (question.grader != "choice" || !question.rotation_of.empty()) {
      questions.push_back(std::move(question));
      continue;
    }
    require(dense, place_of(suite, question),
            ": cannot rotate options with a gap between their letters");
    require(question.turns.empty(), place_of(suite, question),
            ": cannot rotate the options of a conversation");
    ++rotated_questions;
    const Question original = std::move(question);
    questions.push_back(original);
    questions.back().rotation_of = original.id;
    for (size_t rotation = 1; rotation < original.key.options.size(); ++rotation) {
      questions.push_back(rotated(suite, original, rotation));
      require(ids.insert(questions.back().id).second, place_of(suite, original),
              ": its rotated copy would be called '", questions.back().id, "', which is taken");
    }
  }
  require(rotated_questions > 0, suite.source.string(),
          ": circular evaluation is asked for, but no question has options to rotate");
  suite.questions = std::move(questions);
}

}  // namespace visavis::suites
