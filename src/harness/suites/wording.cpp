#include "harness/suites/wording.h"

#include <utility>

#include "base/text.h"
#include "harness/suites/options.h"

namespace visavis::suites {
namespace {

void wrap(std::string& text, const std::string& before, const std::string& after) {
  if (!before.empty()) text = before + "\n" + text;
  if (!after.empty()) text += "\n" + after;
}

// The first and the last text of the turn; pictures stay where they are.
void wrap(Turn& turn, const std::string& before, const std::string& after) {
  Piece* first = nullptr;
  Piece* last = nullptr;
  for (Piece& piece : turn.pieces) {
    if (piece.image >= 0) continue;
    if (first == nullptr) first = &piece;
    last = &piece;
  }
  if (first == nullptr) return;
  wrap(first->text, before, "");
  wrap(last->text, "", after);
}

}  // namespace

std::vector<Prompt> read_prompts(const Fields& fields) {
  std::vector<Prompt> prompts;
  const Node* list = fields.find("prompts");
  if (list == nullptr) return prompts;
  const std::vector<std::string> texts = fields.texts("prompts");
  for (size_t i = 0; i < texts.size(); ++i) {
    const int line = list->kind == Node::Kind::list ? list->items[i].line : list->line;
    const std::string_view text = base::trim(texts[i]);
    if (text.empty()) fail_at(fields.file(), line, "a prompt is empty");
    if (text.starts_with("file://") || text.starts_with("[") || text.starts_with("{\""))
      fail_at(fields.file(), line, "a prompt is a file or JSON, wanted its text");
    prompts.push_back({texts[i], line});
  }
  return prompts;
}

std::string filled(const Prompt& prompt, const std::string& file,
                   const std::function<std::string(const std::string& name)>& value_of) {
  std::string out;
  size_t at = 0;
  while (true) {
    const size_t begin = prompt.text.find("{{", at);
    out += prompt.text.substr(at, begin == std::string::npos ? begin : begin - at);
    if (begin == std::string::npos) return out;
    const size_t end = prompt.text.find("}}", begin);
    if (end == std::string::npos) fail_at(file, prompt.line, "a '{{' has no '}}'");
    out += value_of(std::string(base::trim(prompt.text.substr(begin + 2, end - begin - 2))));
    at = end + 2;
  }
}

void put_prompts(Suite& suite, const std::vector<Prompt>& prompts, const std::string& file) {
  if (prompts.empty()) return;
  std::vector<Question> questions;
  for (const Question& question : suite.questions) {
    if (!question.turns.empty())
      fail_at(file, prompts.front().line,
              "'prompts' cannot be put around " + place_of(suite, question) +
                  ", which is a whole conversation");
    // Readers that give no options leave the stem to the question itself.
    const std::string& stem = question.stem.empty() ? question.question : question.stem;
    for (size_t i = 0; i < prompts.size(); ++i) {
      Question asked = question;
      if (prompts.size() > 1) asked.id += "-p" + std::to_string(i + 1);
      asked.stem = filled(prompts[i], file, [&](const std::string& name) {
        if (name != "question")
          fail_at(file, prompts[i].line,
                  "the prompt wants the variable '" + name +
                      "'; questions that stand in a file have only 'question'");
        return stem;
      });
      asked.question = with_options({.hint = asked.hint,
                                     .question = asked.stem,
                                     .options = asked.key.options,
                                     .lang = asked.lang});
      questions.push_back(std::move(asked));
    }
  }
  suite.questions = std::move(questions);
}

void wrap_questions(Suite& suite, const Titles& before, const Titles& after) {
  for (Question& question : suite.questions) {
    const bool chinese = question.lang == "zh";
    const std::string& first = chinese ? before.zh : before.en;
    const std::string& last = chinese ? after.zh : after.en;
    wrap(question.question, first, last);
    if (!question.turns.empty()) wrap(question.turns.back(), first, last);
  }
}

}  // namespace visavis::suites
