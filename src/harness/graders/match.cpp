#include "harness/graders/match.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "harness/graders/normalise.h"

namespace visavis::graders {
namespace {

constexpr std::u32string_view kClauseEnds = U",.;:!?。\n";
constexpr size_t kNegationReach = 4;       // CJK characters between a negation and its object
constexpr size_t kNegationReachWords = 3;  // words

constexpr std::array<std::u32string_view, 11> kChineseNegations = {
    U"没",     U"不是", U"不含", U"不包", U"不存在", U"看不到",
    U"看不见", U"并非", U"而非", U"未见", U"不再有"};
// Between a negation and a wording these say that the negation meant something else.
constexpr std::array<std::u32string_view, 4> kChineseTurns = {U"而是", U"但", U"只", U"却"};
constexpr std::array<std::u32string_view, 17> kEnglishNegations = {
    U"no",       U"not",    U"without", U"never",   U"nor",    U"neither",
    U"isn't",    U"aren't", U"wasn't",  U"weren't", U"cannot", U"can't",
    U"couldn't", U"don't",  U"doesn't", U"didn't",  U"won't"};
constexpr std::array<std::u32string_view, 3> kEnglishTurns = {U"but", U"only", U"just"};
constexpr std::array<std::u32string_view, 13> kUnchanged = {
    U"没有变",         U"没变",        U"没有改变",       U"未改变",
    U"不变",           U"未变",        U"unchanged",      U"no change",
    U"not change",     U"not changed", U"stays the same", U"remains the same",
    U"stayed the same"};

bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }

// A decimal point, a comma inside a number or an apostrophe or hyphen inside a word.
bool joins_neighbours(const std::u32string& text, size_t i) {
  if (i == 0 || i + 1 >= text.size()) return false;
  const char32_t c = text[i];
  if (c == U'.' || c == U',') return is_digit(text[i - 1]) && is_digit(text[i + 1]);
  return c == U'\'' && is_word_character(text[i - 1]) && is_word_character(text[i + 1]);
}

bool is_bounded(const std::u32string& text, size_t begin, size_t end) {
  const auto numeral = [](char32_t c) { return is_digit(c) || is_chinese_numeral(c); };
  if (begin > 0) {
    const char32_t before = text[begin - 1];
    if (is_word_character(text[begin]) && is_word_character(before)) return false;
    if (numeral(text[begin]) && numeral(before)) return false;
    if (numeral(text[begin]) && before == U'.') return false;
  }
  if (end < text.size()) {
    const char32_t last = text[end - 1];
    if (is_word_character(last) && is_word_character(text[end])) return false;
    if (numeral(last) && numeral(text[end])) return false;
    if (numeral(last) && text[end] == U'.') return false;
  }
  return true;
}

std::u32string_view clause_before(const std::u32string& text, size_t at) {
  const size_t end = at == 0 ? std::u32string::npos : text.rfind(U'\n', at - 1);
  const size_t begin = end == std::u32string::npos ? 0 : end + 1;
  return std::u32string_view(text).substr(begin, at - begin);
}

std::vector<std::u32string_view> words_of(std::u32string_view text) {
  std::vector<std::u32string_view> words;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && is_word_character(text[end])) ++end;
    if (end > i) words.push_back(text.substr(i, end - i));
    i = std::max(end, i + 1);
  }
  return words;
}

template <size_t N>
bool is_one_of(std::u32string_view word, const std::array<std::u32string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

template <size_t N>
bool holds_one_of(std::u32string_view text, const std::array<std::u32string_view, N>& parts) {
  return std::any_of(parts.begin(), parts.end(), [&](std::u32string_view part) {
    return text.find(part) != std::u32string_view::npos;
  });
}

bool negated_in_chinese(std::u32string_view before) {
  for (const std::u32string_view negation : kChineseNegations) {
    const size_t at = before.rfind(negation);
    if (at == std::u32string_view::npos) continue;
    std::u32string_view between = before.substr(at + negation.size());
    // "没" and "没有" are one word.
    if (!between.empty() && negation == U"没" && between.front() == U'有') between.remove_prefix(1);
    if (between.size() <= kNegationReach && !holds_one_of(between, kChineseTurns)) return true;
  }
  return false;
}

bool negated_in_english(std::u32string_view before) {
  const std::vector<std::u32string_view> words = words_of(before);
  for (size_t back = 0; back < std::min(words.size(), kNegationReachWords + 1); ++back) {
    const std::u32string_view word = words[words.size() - 1 - back];
    if (is_one_of(word, kEnglishTurns)) return false;
    if (is_one_of(word, kEnglishNegations)) return true;
  }
  return false;
}

bool lies_inside_longer(Span span, const std::vector<Span>& others) {
  return std::any_of(others.begin(), others.end(), [&](const Span& other) {
    return other.begin <= span.begin && span.end <= other.end &&
           other.end - other.begin > span.end - span.begin;
  });
}

}  // namespace

