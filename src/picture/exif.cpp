#include "picture/exif.h"

#include <cstddef>
#include <cstdint>

namespace visavis::picture {
namespace {

constexpr uint32_t kOrientationTag = 274;
constexpr uint32_t kByte = 1;
constexpr uint32_t kShort = 3;
constexpr uint32_t kLong = 4;

/// Reads integers of either byte order; reading past the end gives zero.
struct TiffReader {
  std::string_view bytes;
  bool big_endian = false;

  uint32_t read(size_t offset, size_t count) const {
    if (offset > bytes.size() || count > bytes.size() - offset) return 0;
    uint32_t value = 0;
    for (size_t i = 0; i < count; ++i) {
      const size_t place = big_endian ? i : count - 1 - i;
      value = (value << 8) | static_cast<uint8_t>(bytes[offset + place]);
    }
    return value;
  }
};

int in_range(uint32_t value) { return value >= 1 && value <= 8 ? static_cast<int>(value) : 0; }

}  // namespace

int exif_orientation(std::string_view exif) {
  constexpr std::string_view kPrefix("Exif\0\0", 6);
  while (exif.starts_with(kPrefix)) exif.remove_prefix(kPrefix.size());
  TiffReader tiff{.bytes = exif};
  if (exif.starts_with("MM")) {
    tiff.big_endian = true;
  } else if (!exif.starts_with("II")) {
    return 0;
  }
  if (tiff.read(2, 2) != 42) return 0;
  const size_t directory = tiff.read(4, 4);
  const uint32_t entries = tiff.read(directory, 2);
  for (uint32_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + size_t{12} * i;
    if (entry + 12 > exif.size()) return 0;
    if (tiff.read(entry, 2) != kOrientationTag || tiff.read(entry + 4, 4) != 1) continue;
    switch (tiff.read(entry + 2, 2)) {
      case kByte:
        return in_range(tiff.read(entry + 8, 1));
      case kShort:
        return in_range(tiff.read(entry + 8, 2));
      case kLong:
        return in_range(tiff.read(entry + 8, 4));
      default:
        return 0;
    }
  }
  return 0;
}

int xmp_orientation(std::string_view xmp) {
  constexpr std::string_view kKey = "tiff:Orientation";
  for (size_t at = xmp.find(kKey); at != std::string_view::npos; at = xmp.find(kKey, at + 1)) {
    std::string_view rest = xmp.substr(at + kKey.size());
    if (rest.starts_with("=\"")) {
      rest.remove_prefix(2);
    } else if (rest.starts_with(">")) {
      rest.remove_prefix(1);
    } else {
      continue;
    }
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') {
      return in_range(static_cast<uint32_t>(rest[0] - '0'));
    }
  }
  return 0;
}

int orientation_of(std::string_view exif, std::string_view xmp) {
  if (const int found = exif_orientation(exif)) return found;
  if (const int found = xmp_orientation(xmp)) return found;
  return 1;
}

}  // namespace visavis::picture
