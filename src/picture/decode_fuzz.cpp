// Any bytes: decode() either throws Error or returns a picture of the size that it claims.
#include <cstdlib>

#include "base/error.h"
#include "picture/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visavis;
  try {
    const picture::Decoded decoded =
        picture::decode({reinterpret_cast<const char*>(data), size}, "fuzz");
    const picture::RgbImage& image = decoded.image;
    if (image.pixels.size() != static_cast<size_t>(image.width * image.height * 3)) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
