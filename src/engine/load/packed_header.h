// The head of a file of packed weights: what it was made from, and where each weight's buffers lie.
// Not how the file is filled and used (weight_cache.h).
//
//   8 bytes "visavisP", 8 bytes size of the text (little-endian), 64 bytes its SHA-256 in hex,
//   the text: JSON; zeros up to a multiple of 4096; the buffers, each from a multiple of 4096 on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace visavis::load {

/// Grows with every change of this format.
inline constexpr int64_t kPackedFormat = 1;
inline constexpr int64_t kPackedAlign = 4096;

/// A buffer's place behind the header's end, rounded up.
struct PackedPart {
  int64_t offset = 0;
  int64_t bytes = 0;
  uint64_t checksum = 0;
  friend bool operator==(const PackedPart&, const PackedPart&) = default;
};

/// The buffers of one weight, as they lie in memory.
struct PackedWeight {
  std::string key;  // its name and layout
  std::vector<PackedPart> parts;
  friend bool operator==(const PackedWeight&, const PackedWeight&) = default;
};

struct PackedHeader {
  std::string source;  // identifies what the weights were made from
  std::vector<PackedWeight> weights;

  /// Bytes of all buffers with their padding.
  int64_t data_bytes() const;
};

/// The header's bytes, padding included: what lies before the first buffer.
std::string packed_header_text(const PackedHeader& header);

struct ReadPackedHeader {
  PackedHeader header;
  int64_t data_begin = 0;
};

/// Reads and checks the header of a whole file: its checksum, and that the buffers lie inside the
/// file, without overlap, up to its end. `file` is how errors call it. Throws Error.
ReadPackedHeader parse_packed_header(std::span<const std::byte> bytes, const std::string& file);

}  // namespace visavis::load
