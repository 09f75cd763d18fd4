// SHA-256 for content addresses (pictures, prompts, weights) and FNV-1a for cheap in-memory keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace visavis::base {

/// SHA-256 fed piece by piece.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void update(std::string_view bytes);
  void update(std::span<const std::byte> bytes);
  /// The digest as 64 lower-case hex digits; the object may not be used afterwards.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view bytes);

/// 64 bits that tell damaged memory from whole, at about the speed of reading it. Not for anything
/// an adversary may choose.
uint64_t checksum(std::span<const std::byte> bytes, uint64_t seed = 0);

/// 64-bit FNV-1a. Not for anything an adversary may choose.
constexpr uint64_t fnv1a(std::string_view bytes, uint64_t hash = 0xcbf29ce484222325ull) {
  for (const char c : bytes) {
    hash ^= static_cast<uint8_t>(c);
    hash *= 0x100000001b3ull;
  }
  return hash;
}

}  // namespace visavis::base
