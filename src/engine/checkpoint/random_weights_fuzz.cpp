// Any bytes as random_weights.json: refused or read, within bounds.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "engine/checkpoint/random_weights.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    visavis::checkpoint::parse_random_weights({reinterpret_cast<const char*>(data), size}, "fuzz");
  } catch (const visavis::Error&) {
  }
  return 0;
}
