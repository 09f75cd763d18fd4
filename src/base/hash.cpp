#include "base/hash.h"

#include <openssl/evp.h>

#include <array>
#include <bit>
#include <cstring>

#include "base/error.h"

namespace visavis::base {

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  require(
      state_->context != nullptr && EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1,
      "SHA-256 is not available in this libcrypto");
}

Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}

void Sha256::update(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}

std::string Sha256::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(state_->context, digest.data(), &size);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(size * 2);
  for (unsigned i = 0; i < size; ++i) {
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

uint64_t checksum(std::span<const std::byte> bytes, uint64_t seed) {
  // Eight chains that the CPU multiplies side by side; the rotation keeps a flipped highest bit
  // from staying where a second one would undo it.
  constexpr size_t kChains = 8;
  constexpr uint64_t kPrime = 0x9E3779B185EBCA87ull;
  const auto mix = [](uint64_t hash, uint64_t word) {
    return std::rotl((hash ^ word) * kPrime, 29);
  };
  std::array<uint64_t, kChains> chains{};
  for (size_t i = 0; i < kChains; ++i) chains[i] = mix(seed, i + 1);
  size_t at = 0;
  for (; at + kChains * 8 <= bytes.size(); at += kChains * 8) {
    std::array<uint64_t, kChains> words;
    std::memcpy(words.data(), bytes.data() + at, sizeof(words));
    for (size_t i = 0; i < kChains; ++i) chains[i] = mix(chains[i], words[i]);
  }
  uint64_t hash = mix(seed, bytes.size());
  for (; at < bytes.size(); ++at) hash = mix(hash, static_cast<uint64_t>(bytes[at]));
  for (const uint64_t chain : chains) hash = mix(hash, chain);
  return hash ^ hash >> 32;
}

}  // namespace visavis::base
