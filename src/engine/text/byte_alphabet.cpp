#include "engine/text/byte_alphabet.h"

#include "base/text.h"

namespace visavis::text {
namespace {

constexpr char32_t kFirstStandIn = 0x100;
constexpr size_t kCharacters = 0x100 + 68;

constexpr bool stands_for_itself(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) ||
         (byte >= 0xAE && byte <= 0xFF);
}

}  // namespace

const std::array<char32_t, 256>& byte_characters() {
  static const std::array<char32_t, 256> table = [] {
    std::array<char32_t, 256> characters{};
    char32_t next = kFirstStandIn;
    for (int byte = 0; byte < 256; ++byte) {
      characters[static_cast<size_t>(byte)] =
          stands_for_itself(byte) ? static_cast<char32_t>(byte) : next++;
    }
    return characters;
  }();
  return table;
}

std::optional<uint8_t> byte_of_character(char32_t c) {
  static const std::array<int16_t, kCharacters> table = [] {
    std::array<int16_t, kCharacters> bytes{};
    bytes.fill(-1);
    for (size_t byte = 0; byte < 256; ++byte) {
      bytes[byte_characters()[byte]] = static_cast<int16_t>(byte);
    }
    return bytes;
  }();
  if (c >= kCharacters || table[c] < 0) return std::nullopt;
  return static_cast<uint8_t>(table[c]);
}

std::string to_byte_alphabet(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 2);
  for (const char byte : bytes) {
    base::append_utf8(out, byte_characters()[static_cast<unsigned char>(byte)]);
  }
  return out;
}

}  // namespace visavis::text
