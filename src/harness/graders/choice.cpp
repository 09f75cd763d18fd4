// Grader "choice": which option of a multiple-choice question the answer takes. The first rule that
// finds exactly one wins and is stored; an answer that takes none is unparsed, never guessed.
#include <unicode/uchar.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "harness/graders/match.h"
#include "harness/graders/normalise.h"
#include "harness/graders/rows.h"

namespace visavis::graders {
namespace {

struct Choice {
  char32_t letter = 0;
  const char* rule = "choice.none";
  Span span;            // in the readable answer, or in
  std::u32string flat;  // the flattened one if that is what the rule looks at
};

// Words in front of the letter that is meant; the last of them in an answer counts.
constexpr std::array<std::u32string_view, 10> kMarkers = {
    U"正确的是", U"answer", U"option", U"choice", U"choose",
    U"答案",     U"应选",   U"故选",   U"选项",   U"选"};
// What may stand between a marker and its letter.
constexpr std::array<std::u32string_view, 14> kLinks = {
    U"would be", U"should be", U"must be", U"has to be", U"is", U"letter", U"option",
    U"\\text{",  U"为",        U"是",      U"择",        U"应", U"该",     U"就"};
constexpr std::u32string_view kLinkMarks = U" \n:=\"'([{<>*`,-「『【《“‘";
// After a capital A or I at the beginning of a word these say that it was a letter, no article.
constexpr std::array<std::u32string_view, 14> kAfterLetter = {
    U"because", U"since", U"as", U"for", U"due", U"but",     U"so",
    U"given",   U"and",   U"or", U"not", U"is",  U"correct", U"matches"};
constexpr std::u32string_view kBoxed = U"\\boxed{";
// What denies a letter when it stands before it, and when it stands behind it, in the same clause.
constexpr std::array<std::u32string_view, 12> kDenialsBefore = {
    U"不是",  U"不选",  U"不应选",  U"不能选",   U"排除",        U"并非",
    U"isn't", U"wrong", U"exclude", U"rule out", U"rather than", U"none of"};
constexpr std::array<std::u32string_view, 13> kDenialsBehind = {
    U"不对",  U"错误",      U"不正确",      U"错了",      U"不符",  U"不成立", U"排除",
    U"wrong", U"incorrect", U"not correct", U"not right", U"isn't", U"is not"};
// What takes a denial back: "it isn't A but D", "不是A而是D".
constexpr std::array<std::u32string_view, 4> kTurns = {U" but ", U"而是", U" instead ", U"只能"};
// What begins a reason, which is about the picture.
constexpr std::array<std::u32string_view, 4> kReasons = {U" because", U" since ", U" as ", U"因为"};
// What lists letters: "A, B and C", "A、B和C".
constexpr std::array<std::u32string_view, 12> kListMarks = {
    U" ", U",", U"、", U"/", U"&", U"and ", U"or ", U"nor ", U"和", U"与", U"及", U"或"};
constexpr std::u32string_view kClauseEnds = U",.;!?。\n";
constexpr std::array<std::u32string_view, 2> kThinking = {U"<think>", U"</think>"};

char32_t upper(char32_t c) { return static_cast<char32_t>(u_toupper(static_cast<UChar32>(c))); }
bool is_lower(char32_t c) { return u_islower(static_cast<UChar32>(c)); }

// NFKC, without what was thought aloud and without Markdown's marks.
std::u32string readable(std::string_view answer) {
  std::u32string text = compatibility_form(answer);
  if (const size_t end = text.rfind(kThinking[1]); end != std::u32string::npos)
    text.erase(0, end + kThinking[1].size());
  else if (const size_t begin = text.find(kThinking[0]); begin != std::u32string::npos)
    text.erase(begin);
  std::erase_if(text, [](char32_t c) { return c == U'*' || c == U'`' || c == U'#' || c == U'_'; });
  while (!text.empty() && u_isUWhiteSpace(static_cast<UChar32>(text.back()))) text.pop_back();
  size_t begin = 0;
  while (begin < text.size() && u_isUWhiteSpace(static_cast<UChar32>(text[begin]))) ++begin;
  return text.substr(begin);
}

class Reader {
 public:
  Reader(const std::u32string& text, const std::vector<std::string>& options)
      : text_(text), lower_(text), options_(options) {
    for (char32_t& c : lower_)
      c = simplified(static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))));
  }

  std::optional<Choice> read() const {
    if (auto found = whole_reply()) return found;
    if (auto found = after_marker()) return found;
    if (auto found = free_letter()) return found;
    return option_text();
  }

 private:
  bool is_option(char32_t letter) const {
    if (letter < U'A' || letter > U'Z') return false;
    const auto at = static_cast<size_t>(letter - U'A');
    return at < options_.size() && !options_[at].empty();
  }

  bool starts(size_t at, std::u32string_view wanted) const {
    return std::u32string_view(lower_).substr(at, wanted.size()) == wanted;
  }

  // Latin letters or digits on neither side: CJK needs no space.
  bool stands_free(size_t at) const {
    if (at > 0 && is_word_character(text_[at - 1])) {
      // Of quotes and apostrophes, only the latter have a letter on their other side, too.
      if (text_[at - 1] != U'\'' || (at > 1 && is_word_character(text_[at - 2]))) return false;
    }
    return ends_free(at);
  }

  bool ends_free(size_t at) const {
    if (at + 1 >= text_.size() || !is_word_character(text_[at + 1])) return true;
    return text_[at + 1] == U'\'' && (at + 2 >= text_.size() || !is_word_character(text_[at + 2]));
  }

  // "A dog", "I see": an article or a pronoun, unless the next word goes on about a letter.
  bool is_article(size_t at) const {
    if (lower_[at] != U'a' && lower_[at] != U'i') return false;
    if (at + 2 >= text_.size() || text_[at + 1] != U' ' || !is_lower(text_[at + 2])) return false;
    size_t end = at + 2;
    while (end < text_.size() && is_word_character(text_[end])) ++end;
    const auto word = std::u32string_view(lower_).substr(at + 2, end - at - 2);
    return std::find(kAfterLetter.begin(), kAfterLetter.end(), word) == kAfterLetter.end();
  }

  bool is_clause_end(size_t at) const {
    return at >= text_.size() || kClauseEnds.find(text_[at]) != std::u32string_view::npos;
  }

  // "not A", "rule out A and B", "不选A", back to where the clause begins or turns.
  bool is_denied_before(size_t at) const {
    size_t begin = at;
    while (begin > 0 && (!is_clause_end(begin - 1) || is_listed_with_next(begin - 1))) --begin;
    std::u32string_view clause = std::u32string_view(lower_).substr(begin, at - begin);
    for (const std::u32string_view turn : kTurns)
      if (const size_t found = clause.rfind(turn); found != std::u32string_view::npos)
        clause.remove_prefix(found + turn.size());
    for (const std::u32string_view denial : kDenialsBefore)
      if (clause.find(denial) != std::u32string_view::npos) return true;
    const std::u32string flat = flatten(base::to_utf8(clause) + " x");
    return is_negated(flat, {flat.size() - 1, flat.size()});
  }

  // A comma between two letters ends no clause.
  bool is_listed_with_next(size_t comma) const {
    if (text_[comma] != U',' || comma == 0 || !is_letter(comma - 1)) return false;
    size_t next = comma + 1;
    while (next < text_.size() && text_[next] == U' ') ++next;
    return is_letter(next);
  }

  bool is_letter(size_t at) const {
    return at < text_.size() && is_option(text_[at]) && stands_free(at);
  }

  // "A is wrong", "A、B都不对": past the letters that are listed with it, up to the next letter.
  bool is_denied_behind(size_t at) const {
    size_t end = at + 1;
    for (bool moved = true; moved;) {
      moved = false;
      size_t next = end;
      for (bool mark = true; mark;) {
        mark = false;
        for (const std::u32string_view list_mark : kListMarks)
          if (starts(next, list_mark)) {
            next += list_mark.size();
            mark = true;
          }
      }
      if (next > end && is_letter(next) && !is_article(next)) {
        end = next + 1;
        moved = true;
      }
    }
    const size_t begin = end;
    while (!is_clause_end(end) && !is_letter(end)) ++end;
    std::u32string_view clause = std::u32string_view(lower_).substr(begin, end - begin);
    for (const std::u32string_view reason : kReasons)
      clause = clause.substr(0, clause.find(reason));
    return std::any_of(kDenialsBehind.begin(), kDenialsBehind.end(),
                       [&](std::u32string_view denial) { return holds_word(clause, denial); });
  }

  // The word is there and does not go on ("is not" in "is nothing").
  static bool holds_word(std::u32string_view text, std::u32string_view word) {
    const size_t at = text.find(word);
    if (at == std::u32string_view::npos) return false;
    const size_t end = at + word.size();
    return !is_word_character(word.back()) || end >= text.size() || !is_word_character(text[end]);
  }

  bool is_denied(size_t at) const { return is_denied_before(at) || is_denied_behind(at); }

  Choice found(size_t at, const char* rule) const {
    return {.letter = upper(text_[at]), .rule = rule, .span = {at, at + 1}, .flat = {}};
  }

  // "B", "(b).", "C:"
  std::optional<Choice> whole_reply() const {
    std::optional<size_t> only;
    for (size_t i = 0; i < text_.size(); ++i) {
      if (u_isalnum(static_cast<UChar32>(text_[i])) != 0) {
        if (only) return std::nullopt;
        only = i;
      }
    }
    if (!only || !is_option(upper(text_[*only]))) return std::nullopt;
    return found(*only, "choice.letter");
  }

  // Where the letter after a marker that ends at `at` stands, past links and brackets.
  std::optional<size_t> letter_after(size_t at) const {
    bool moved = true;
    while (moved && at < text_.size()) {
      moved = false;
      while (at < text_.size() && kLinkMarks.find(text_[at]) != std::u32string_view::npos) {
        ++at;
        moved = true;
      }
      for (const std::u32string_view link : kLinks) {
        if (!starts(at, link)) continue;
        const size_t end = at + link.size();
        const bool word = is_word_character(link.back());
        if (word && end < text_.size() && is_word_character(text_[end])) continue;
        at = end;
        moved = true;
        break;
      }
    }
    if (at >= text_.size() || !is_option(upper(text_[at])) || !ends_free(at) || is_article(at))
      return std::nullopt;
    // A lower-case letter is a word of its own only in brackets or at an end.
    if (is_lower(text_[at]) && at + 1 < text_.size() && text_[at + 1] == U' ') return std::nullopt;
    return at;
  }

  // The last letter behind any marker.
  std::optional<Choice> after_marker() const {
    std::optional<size_t> last;
    const char* rule = "choice.marked";
    const auto consider = [&](std::u32string_view marker, const char* marker_rule) {
      for (size_t at = lower_.find(marker); at != std::u32string::npos;
           at = lower_.find(marker, at + 1)) {
        const std::optional<size_t> letter = letter_after(at + marker.size());
        if (!letter || is_denied(*letter) || (last && *letter < *last)) continue;
        last = letter;
        rule = is_json_name(at, marker.size()) ? "choice.json" : marker_rule;
      }
    };
    for (const std::u32string_view marker : kMarkers) consider(marker, "choice.marked");
    consider(kBoxed, "choice.boxed");
    if (!last) return std::nullopt;
    return found(*last, rule);
  }

  // The marker stands in quotes before a colon: the name of a JSON field.
  bool is_json_name(size_t at, size_t length) const {
    const size_t end = at + length;
    return at > 0 && end + 1 < text_.size() && (text_[end] == U'"' || text_[end] == U'\'') &&
           text_[at - 1] == text_[end] && text_[end + 1] == U':';
  }

  // Exactly one capital letter that stands alone.
  std::optional<Choice> free_letter() const {
    std::optional<size_t> only;
    for (size_t i = 0; i < text_.size(); ++i) {
      const bool bracketed =
          i > 0 && i + 1 < text_.size() && text_[i - 1] == U'(' && text_[i + 1] == U')';
      if (is_lower(text_[i]) && !bracketed) continue;
      if (!is_option(upper(text_[i])) || !stands_free(i) || is_article(i) || is_denied(i)) continue;
      if (only && upper(text_[*only]) != upper(text_[i])) return std::nullopt;
      if (!only) only = i;
    }
    if (!only) return std::nullopt;
    return found(*only, "choice.free");
  }

  // Exactly one option's own words.
  std::optional<Choice> option_text() const {
    const std::u32string flat = flatten(base::to_utf8(text_));
    const std::vector<Span> all = find_wordings(flat, options_);
    std::optional<Choice> only;
    for (size_t i = 0; i < options_.size(); ++i) {
      if (options_[i].empty()) continue;
      const auto mention = find_mention(flat, {options_[i]}, all, Negation::rules_out);
      if (!mention) continue;
      if (only) return std::nullopt;
      only = Choice{.letter = U'A' + static_cast<char32_t>(i),
                    .rule = "choice.text",
                    .span = mention->span,
                    .flat = flat};
    }
    return only;
  }

  const std::u32string& text_;
  std::u32string lower_;  // as long as text_
  const std::vector<std::string>& options_;
};

