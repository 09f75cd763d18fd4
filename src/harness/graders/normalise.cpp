#include "harness/graders/normalise.h"

#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/translit.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace visavis::graders {
namespace {

constexpr char32_t kFirstIdeograph = 0x4E00;
constexpr char32_t kLastIdeograph = 0x9FFF;

// Simplified form of every character of the main ideograph block, made once from ICU's rules.
// A transliterator must not be shared between threads, a table may be.
const std::u32string& simplified_table() {
  static const std::u32string table = [] {
    UErrorCode status = U_ZERO_ERROR;
    const std::unique_ptr<icu::Transliterator> rules(
        icu::Transliterator::createInstance("Traditional-Simplified", UTRANS_FORWARD, status));
    require(U_SUCCESS(status) && rules != nullptr,
            "ICU has no Traditional-Simplified rules; its data package is incomplete");
    std::u32string out;
    for (char32_t c = kFirstIdeograph; c <= kLastIdeograph; ++c) {
      icu::UnicodeString one(static_cast<UChar32>(c));
      rules->transliterate(one);
      out += one.countChar32() == 1 ? static_cast<char32_t>(one.char32At(0)) : c;
    }
    return out;
  }();
  return table;
}

bool is_space(char32_t c) { return u_isUWhiteSpace(static_cast<UChar32>(c)); }
bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }

bool is_punctuation(char32_t c) {
  return (U_MASK(u_charType(static_cast<UChar32>(c))) & (U_GC_P_MASK | U_GC_S_MASK)) != 0;
}

// Points and commas inside a number, apostrophes inside a word and a sign before a number stay.
bool belongs_to_neighbours(const std::u32string& text, size_t i) {
  const char32_t before = i > 0 ? text[i - 1] : U' ';
  const char32_t after = i + 1 < text.size() ? text[i + 1] : U' ';
  switch (text[i]) {
    case U'.':
      return is_digit(before) && is_digit(after);
    case U'-':
      return is_digit(after) && (i == 0 || is_space(before));
    default:
      return false;
  }
}

bool vanishes(const std::u32string& text, size_t i) {
  const char32_t before = i > 0 ? text[i - 1] : U' ';
  const char32_t after = i + 1 < text.size() ? text[i + 1] : U' ';
  return (text[i] == U',' && is_digit(before) && is_digit(after)) || text[i] == U'\'';
}

