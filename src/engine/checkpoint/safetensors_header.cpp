// The two JSON documents of the container: a file's header and the index of shards.
#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_set>

#include "base/error.h"
#include "engine/checkpoint/safetensors.h"

namespace visavis::checkpoint {
namespace {

using simdjson::dom::element;
using tensor::DType;

struct DTypeName {
  std::string_view text;
  DType dtype;
};

constexpr DTypeName kDTypes[] = {
    {"F32", DType::f32},      {"BF16", DType::bf16},       {"F16", DType::f16},
    {"F64", DType::f64},      {"I64", DType::i64},         {"I32", DType::i32},
    {"I16", DType::i16},      {"I8", DType::i8},           {"U8", DType::u8},
    {"BOOL", DType::boolean}, {"F8_E4M3", DType::f8_e4m3}, {"F8_E5M2", DType::f8_e5m2},
};

// How errors name a tensor: hostile names may be long or hold control characters.
std::string printable(std::string_view name) {
  std::string out(name.substr(0, 200));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 32) c = '?';
  return out;
}

class Header {
 public:
  Header(std::span<const std::byte> bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  std::vector<SafetensorsEntry> read() {
    const auto size = static_cast<int64_t>(bytes_.size());
    require(size >= 8, file_, ": has ", size, " bytes, a safetensors file has at least 8");
    uint64_t length = 0;
    std::memcpy(&length, bytes_.data(), 8);
    static_assert(std::endian::native == std::endian::little);
    require(length <= static_cast<uint64_t>(kMaxSafetensorsHeader), file_, ": header claims ",
            length, " bytes, wanted at most ", kMaxSafetensorsHeader);
    require(length <= static_cast<uint64_t>(size - 8), file_, ": header claims ", length,
            " bytes, the file has ", size - 8, " after the length (truncated?)");
    data_begin_ = 8 + static_cast<int64_t>(length);
    data_bytes_ = size - data_begin_;

    simdjson::dom::parser parser;
    element root;
    const simdjson::error_code error =
        parser.parse(reinterpret_cast<const char*>(bytes_.data()) + 8, length, true).get(root);
    require(error == simdjson::SUCCESS, file_,
            ": header is not valid JSON: ", simdjson::error_message(error));
    simdjson::dom::object object;
    require(root.get(object) == simdjson::SUCCESS, file_, ": header is not a JSON object");

    std::vector<SafetensorsEntry> entries;
    std::unordered_set<std::string_view> names;
    for (const auto& field : object) {
      require(names.insert(field.key).second, file_, ": '", printable(field.key),
              "' is listed twice");
      if (field.key == "__metadata__") {
        require(field.value.is_object(), file_, ": __metadata__ is not an object");
        continue;
      }
      entries.push_back(entry(field.key, field.value));
    }
    check_cover(entries);
    return entries;
  }

 private:
  template <class... Parts>
  [[noreturn]] void reject(std::string_view name, const Parts&... parts) const {
    fail(file_, ": tensor '", printable(name), "': ", parts...);
  }

  SafetensorsEntry entry(std::string_view name, const element& value) const {
    simdjson::dom::object object;
    if (value.get(object) != simdjson::SUCCESS) reject(name, "its entry is not an object");
    SafetensorsEntry entry;
    entry.name = std::string(name);
    int seen_dtype = 0;
    int seen_shape = 0;
    int seen_offsets = 0;
    for (const auto& field : object) {
      if (field.key == "dtype") {
        ++seen_dtype;
        entry.dtype = dtype(name, field.value);
      } else if (field.key == "shape") {
        ++seen_shape;
        entry.shape = shape(name, field.value);
      } else if (field.key == "data_offsets") {
        ++seen_offsets;
        offsets(entry, field.value);
      }
    }
    if (seen_dtype != 1 || seen_shape != 1 || seen_offsets != 1)
      reject(name, "wanted dtype, shape and data_offsets once each");

    int64_t wanted = tensor::size_of(entry.dtype);
    for (int axis = 0; axis < entry.shape.rank(); ++axis) {
      const int64_t extent = entry.shape[axis];
      if (extent != 0 && wanted > INT64_MAX / extent)
        reject(name, "shape ", entry.shape.text(), " is too large");
      wanted *= extent;
    }
    const int64_t held = entry.end - entry.begin;
    if (wanted != held)
      reject(name, "shape ", entry.shape.text(), " of ", tensor::name_of(entry.dtype), " wants ",
             wanted, " bytes, data_offsets hold ", held);
    return entry;
  }

  DType dtype(std::string_view name, const element& value) const {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) reject(name, "dtype is not a string");
    const auto* row = std::find_if(std::begin(kDTypes), std::end(kDTypes),
                                   [&](const DTypeName& known) { return known.text == text; });
    if (row == std::end(kDTypes)) {
      std::string known;
      for (const DTypeName& each : kDTypes) known.append(" ").append(each.text);
      reject(name, "dtype '", printable(text), "' is not supported; known:", known);
    }
    return row->dtype;
  }

