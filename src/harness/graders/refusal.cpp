#include "harness/graders/refusal.h"

#include <re2/re2.h>

#include "base/text.h"
#include "harness/graders/normalise.h"

namespace visavis::graders {
namespace {

// Declining takes an inability and what a question asks for: to help or to answer, or to look at
// the picture at all. Texts are folded, so that Traditional characters and ’ need no rows.
constexpr const char* kEnglish =
    "(?:cannot|can not|can't|could not|couldn't|won't|will not|unable to|not able to|"
    "not comfortable|must decline to|have to decline to|not allowed to)"
    "(?: (?:directly|really|currently|actually|provide|view|see|to))* ?"
    "(?:help|assist|answer|comply|respond|fulfil|continue with|determine the answer|process|"
    "identify (?:people|real people|the person|this person|who)|an? answer|"
    "(?:(?:see|view|access|open|analy[sz]e|interpret|look at|display) )?"
    "(?:the |this |that |any |your )?(?:provided |attached )?(?:images?|pictures?|photos?|files?))"
    "|i must decline|i have to decline|(?:against|violates) (?:my|our) (?:policy|guidelines)"
    "|as an? (?:ai|artificial intelligence)(?: [a-z]+)*,? i (?:do not|don't) have"
    "|without (?:the|an?) (?:image|picture|photo)(?: being)? provided";
constexpr const char* kChinese =
    "(?:无法|不能|没法|没有办法|没办法|拒绝|不便|不可以)"
    "(?:直接|为您|为你|给您|给你|对此|就此|准确|实际|帮您|帮你|继续)*"
    "(?:回答|作答|提供答案|提供帮助|提供协助|提供相关|提供此类|帮助|协助|查看|看到图|看到这张|"
    "识别图|"
    "识别人|辨认人|访问图|打开图|处理图|处理该|分析图|满足)"
    "|图(?:片|像)?(?:无法|不能)(?:识别|查看|打开|显示|加载)"
    "|作为(?:一个|一名)?(?:人工智能|ai)[^。\n]{0,20}(?:无法|不能|没有能力)";

const RE2& pattern() {
  static const RE2 compiled(std::string("(") + kEnglish + "|" + kChinese + ")");
  return compiled;
}

}  // namespace

std::optional<std::string> find_refusal(std::string_view answer) {
  const std::string folded = base::to_utf8(fold(answer));
  std::string found;
  if (!RE2::PartialMatch(folded, pattern(), &found)) return std::nullopt;
  return found;
}

}  // namespace visavis::graders