bool starts_with(std::u32string_view text, std::u32string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

std::u32string_view trimmed(std::u32string_view text) {
  while (!text.empty() && text.front() == U' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == U' ') text.remove_suffix(1);
  return text;
}

// Longer ones first, so that "答案是" goes before "答". English ones end in a space.
constexpr std::array<std::u32string_view, 25> kLeadIns = {
    U"the answer is ", U"answer is ", U"there are ", U"there is ",    U"answer ",
    U"this is ",       U"it is ",     U"its ",       U"这张图片显示", U"这张图片是",
    U"答案应该是",     U"图片中有",   U"一共有",     U"总共有",       U"图中有",
    U"图片中",         U"答案是",     U"答案为",     U"图中的",       U"这是",
    U"共有",           U"一共",       U"答案",       U"图中",         U"答",
};

constexpr std::array<char32_t, 4> kParticles = {U'的', U'了', U'吗', U'呢'};

std::u32string_view without_lead_ins(std::u32string_view text) {
  bool found = true;
  while (found) {
    if (std::find(kLeadIns.begin(), kLeadIns.end(), text) != kLeadIns.end()) return text;
    found = false;
    for (const std::u32string_view lead_in : kLeadIns) {
      if (!starts_with(text, lead_in) || trimmed(text.substr(lead_in.size())).empty()) continue;
      text = trimmed(text.substr(lead_in.size()));
      found = true;
      break;
    }
  }
  return text;
}

std::u32string_view without_particles(std::u32string_view text) {
  while (text.size() > 1 &&
         std::find(kParticles.begin(), kParticles.end(), text.back()) != kParticles.end())
    text = trimmed(text.substr(0, text.size() - 1));
  return text;
}

constexpr std::u32string_view kMeasureWords =
    U"个只条张位座辆台把本件瓶盒杯支枝部朵棵头匹双对串盏幅块片根架艘排列行层种款袋包罐颗枚间所栋幢"
    U"名口束顶"
    U"扇面样次岁年月日元";

std::optional<int> digit_value(char32_t c) {
  constexpr std::u32string_view kDigits = U"零一二三四五六七八九";
  if (is_digit(c)) return static_cast<int>(c - U'0');
  if (c == U'〇') return 0;
  if (c == U'两') return 2;
  const size_t at = kDigits.find(c);
  if (at == std::u32string_view::npos) return std::nullopt;
  return static_cast<int>(at);
}

int64_t unit_value(char32_t c) {
  switch (c) {
    case U'十':
      return 10;
    case U'百':
      return 100;
    case U'千':
      return 1000;
    case U'万':
      return 10000;
    default:
      return 0;
  }
}

// "十三", "一百零五", "廿三", "二〇二四"; the whole text must be a numeral.
std::optional<double> read_chinese_number(std::u32string_view text) {
  constexpr size_t kLongest = 16;
  if (text.empty() || text.size() > kLongest) return std::nullopt;
  int64_t total = 0;    // complete groups of 10,000
  int64_t section = 0;  // below 10,000
  int64_t digits = -1;  // digits since the last unit, -1 = none
  bool has_unit = false;
  for (const char32_t c : text) {
    if (c == U'廿') {
      if (digits > 0) return std::nullopt;
      section += 20;
      digits = -1;
      has_unit = true;
    } else if (const std::optional<int> digit = digit_value(c)) {
      digits = has_unit || digits < 0 ? *digit : digits * 10 + *digit;
    } else if (const int64_t unit = unit_value(c); unit == 10000) {
      total += (section + std::max<int64_t>(digits, 0)) * unit;
      section = 0;
      digits = -1;
      has_unit = true;
    } else if (unit > 0) {
      section += (digits < 0 ? 1 : digits) * unit;
      digits = -1;
      has_unit = true;
    } else {
      return std::nullopt;
    }
  }
  return static_cast<double>(total + section + std::max<int64_t>(digits, 0));
}

std::optional<double> read_digits(std::string_view text) {
  double value = 0;
  // from_chars would also take "nan" and "inf".
  if (text.find_first_not_of("-.0123456789") != std::string_view::npos) return std::nullopt;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> read_english_number(std::string_view word) {
  static constexpr std::array<std::string_view, 21> kWords = {
      "zero",     "one",     "two",     "three",     "four",     "five",     "six",
      "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",   "thirteen",
      "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"};
  const auto found = std::find(kWords.begin(), kWords.end(), word);
  if (found == kWords.end()) return std::nullopt;
  return static_cast<double>(found - kWords.begin());
}

template <size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

// The text starts with one of the words, which ends there or at a word boundary.
template <size_t N>
bool begins_with(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    if (text.substr(0, word.size()) != word) return false;
    const bool latin = static_cast<unsigned char>(word.back()) < 0x80;
    return !latin || text.size() == word.size() || text[word.size()] == ' ';
  });
}

constexpr std::array<std::string_view, 8> kNo = {"没有", "不是", "不对", "错误",
                                                 "否",   "不",   "no",   "false"};
constexpr std::array<std::string_view, 6> kYes = {"正确", "是", "对", "有", "yes", "true"};
constexpr std::array<std::string_view, 7> kUnsure = {"不确定", "不清楚", "不知道",  "不能确定",
                                                     "不好说", "是否",   "没有办法"};

}  // namespace

char32_t simplified(char32_t c) {
  if (c < kFirstIdeograph || c > kLastIdeograph) return c;
  return simplified_table()[c - kFirstIdeograph];
}

bool is_cjk(char32_t c) {
  return c == U'〇' || u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_IDEOGRAPHIC);
}

bool is_chinese_numeral(char32_t c) {
  return !is_digit(c) && (digit_value(c).has_value() || unit_value(c) > 0 || c == U'廿');
}

bool is_word_character(char32_t c) {
  return !is_cjk(c) && (u_isalnum(static_cast<UChar32>(c)) != 0 || c == U'_' || c == U'\'');
}

