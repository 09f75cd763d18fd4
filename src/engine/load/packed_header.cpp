#include "engine/load/packed_header.h"

#include <charconv>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"

namespace visavis::load {
namespace {

constexpr std::string_view kMagic = "visavisP";
constexpr int64_t kDigest = 64;
constexpr auto kPreamble = static_cast<int64_t>(kMagic.size()) + 8 + kDigest;
constexpr int64_t kMostText = int64_t{64} << 20;

int64_t padded(int64_t bytes) { return (bytes + kPackedAlign - 1) / kPackedAlign * kPackedAlign; }

// JSON's own numbers stop being exact at 2^53.
std::string hex(uint64_t value) {
  char digits[17];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value, 16);
  const std::string found(digits, end);
  return std::string(16 - found.size(), '0') + found;
}

uint64_t from_hex(const std::string& digits, const std::string& file) {
  uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value, 16);
  require(error == std::errc() && stop == end && digits.size() == 16, file,
          ": found a checksum that is none");
  return value;
}

// The text has the right checksum, so what is wrong in it was written so.
template <class Value>
Value value_at(const base::Json& object, const char* key, const std::string& file) {
  require(object.is_object() && object.contains(key), file, ": the header lacks '", key, "'");
  const base::Json& found = object[key];
  if constexpr (std::is_same_v<Value, std::string>) {
    require(found.is_string(), file, ": the header's '", key, "' is no text");
  } else {
    require(found.is_number_integer() && found >= 0 && found <= std::numeric_limits<int64_t>::max(),
            file, ": the header's '", key, "' is no size");
  }
  return found.get<Value>();
}

const base::Json& list_at(const base::Json& object, const char* key, const std::string& file) {
  require(object.is_object() && object.contains(key) && object[key].is_array(), file,
          ": the header lacks the list '", key, "'");
  return object[key];
}

PackedWeight weight_of(const base::Json& json, int64_t& end, int64_t space,
                       const std::string& file) {
  PackedWeight weight{.key = value_at<std::string>(json, "key", file), .parts = {}};
  for (const base::Json& each : list_at(json, "parts", file)) {
    const PackedPart part{
        .offset = value_at<int64_t>(each, "offset", file),
        .bytes = value_at<int64_t>(each, "bytes", file),
        .checksum = from_hex(value_at<std::string>(each, "checksum", file), file)};
    require(part.offset == end && part.bytes <= space - end, file, ": '", weight.key,
            "' does not lie inside the file behind what precedes it");
    end += padded(part.bytes);
    weight.parts.push_back(part);
  }
  return weight;
}

}  // namespace

int64_t PackedHeader::data_bytes() const {
  int64_t bytes = 0;
  for (const PackedWeight& weight : weights)
    for (const PackedPart& part : weight.parts) bytes += padded(part.bytes);
  return bytes;
}

std::string packed_header_text(const PackedHeader& header) {
  base::Json weights = base::Json::array();
  for (const PackedWeight& weight : header.weights) {
    base::Json parts = base::Json::array();
    for (const PackedPart& part : weight.parts)
      parts.push_back(
          {{"offset", part.offset}, {"bytes", part.bytes}, {"checksum", hex(part.checksum)}});
    weights.push_back({{"key", weight.key}, {"parts", parts}});
  }
  const std::string text =
      base::dump_json({{"format", kPackedFormat}, {"source", header.source}, {"weights", weights}});
  std::string bytes(kMagic);
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(text.size() >> (8 * i) & 0xFF);
  bytes += base::sha256_hex(text) + text;
  bytes.resize(static_cast<size_t>(padded(static_cast<int64_t>(bytes.size()))), '\0');
  return bytes;
}

ReadPackedHeader parse_packed_header(std::span<const std::byte> bytes, const std::string& file) {
  const auto size = static_cast<int64_t>(bytes.size());
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  require(size >= kPreamble && all.starts_with(kMagic), file, ": not a file of packed weights");
  uint64_t text_size = 0;
  for (size_t i = 0; i < 8; ++i)
    text_size |= static_cast<uint64_t>(static_cast<uint8_t>(all[kMagic.size() + i])) << (8 * i);
  require(text_size <= static_cast<uint64_t>(std::min(kMostText, size - kPreamble)), file,
          ": the header is cut off");
  const std::string_view digest = all.substr(kMagic.size() + 8, kDigest);
  const std::string_view text = all.substr(static_cast<size_t>(kPreamble), text_size);
  require(base::sha256_hex(text) == digest, file, ": the header is damaged");

  const base::Json json = base::parse_json(text, file);
  const auto format = value_at<int64_t>(json, "format", file);
  require(format == kPackedFormat, file, ": found format ", format, ", wanted ", kPackedFormat);
  ReadPackedHeader read;
  read.header.source = value_at<std::string>(json, "source", file);
  read.data_begin = padded(kPreamble + static_cast<int64_t>(text_size));
  require(read.data_begin <= size, file, ": the header is cut off");
  int64_t end = 0;
  for (const base::Json& each : list_at(json, "weights", file))
    read.header.weights.push_back(weight_of(each, end, size - read.data_begin, file));
  require(read.data_begin + end == size, file, ": found ", size, " bytes, wanted ",
          read.data_begin + end);
  return read;
}

}  // namespace visavis::load
