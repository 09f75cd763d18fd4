// UTF-8 and small string helpers. Unicode classes and normalisation need ICU and live where they
// are used (engine/text, harness/graders).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::base {

/// The longest prefix of `bytes` that does not end inside a UTF-8 character. Bytes that can never
/// become valid count as complete, so that a stream always moves on.
size_t complete_utf8_prefix(std::string_view bytes);

/// The text with every byte that is not part of valid UTF-8 replaced by U+FFFD, one per maximal
/// ill-formed subpart (as Python's and ICU's decoders do).
std::string valid_utf8(std::string_view bytes);

/// The code points of a text; ill-formed parts become U+FFFD.
std::u32string to_code_points(std::string_view utf8);
std::string to_utf8(std::u32string_view code_points);
void append_utf8(std::string& out, char32_t code_point);

/// Number of code points.
int64_t count_code_points(std::string_view utf8);

/// Without ASCII white space at both ends.
std::string_view trim(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

/// "1.2 GB"-like text (1 GB = 1e9 bytes).
std::string human_bytes(int64_t bytes);

}  // namespace visavis::base