std::string letter_name(size_t option) { return std::string(1, static_cast<char>('A' + option)); }

// The key names its option by letter or, if there is no such letter, by its words.
std::optional<size_t> key_option(const suites::Key& key) {
  if (key.answers.empty()) return std::nullopt;
  const std::string answer(base::trim(key.answers.front()));
  for (size_t i = 0; i < key.options.size(); ++i)
    if (!key.options[i].empty() && answer == letter_name(i)) return i;
  for (size_t i = 0; i < key.options.size(); ++i)
    if (!key.options[i].empty() && answer == base::trim(key.options[i])) return i;
  return std::nullopt;
}

}  // namespace

std::string choice_problem(const suites::Key& key) {
  if (key.options.size() < 2) return "needs 'options' (two or more), which are absent";
  return key_option(key) ? "" : "needs an 'answer' that is one of the options";
}

Grade choice_grade(const suites::Question& question, std::string_view answer, const Cutoffs&) {
  const suites::Key& key = question.key;
  const std::string wanted = letter_name(*key_option(key));
  const std::u32string text = readable(answer);
  Grade grade;
  grade.normalised = base::to_utf8(text);
  grade.raw_match = base::trim(answer) == wanted;
  const std::optional<Choice> choice = Reader(text, key.options).read();
  if (!choice) {
    grade.rule = "choice.none";
    grade.verdict = Verdict::unparsed;
    grade.evidence.push_back({"answer", wanted, "", -1, -1});
    return grade;
  }
  const std::string found(1, static_cast<char>(choice->letter));
  if (!choice->flat.empty()) grade.normalised = base::to_utf8(choice->flat);
  const auto [begin, end] = byte_span(choice->flat.empty() ? text : choice->flat, choice->span);
  grade.rule = choice->rule;
  grade.evidence.push_back({"answer", wanted, found, begin, end});
  grade.score = found == wanted ? 1 : 0;
  grade.verdict = found == wanted ? Verdict::full : Verdict::wrong;
  return grade;
}

}  // namespace visavis::graders
