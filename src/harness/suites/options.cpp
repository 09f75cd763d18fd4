#include "harness/suites/options.h"

namespace visavis::suites {

std::string with_options(const ChoiceQuestion& question) {
  const bool chinese = question.lang == "zh";
  std::string text;
  if (!question.hint.empty()) text += (chinese ? "提示：" : "Hint: ") + question.hint + "\n";
  if (question.options.empty()) return text + question.question;
  text += (chinese ? "问题：" : "Question: ") + question.question + "\n";
  text += chinese ? "选项：\n" : "Options:\n";
  for (size_t i = 0; i < question.options.size(); ++i)
    if (!question.options[i].empty())
      text += std::string(1, static_cast<char>('A' + i)) + ". " + question.options[i] + "\n";
  return text + (chinese ? "请直接回答选项字母。"
                         : "Please select the correct answer from the options above.");
}

}  // namespace visavis::suites
