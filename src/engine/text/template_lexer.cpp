#include "engine/text/template_lexer.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/text.h"

namespace visavis::text {
namespace {

using Kind = TemplateToken::Kind;

constexpr size_t kMaxSource = size_t{1} << 20;
constexpr std::string_view kSpace = " \t\r\n\v\f";

bool is_space(char c) { return kSpace.find(c) != std::string_view::npos; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

class Lexer {
 public:
  Lexer(std::string source, const std::string& origin)
      : source_(std::move(source)), origin_(origin) {}

  std::vector<TemplateToken> run() {
    while (at_ < source_.size()) data();
    put(Kind::end, "");
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return std::string_view(source_).substr(at_); }
  bool starts(std::string_view text) const { return rest().starts_with(text); }
  void put(Kind kind, std::string text) { tokens_.push_back({kind, std::move(text), line_}); }
  [[noreturn]] void stop(const std::string& what) const {
    fail(origin_, " line ", line_, ": ", what);
  }
  void skip(size_t count) {
    const auto begin = source_.begin() + static_cast<std::ptrdiff_t>(at_);
    line_ += static_cast<int>(std::count(begin, begin + static_cast<std::ptrdiff_t>(count), '\n'));
    at_ += count;
  }
  void skip_space() {
    while (at_ < source_.size() && is_space(source_[at_])) skip(1);
  }

  // Text up to the next tag, and that tag.
  void data() {
    size_t begin = source_.find('{', at_);
    while (begin != std::string::npos &&
           (begin + 1 >= source_.size() ||
            std::string_view("{%#").find(source_[begin + 1]) == std::string_view::npos)) {
      begin = source_.find('{', begin + 1);
    }
    const size_t end = std::min(begin, source_.size());
    std::string text = source_.substr(at_, end - at_);
    const bool follows_newline = line_starting_;
    const std::string_view after = std::string_view(source_).substr(end);
    const char sign = after.size() > 2 ? after[2] : '\0';
    if (sign == '-' && !after.empty()) {
      const size_t last = text.find_last_not_of(kSpace);
      text.resize(last == std::string::npos ? 0 : last + 1);
    } else if (sign != '+' && after.size() > 1 && after[1] != '{') {
      const size_t line_begin = text.rfind('\n') + 1;  // 0 if there is no newline
      if ((line_begin > 0 || follows_newline) &&
          text.find_first_not_of(kSpace, line_begin) == std::string::npos) {
        text.resize(line_begin);
      }
    }
    if (!text.empty()) put(Kind::data, std::move(text));
    line_starting_ = end > at_ && source_[end - 1] == '\n';
    skip(end - at_);
    if (after.empty()) return;
    const bool signed_tag = sign == '-' || sign == '+';
    if (after[1] == '#') {
      comment();
    } else if (after[1] == '%' && is_raw(after.substr(signed_tag ? 3 : 2))) {
      raw();
    } else {
      skip(signed_tag ? 3 : 2);
      put(after[1] == '{' ? Kind::print_begin : Kind::block_begin, "");
      expression(after[1] == '{');
    }
  }

  // After a block or comment: one newline vanishes, or all white space with a minus sign.
  void after_tag(char sign, bool block) {
    if (sign == '-') {
      skip_space();
    } else if (block && sign != '+' && starts("\n")) {
      skip(1);
    }
    line_starting_ = at_ > 0 && source_[at_ - 1] == '\n';
  }

  void comment() {
    const size_t end = source_.find("#}", at_ + 2);
    if (end == std::string::npos) stop("a comment does not end");
    const char sign = end > at_ + 2 ? source_[end - 1] : '\0';
    skip(end + 2 - at_);
    after_tag(sign, true);
  }

  // True if the inside of a block tag is the word raw.
  static bool is_raw(std::string_view inside) {
    const size_t word = inside.find_first_not_of(kSpace);
    if (word == std::string_view::npos || !inside.substr(word).starts_with("raw")) return false;
    const std::string_view after = inside.substr(word + 3);
    const size_t end = after.find_first_not_of(kSpace);
    return end != std::string_view::npos &&
           (after.substr(end).starts_with("%}") || after.substr(end).starts_with("-%}"));
  }

  void raw() {
    const size_t begin_end = source_.find("%}", at_);
    const bool trim = source_[begin_end - 1] == '-';
    skip(begin_end + 2 - at_);
    if (trim) skip_space();
    // The end is the first {% endraw %}.
    for (size_t tag = source_.find("{%", at_); tag != std::string::npos;
         tag = source_.find("{%", tag + 2)) {
      const bool has_sign =
          tag + 2 < source_.size() && (source_[tag + 2] == '-' || source_[tag + 2] == '+');
      const size_t word = source_.find_first_not_of(kSpace, tag + (has_sign ? 3 : 2));
      if (word == std::string::npos || source_.compare(word, 6, "endraw") != 0) continue;
      const size_t close = source_.find("%}", word);
      if (close == std::string::npos) break;
      std::string text = source_.substr(at_, tag - at_);
      if (has_sign && source_[tag + 2] == '-') {
        const size_t last = text.find_last_not_of(kSpace);
        text.resize(last == std::string::npos ? 0 : last + 1);
      } else if (!has_sign) {
        const size_t line_begin = text.rfind('\n') + 1;
        if (line_begin > 0 && text.find_first_not_of(kSpace, line_begin) == std::string::npos) {
          text.resize(line_begin);
        }
      }
      if (!text.empty()) put(Kind::data, std::move(text));
      const char sign = source_[close - 1];
      skip(close + 2 - at_);
      after_tag(sign, true);
      return;
    }
    stop("a raw block does not end");
  }

  // Tokens up to the end of a tag.
  void expression(bool print) {
    std::string brackets;  // that are open
    while (true) {
      skip_space();
      if (at_ >= source_.size()) stop("a tag does not end");
      if (brackets.empty() && tag_end(print)) return;
      const char c = source_[at_];
      if (is_digit(c)) {
        number();
      } else if (begins_name(c)) {
        size_t end = at_;
        while (end < source_.size() && (begins_name(source_[end]) || is_digit(source_[end]))) ++end;
        put(Kind::name, source_.substr(at_, end - at_));
        skip(end - at_);
      } else if (c == '\'' || c == '"') {
        string(c);
      } else {
        symbol(brackets);
      }
    }
  }

  bool tag_end(bool print) {
    const std::string_view close = print ? "}}" : "%}";
    char sign = '\0';
    if (starts(close)) {
      skip(2);
    } else if ((source_[at_] == '-' || (!print && source_[at_] == '+')) &&
               rest().substr(1).starts_with(close)) {
      sign = source_[at_];
      skip(3);
    } else {
      return false;
    }
    put(print ? Kind::print_end : Kind::block_end, "");
    after_tag(sign, !print);
    return true;
  }

  void symbol(std::string& brackets) {
    static constexpr std::array<std::string_view, 27> kSymbols = {
        "==", "!=", ">=", "<=", "//", "**", "+", "-", "/", "*", "%", "~", "[", "]",
        "(",  ")",  "{",  "}",  ">",  "<",  "=", ".", ":", "|", ",", ";", "!"};
    const auto found = std::find_if(kSymbols.begin(), kSymbols.end(),
                                    [&](std::string_view symbol) { return starts(symbol); });
    if (found == kSymbols.end()) stop(std::string("unexpected character '") + source_[at_] + "'");
    const char c = (*found)[0];
    if (c == '(') brackets += ')';
    if (c == '[') brackets += ']';
    if (c == '{') brackets += '}';
    if (c == ')' || c == ']' || c == '}') {
      if (brackets.empty() || brackets.back() != c) stop(std::string("unexpected '") + c + "'");
      brackets.pop_back();
    }
    put(Kind::symbol, std::string(*found));
    skip(found->size());
  }

  void number() {
    size_t end = at_;
    const auto digits = [&] {
      while (end < source_.size() && (is_digit(source_[end]) || source_[end] == '_')) ++end;
    };
    const auto digit_at = [&](size_t i) { return i < source_.size() && is_digit(source_[i]); };
    digits();
    bool real = false;
    if (end < source_.size() && source_[end] == '.' && digit_at(end + 1)) {
      real = true;
      ++end;
      digits();
    }
    if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      const bool sign =
          end + 1 < source_.size() && (source_[end + 1] == '+' || source_[end + 1] == '-');
      if (digit_at(end + (sign ? 2 : 1))) {
        real = true;
        end += sign ? 2 : 1;
        digits();
      }
    }
    std::string text = source_.substr(at_, end - at_);
    std::erase(text, '_');
    put(real ? Kind::real : Kind::integer, std::move(text));
    skip(end - at_);
  }

  void string(char quote) {
    std::string text;
    size_t i = at_ + 1;
    for (; i < source_.size() && source_[i] != quote; ++i) {
      if (source_[i] == '\\' && i + 1 < source_.size()) {
        i = escape(i + 1, text);
      } else {
        text += source_[i];
      }
    }
    if (i >= source_.size()) stop("a string does not end");
    put(Kind::string, std::move(text));
    skip(i + 1 - at_);
  }

  // Resolves Python's escape at `i` (behind the backslash); returns its last byte.
  size_t escape(size_t i, std::string& text) const {
    static constexpr std::string_view kNames = "abfnrtv\\'\"";
    static constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"";
    const char c = source_[i];
    if (const size_t known = kNames.find(c); known != std::string_view::npos) {
      text += kMeanings[known];
      return i;
    }
    if (c == '\n') return i;
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits > 0) {
      const std::string hex = source_.substr(i + 1, digits);
      if (hex.size() != digits ||
          hex.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) {
        stop("a string has a broken escape");
      }
      base::append_utf8(text, static_cast<char32_t>(std::stoul(hex, nullptr, 16)));
      return i + digits;
    }
    if (c >= '0' && c <= '7') {
      char32_t value = 0;
      size_t end = i;
      while (end < i + 3 && end < source_.size() && source_[end] >= '0' && source_[end] <= '7') {
        value = value * 8 + static_cast<char32_t>(source_[end++] - '0');
      }
      base::append_utf8(text, value);
      return end - 1;
    }
    text += '\\';
    text += c;
    return i;
  }

  const std::string source_;
  const std::string& origin_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;  // the text before is empty or ends with a newline
  std::vector<TemplateToken> tokens_;
};

}  // namespace

std::vector<TemplateToken> lex_template(std::string_view source, const std::string& origin) {
  require(source.size() <= kMaxSource, origin, ": template of ", source.size(),
          " bytes, wanted at most ", kMaxSource);
  std::string text = base::replace_all(base::valid_utf8(source), "\r\n", "\n");
  std::replace(text.begin(), text.end(), '\r', '\n');
  if (text.ends_with('\n')) text.pop_back();  // as the oracle's environment does
  return Lexer(std::move(text), origin).run();
}

}  // namespace visavis::text