  tensor::Shape shape(std::string_view name, const element& value) const {
    simdjson::dom::array array;
    if (value.get(array) != simdjson::SUCCESS) reject(name, "shape is not a list");
    tensor::Shape shape;
    for (const element extent : array) {
      if (shape.rank() == tensor::Shape::kMaxRank)
        reject(name, "more than ", tensor::Shape::kMaxRank, " dimensions");
      int64_t number = 0;
      if (extent.get(number) != simdjson::SUCCESS || number < 0)
        reject(name, "shape holds something that is not a size");
      shape.push_back(number);
    }
    return shape;
  }

  void offsets(SafetensorsEntry& entry, const element& value) const {
    simdjson::dom::array array;
    int64_t begin = -1;
    int64_t end = -1;
    if (value.get(array) != simdjson::SUCCESS || array.size() != 2 ||
        array.at(0).get(begin) != simdjson::SUCCESS || array.at(1).get(end) != simdjson::SUCCESS)
      reject(entry.name, "data_offsets is not a pair of sizes");
    if (begin < 0 || end < begin || end > data_bytes_)
      reject(entry.name, "data_offsets [", begin, ", ", end, "] do not lie in the file's ",
             data_bytes_, " bytes of data (truncated?)");
    entry.begin = data_begin_ + begin;
    entry.end = data_begin_ + end;
  }

  // Data must follow each other without gap or overlap from the header to the end of the file.
  void check_cover(std::vector<SafetensorsEntry>& entries) const {
    std::stable_sort(entries.begin(), entries.end(),
                     [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
                       return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
                     });
    int64_t at = data_begin_;
    for (const SafetensorsEntry& entry : entries) {
      if (entry.begin != at)
        reject(entry.name,
               entry.begin < at ? "its data overlap another tensor's"
                                : "there is a gap before its data",
               " (starts at ", entry.begin - data_begin_, ", wanted ", at - data_begin_, ")");
      at = entry.end;
    }
    require(at == data_begin_ + data_bytes_, file_, ": tensors end after ", at - data_begin_,
            " bytes of data, the file holds ", data_bytes_);
  }

  std::span<const std::byte> bytes_;
  const std::string& file_;
  int64_t data_begin_ = 0;
  int64_t data_bytes_ = 0;
};

}  // namespace

std::vector<SafetensorsEntry> parse_safetensors(std::span<const std::byte> bytes,
                                                const std::string& file) {
  return Header(bytes, file).read();
}

std::vector<std::pair<std::string, std::string>> parse_shard_index(std::string_view json,
                                                                   const std::string& file) {
  require(!json.empty(), file, ": not valid JSON: the file is empty");
  simdjson::dom::parser parser;
  element root;
  const simdjson::error_code error = parser.parse(json.data(), json.size(), true).get(root);
  require(error == simdjson::SUCCESS, file, ": not valid JSON: ", simdjson::error_message(error));
  simdjson::dom::object map;
  require(root.is_object() && root["weight_map"].get(map) == simdjson::SUCCESS, file,
          ": has no object 'weight_map'");
  std::vector<std::pair<std::string, std::string>> entries;
  std::unordered_set<std::string_view> names;
  for (const auto& field : map) {
    std::string_view shard;
    require(field.value.get(shard) == simdjson::SUCCESS, file, ": tensor '", printable(field.key),
            "': its shard is not a file name");
    const bool plain = !shard.empty() && shard != "." && shard != ".." &&
                       shard.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
    require(plain, file, ": tensor '", printable(field.key), "': shard '", printable(shard),
            "' is not a plain file name");
    require(names.insert(field.key).second, file, ": tensor '", printable(field.key),
            "' is listed twice");
    entries.emplace_back(field.key, shard);
  }
  require(!entries.empty(), file, ": weight_map is empty");
  return entries;
}

}  // namespace visavis::checkpoint
