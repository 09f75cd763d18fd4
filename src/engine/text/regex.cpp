#include "engine/text/regex.h"

#include <unicode/regex.h>
#include <unicode/unistr.h>

#include "base/error.h"

namespace visavis::text {
namespace {

constexpr size_t kMaxPattern = 1 << 16;
constexpr size_t kMaxText = size_t{1} << 28;
// ICU counts time in steps of "10,000 machine operations", some tenths of a millisecond each. The
// stack grows only where a pattern backtracks; single-set loops like \s+ take none.
constexpr int32_t kStackBytes = 64 << 20;
constexpr int32_t kBaseSteps = 500;
constexpr size_t kBytesPerStep = 64;

// The oracle's Oniguruma knows Unicode 16, Debian 12's ICU knows 15: letters and numbers that came
// between, as measured character by character. Harmless where ICU knows them.
constexpr std::string_view kNewLetters =
    R"(\u1C89\u1C8A\uA7CB-\uA7CD\uA7DA-\uA7DC\U000105C0-\U000105F3\U00010D4A-\U00010D65)"
    R"(\U00010D6F-\U00010D85\U00010EC2-\U00010EC4\U00011380-\U00011389\U0001138B\U0001138E)"
    R"(\U00011390-\U000113B5\U000113B7\U000113D1\U000113D3\U00011BC0-\U00011BE0)"
    R"(\U00013460-\U000143FA\U00016100-\U0001611D\U00016D40-\U00016D6C\U00018CFF)"
    R"(\U0001E5D0-\U0001E5ED\U0001E5F0\U0002EBF0-\U0002EE5D)";
constexpr std::string_view kNewDigits =
    R"(\U00010D40-\U00010D49\U000116D0-\U000116E3\U00011BF0-\U00011BF9\U00016130-\U00016139)"
    R"(\U00016D70-\U00016D79\U0001CCF0-\U0001CCF9\U0001E5F1-\U0001E5FA)";

// Oniguruma's meaning of an escape that ICU reads differently, as the inside of a set; empty for
// all other escapes. `rest` begins after the backslash; `used` is what the escape takes of it.
std::string set_of_escape(std::string_view rest, size_t& used) {
  const auto starts = [&](std::string_view escape) {
    used = escape.size();
    return rest.starts_with(escape);
  };
  if (starts("p{L}") || starts("P{L}")) return "\\p{L}" + std::string(kNewLetters);
  if (starts("p{N}") || starts("P{N}")) return "\\p{N}" + std::string(kNewDigits);
  if (starts("s") || starts("S")) return "\\p{White_Space}";
  if (starts("d") || starts("D")) return "\\p{Nd}" + std::string(kNewDigits);
  if (starts("h") || starts("H")) return "0-9A-Fa-f";
  if (starts("w") || starts("W")) {
    return "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u00B2\\u00B3\\u00B9\\u00BC-\\u00BE" +
           std::string(kNewLetters) + std::string(kNewDigits);
  }
  return {};
}

std::string translate(std::string_view pattern) {
  std::string out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '\\' || i + 1 == pattern.size()) {
      out += pattern[i];
      continue;
    }
    const char escape = pattern[i + 1];
    size_t used = 0;
    const std::string set = set_of_escape(pattern.substr(i + 1), used);
    if (set.empty()) {
      out += pattern[i];
      out += escape;
      ++i;
    } else {
      const bool negated = escape >= 'A' && escape <= 'Z';
      out += (negated ? "[^" : "[") + set + "]";
      i += used;
    }
  }
  return out;
}

icu::UnicodeString to_utf16(std::string_view text) {
  return icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
}

}  // namespace

struct Regex::Compiled {
  std::string source;
  std::unique_ptr<icu::RegexPattern> pattern;
};

Regex::Regex(std::string_view pattern) {
  require(pattern.size() <= kMaxPattern, "regular expression of ", pattern.size(),
          " bytes, wanted at most ", kMaxPattern);
  auto compiled = std::make_shared<Compiled>();
  compiled->source = pattern.substr(0, 200);
  UErrorCode status = U_ZERO_ERROR;
  UParseError where{};
  // Oniguruma's default syntax lets ^ and $ match at every line.
  compiled->pattern.reset(
      icu::RegexPattern::compile(to_utf16(translate(pattern)), UREGEX_MULTILINE, where, status));
  require(U_SUCCESS(status) && compiled->pattern, "regular expression '", compiled->source,
          "' is not supported: ", u_errorName(status));
  compiled_ = std::move(compiled);
}

std::vector<ByteRange> Regex::find_all(std::string_view text) const {
  require(text.size() <= kMaxText, "text of ", text.size(), " bytes, wanted at most ", kMaxText);
  UErrorCode status = U_ZERO_ERROR;
  const icu::UnicodeString subject = to_utf16(text);
  const std::unique_ptr<icu::RegexMatcher> matcher(compiled_->pattern->matcher(subject, status));
  if (matcher) {
    matcher->setStackLimit(kStackBytes, status);
    matcher->setTimeLimit(kBaseSteps + static_cast<int32_t>(text.size() / kBytesPerStep), status);
  }
  std::vector<ByteRange> matches;
  // UTF-16 positions only grow, so the byte position is counted along.
  int32_t unit = 0;
  size_t byte = 0;
  const auto byte_at = [&](int32_t target) {
    while (unit < target) {
      const auto lead = static_cast<unsigned char>(text[byte]);
      byte += lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
      unit += lead < 0xF0 ? 1 : 2;
    }
    return byte;
  };
  while (U_SUCCESS(status) && matcher->find(status)) {
    const size_t begin = byte_at(matcher->start(status));
    matches.push_back({begin, byte_at(matcher->end(status))});
  }
  require(U_SUCCESS(status), "regular expression '", compiled_->source, "' gave up on a text of ",
          text.size(), " bytes: ", u_errorName(status));
  return matches;
}

}  // namespace visavis::text
