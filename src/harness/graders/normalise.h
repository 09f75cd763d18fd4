// What is the same in spite of spelling: Unicode forms, case, Traditional characters, punctuation,
// lead-ins, numerals, yes and no. Chinese and English. Deciding whether an answer holds a wording
// is match.h's business.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::graders {

/// NFKC: full-width to ASCII, circled digits to digits; case stays.
std::u32string compatibility_form(std::string_view text);

/// NFKC (full-width to ASCII, circled digits to digits), lower case, Traditional to Simplified.
std::u32string fold(std::string_view text);

/// The text as `exact` compares it: folded, without punctuation, without spaces between CJK,
/// articles and lead-ins ("答案是", "the answer is"), without final particles (的, 了, 吗, 呢).
/// Lead-ins and particles go only if something remains.
std::string normalise(std::string_view text);

/// The number that a normalised text is as a whole: digits, Chinese numerals (十三, 二〇二四) or
/// English words up to twenty, with or without a measure word (三个). Nothing for anything else.
std::optional<double> read_number(std::string_view normalised);

/// Every number that a folded text mentions, in order.
std::vector<double> numbers_in(const std::u32string& folded);

/// Whether a normalised key is a plain yes (是, 有, 对, yes ...) or no (否, 没有, 不是, no ...).
std::optional<bool> yes_no_key(std::string_view normalised);
/// How an answer begins: with a no, tried first, or with a yes; nothing if with neither.
std::optional<bool> yes_no_answer(std::string_view normalised);

/// The Simplified form of a character of the main ideograph block; others stay.
char32_t simplified(char32_t c);
bool is_cjk(char32_t c);
bool is_chinese_numeral(char32_t c);
/// Letters, digits and marks of scripts that put spaces between words.
bool is_word_character(char32_t c);

}  // namespace visavis::graders