std::u32string flatten(std::string_view text) {
  const std::u32string folded = fold(text);
  std::u32string out;
  for (size_t i = 0; i < folded.size(); ++i) {
    char32_t c = folded[i];
    if (joins_neighbours(folded, i)) {
      if (c != U',') out += c;
      continue;
    }
    const bool clause_end = kClauseEnds.find(c) != std::u32string_view::npos;
    if (clause_end) {
      while (!out.empty() && out.back() == U' ') out.pop_back();
      if (!out.empty() && out.back() != U'\n') out += U'\n';
      continue;
    }
    if (!is_cjk(c) && !is_word_character(c)) c = U' ';
    if (c == U'\'') c = U' ';
    if (c == U' ') {
      if (!out.empty() && out.back() != U' ' && out.back() != U'\n') out += c;
      continue;
    }
    if (out.size() > 1 && out.back() == U' ' && is_cjk(c) && is_cjk(out[out.size() - 2]))
      out.pop_back();
    out += c;
  }
  while (!out.empty() && (out.back() == U' ' || out.back() == U'\n')) out.pop_back();
  return out;
}

std::vector<Span> find_all(const std::u32string& text, const std::u32string& wording) {
  std::vector<Span> spans;
  if (wording.empty()) return spans;
  for (size_t at = text.find(wording); at != std::u32string::npos;
       at = text.find(wording, at + 1)) {
    size_t end = at + wording.size();
    const bool word_end = is_word_character(text[end - 1]) && !is_digit(text[end - 1]);
    if (word_end && end < text.size() && is_word_character(text[end])) {
      if (text.compare(end, 2, U"es") == 0 &&
          (end + 2 == text.size() || !is_word_character(text[end + 2])))
        end += 2;
      else if (text[end] == U's')
        end += 1;
    }
    if (is_bounded(text, at, end)) spans.push_back({at, end});
  }
  return spans;
}

bool is_negated(const std::u32string& text, Span span) {
  const std::u32string_view before = clause_before(text, span.begin);
  return negated_in_chinese(before) || negated_in_english(before);
}

bool is_unchanged(const std::u32string& text, Span span) {
  const size_t length = clause_before(text, span.begin).size();
  const size_t begin = span.begin - length;
  const size_t end = std::min(text.find(U'\n', span.end), text.size());
  return holds_one_of(std::u32string_view(text).substr(begin, end - begin), kUnchanged);
}

std::vector<Span> find_wordings(const std::u32string& text,
                                const std::vector<std::string>& wordings) {
  std::vector<Span> spans;
  for (const std::string& wording : wordings)
    for (const Span& span : find_all(text, flatten(wording))) spans.push_back(span);
  return spans;
}

std::optional<Mention> find_mention(const std::u32string& text,
                                    const std::vector<std::string>& wordings,
                                    const std::vector<Span>& opposing, Negation negation) {
  for (const std::string& wording : wordings) {
    const std::u32string flat = flatten(wording);
    for (const Span& span : find_all(text, flat)) {
      if (lies_inside_longer(span, opposing)) continue;
      const bool denied =
          negation == Negation::rules_out ? is_negated(text, span) : is_unchanged(text, span);
      if (denied) continue;
      return Mention{base::to_utf8(flat), span};
    }
  }
  return std::nullopt;
}

std::vector<std::string> all_wordings(const std::vector<suites::Fact>& facts) {
  std::vector<std::string> out;
  for (const suites::Fact& fact : facts) out.insert(out.end(), fact.any.begin(), fact.any.end());
  return out;
}

bool holds_raw(std::string_view text, const std::vector<std::string>& wordings) {
  return std::any_of(wordings.begin(), wordings.end(), [&](const std::string& wording) {
    return text.find(wording) != std::string_view::npos;
  });
}

std::pair<int, int> byte_span(const std::u32string& text, Span span) {
  const std::u32string_view view(text);
  const size_t begin = base::to_utf8(view.substr(0, span.begin)).size();
  const size_t length = base::to_utf8(view.substr(span.begin, span.end - span.begin)).size();
  return {static_cast<int>(begin), static_cast<int>(begin + length)};
}

}  // namespace visavis::graders
