// Feeds arbitrary bytes to the safetensors header, the shard index and the configuration reader;
// every tensor that is accepted must lie inside the bytes.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "engine/checkpoint/config_reader.h"
#include "engine/checkpoint/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visavis;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
    int64_t covered = 0;
    for (const auto& entry : checkpoint::parse_safetensors(bytes, "fuzz")) {
      if (entry.begin < 8 || entry.end > static_cast<int64_t>(size) || entry.begin > entry.end)
        std::abort();
      if (entry.shape.elements() * tensor::size_of(entry.dtype) != entry.end - entry.begin)
        std::abort();
      covered += entry.end - entry.begin;
    }
    if (covered > static_cast<int64_t>(size)) std::abort();
  } catch (const Error&) {
  }
  try {
    for (const auto& [tensor, shard] : checkpoint::parse_shard_index(text, "fuzz"))
      if (shard.find('/') != std::string::npos) std::abort();
  } catch (const Error&) {
  }
  try {
    const checkpoint::ConfigReader config(base::parse_json(text, "fuzz"), "fuzz");
    const checkpoint::ConfigReader section = config.section("text_config");
    if (section.int_or("hidden_size", 1) < 1) std::abort();
    section.number_or("rms_norm_eps", 0, 0, 1);
    config.ints("eos_token_id");
    config.strings("architectures");
  } catch (const Error&) {
  }
  return 0;
}