namespace {

icu::UnicodeString nfkc(std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = icu::Normalizer2::getNFKCInstance(status);
  const std::string valid = base::valid_utf8(text);
  icu::UnicodeString wide =
      normalizer->normalize(icu::UnicodeString::fromUTF8(icu::StringPiece(valid)), status);
  assert(U_SUCCESS(status));  // fails only for lack of memory
  return wide;
}

}  // namespace

std::u32string compatibility_form(std::string_view text) {
  std::string narrow;
  return base::to_code_points(nfkc(text).toUTF8String(narrow));
}

std::u32string fold(std::string_view text) {
  icu::UnicodeString wide = nfkc(text);
  wide.toLower(icu::Locale::getRoot());
  std::string narrow;
  std::u32string folded = base::to_code_points(wide.toUTF8String(narrow));
  for (char32_t& c : folded) {
    if (c == U'’') c = U'\'';
    c = simplified(c);
  }
  return folded;
}

std::string normalise(std::string_view text) {
  const std::u32string folded = fold(text);
  std::u32string out;
  for (size_t i = 0; i < folded.size(); ++i) {
    const char32_t c = folded[i];
    if (vanishes(folded, i)) continue;
    if (is_space(c) || (is_punctuation(c) && !belongs_to_neighbours(folded, i))) {
      if (!out.empty() && out.back() != U' ') out += U' ';
    } else {
      // A space stays only between two words of spaced scripts.
      if (out.size() > 1 && out.back() == U' ' && (is_cjk(c) || is_cjk(out[out.size() - 2])))
        out.pop_back();
      out += c;
    }
  }
  std::u32string_view rest = without_particles(without_lead_ins(trimmed(out)));
  std::string result;
  for (const std::string& word : base::split(base::to_utf8(rest), ' ')) {
    if (word == "a" || word == "an" || word == "the") continue;
    if (!result.empty()) result += ' ';
    result += word;
  }
  return result.empty() ? base::to_utf8(rest) : result;
}

std::optional<double> read_number(std::string_view normalised) {
  if (const auto number = read_english_number(normalised)) return number;
  std::u32string text = base::to_code_points(normalised);
  if (const auto number = read_digits(normalised)) return number;
  if (const auto number = read_chinese_number(text)) return number;
  if (text.size() < 2 || kMeasureWords.find(text.back()) == std::u32string_view::npos)
    return std::nullopt;
  text.pop_back();
  if (const auto number = read_digits(base::to_utf8(text))) return number;
  return read_chinese_number(text);
}

std::vector<double> numbers_in(const std::u32string& folded) {
  std::vector<double> numbers;
  const auto take_while = [&](size_t begin, auto belongs) {
    size_t end = begin;
    while (end < folded.size() && belongs(end)) ++end;
    return end;
  };
  for (size_t i = 0; i < folded.size();) {
    size_t end = i + 1;
    std::optional<double> number;
    if (is_digit(folded[i])) {
      end = take_while(i, [&](size_t k) {
        return is_digit(folded[k]) || belongs_to_neighbours(folded, k) ||
               (folded[k] == U',' && vanishes(folded, k)) || unit_value(folded[k]) > 0;
      });
      const std::string text =
          base::replace_all(base::to_utf8(std::u32string_view(folded).substr(i, end - i)), ",", "");
      number = read_number(text);
    } else if (is_chinese_numeral(folded[i])) {
      end = take_while(i, [&](size_t k) { return is_chinese_numeral(folded[k]); });
      number = read_chinese_number(std::u32string_view(folded).substr(i, end - i));
    } else if (is_word_character(folded[i])) {
      end = take_while(i, [&](size_t k) { return is_word_character(folded[k]); });
      number = read_english_number(base::to_utf8(std::u32string_view(folded).substr(i, end - i)));
    }
    if (number) numbers.push_back(*number);
    i = end;
  }
  return numbers;
}

std::optional<bool> yes_no_key(std::string_view normalised) {
  if (is_one_of(normalised, kNo)) return false;
  if (is_one_of(normalised, kYes)) return true;
  return std::nullopt;
}

std::optional<bool> yes_no_answer(std::string_view normalised) {
  if (begins_with(normalised, kUnsure)) return std::nullopt;
  if (begins_with(normalised, kNo)) return false;
  if (begins_with(normalised, kYes)) return true;
  return std::nullopt;
}

}  // namespace visavis::graders
