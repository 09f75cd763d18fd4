// Any bytes as a GGUF file: refused with an Error, or every tensor lies inside the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "base/error.h"
#include "engine/checkpoint/gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    for (const auto& tensor : visavis::checkpoint::parse_gguf(bytes, "fuzz").tensors)
      if (tensor.begin < 0 || tensor.begin > tensor.end || tensor.end > static_cast<int64_t>(size))
        std::abort();
  } catch (const visavis::Error&) {
    return 0;
  }
  return 0;
}
