// Any bytes as a PyTorch file: a zip archive whose entries must lie inside it, and a pickle (that
// of the archive, or the bytes themselves) whose tensors must lie inside their storages.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "base/error.h"
#include "engine/checkpoint/pytorch.h"

namespace {

void run(std::span<const std::byte> program) {
  try {
    for (const auto& tensor : visavis::checkpoint::run_pickle(program, "fuzz"))
      if (tensor.first < 0 || tensor.first > tensor.storage_count ||
          tensor.shape.elements() > tensor.storage_count - tensor.first)
        std::abort();
  } catch (const visavis::Error&) {
    return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  run(bytes);
  try {
    for (const auto& entry : visavis::checkpoint::parse_zip(bytes, "fuzz")) {
      if (entry.begin < 0 || entry.begin > entry.end || entry.end > static_cast<int64_t>(size))
        std::abort();
      run(bytes.subspan(static_cast<size_t>(entry.begin),
                        static_cast<size_t>(entry.end - entry.begin)));
    }
  } catch (const visavis::Error&) {
    return 0;
  }
  return 0;
}
