// What an endpoint sends, as a stream in pieces and as one object: an Error or a Completion, never
// more.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "remote/reply.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visavis;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t piece = size == 0 ? 1 : 1 + bytes.size() / 7;
  try {
    remote::ReplyReader reader;
    for (size_t at = 0; at < bytes.size(); at += piece)
      reader.feed_events(bytes.substr(at, piece), 1);
    reader.take();
  } catch (const Error&) {
  }
  try {
    remote::ReplyReader reader;
    reader.read_object(bytes);
    reader.take();
  } catch (const Error&) {
  }
  return 0;
}
