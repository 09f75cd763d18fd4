// Any bytes as the two GGUF files of a model (four bytes give the first one's length), whose
// metadata become the hub's files, and as a SentencePiece model that becomes a tokenizer.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/error.h"
#include "engine/adopt/gguf_files.h"
#include "engine/adopt/sentencepiece_model.h"

namespace {

namespace adopt = visavis::adopt;

void derive_from_gguf(std::span<const std::byte> bytes) {
  uint32_t length = 0;
  if (bytes.size() < sizeof length) return;
  std::memcpy(&length, bytes.data(), sizeof length);
  bytes = bytes.subspan(sizeof length);
  if (length > bytes.size()) return;
  const auto header = [](std::span<const std::byte> file) {
    return adopt::GgufFile{"fuzz", visavis::checkpoint::parse_gguf(file, "fuzz")};
  };
  adopt::files_of_gguf(header(bytes.subspan(0, length)), header(bytes.subspan(length)));
}

void derive_from_sentencepiece(std::string_view bytes) {
  const adopt::SentencepieceModel model = adopt::parse_sentencepiece_model(bytes, "fuzz");
  adopt::sentencepiece_tokenizer(model.pieces, model.add_space, model.bos, "fuzz");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    derive_from_gguf(bytes);
  } catch (const visavis::Error&) {
  }
  try {
    derive_from_sentencepiece({reinterpret_cast<const char*>(data), size});
  } catch (const visavis::Error&) {
  }
  return 0;
}
