// The byte-level alphabet: every byte as one printable character, so that a BPE over characters
// works on any bytes. Printable Latin-1 stands for itself, the other 68 bytes follow from U+0100.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace visavis::text {

/// The character of each byte, as code points.
const std::array<char32_t, 256>& byte_characters();

/// The byte that a character stands for; nullopt outside the alphabet.
std::optional<uint8_t> byte_of_character(char32_t c);

/// Every byte replaced by its character, as UTF-8.
std::string to_byte_alphabet(std::string_view bytes);

}  // namespace visavis::text
