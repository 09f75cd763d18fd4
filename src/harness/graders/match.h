// Whether running text mentions a wording: at word boundaries (or anywhere between CJK characters,
// but never inside a longer number), not negated, and not as part of a longer wording that means
// something else. Both sides are flattened first.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/suites/suite.h"

namespace visavis::graders {

/// Folded text in which clauses end with '\n', other punctuation is a space (inside a word it
/// stays) and no space stands between CJK characters.
std::u32string flatten(std::string_view text);

/// [begin, end) in code points.
struct Span {
  size_t begin = 0;
  size_t end = 0;
};

/// Every place where the flattened text holds the flattened wording. A plural s after a word's end
/// is allowed.
std::vector<Span> find_all(const std::u32string& text, const std::u32string& wording);

/// Whether a negation ("没有", "不是", "no", "without" ...) in the same clause reaches the span.
bool is_negated(const std::u32string& text, Span span);

/// Whether the span's clause says that something stayed as it was ("没有变化", "unchanged").
bool is_unchanged(const std::u32string& text, Span span);

struct Mention {
  std::string wording;  // the one that matched, flattened
  Span span;
};

/// What keeps a place from being a mention: a negation that reaches it, or a clause that says that
/// nothing changed.
enum class Negation { rules_out, unchanged };

/// Every place where the text holds one of the wordings, negated or not.
std::vector<Span> find_wordings(const std::u32string& text,
                                const std::vector<std::string>& wordings);

/// The first mention of any of the wordings that does not lie inside a longer one of `opposing`,
/// the places of wordings that mean something else.
std::optional<Mention> find_mention(const std::u32string& text,
                                    const std::vector<std::string>& wordings,
                                    const std::vector<Span>& opposing, Negation negation);

/// All wordings of all facts.
std::vector<std::string> all_wordings(const std::vector<suites::Fact>& facts);

/// Whether the bytes hold one of the wordings as it is written.
bool holds_raw(std::string_view text, const std::vector<std::string>& wordings);

/// The span's bytes in the UTF-8 form of the text.
std::pair<int, int> byte_span(const std::u32string& text, Span span);

}  // namespace visavis::graders
