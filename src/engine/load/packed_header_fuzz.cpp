// Feeds arbitrary bytes to the reader of packed weights' headers, as they are and behind a preamble
// that makes any text one with the right checksum; every buffer accepted must lie inside the bytes.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "base/hash.h"
#include "engine/load/packed_header.h"

namespace {

void read(const std::string& bytes) {
  using namespace visavis;
  try {
    const auto read = load::parse_packed_header(std::as_bytes(std::span(bytes)), "fuzz");
    const auto size = static_cast<int64_t>(bytes.size());
    for (const auto& weight : read.header.weights)
      for (const auto& part : weight.parts)
        if (part.offset < 0 || part.bytes < 0 || part.offset % load::kPackedAlign != 0 ||
            part.bytes > size || read.data_begin + part.offset > size - part.bytes)
          std::abort();
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  read(text);
  std::string whole = "visavisP";
  for (int i = 0; i < 8; ++i) whole += static_cast<char>(size >> (8 * i) & 0xFF);
  whole += visavis::base::sha256_hex(text) + text;
  whole.resize((whole.size() + 4095) / 4096 * 4096, '\0');
  for (int pages = 0; pages < 3; ++pages) {
    read(whole);
    whole.resize(whole.size() + 4096);
  }
  return 0;
}
