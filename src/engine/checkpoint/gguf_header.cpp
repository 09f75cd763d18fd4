// The header of a GGUF file. Little-endian: "GGUF", u32 version (2 or 3), u64 tensors, u64 metadata
// entries; an entry is a string key, a u32 type, a value; a string is a u64 length and its bytes;
// an array is a u32 type, a u64 count and its values; a tensor is a name, a u32 rank, u64 extents
// (innermost first), a u32 type and a u64 offset into the data, which begin at the next multiple of
// general.alignment.
#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_set>

#include "base/error.h"
#include "engine/checkpoint/gguf.h"

namespace visavis::checkpoint {
namespace {

using tensor::BlockFormat;
using tensor::DType;

constexpr GgufType kTypes[] = {
    {0, "F32", DType::f32, {}},          {1, "F16", DType::f16, {}},
    {2, "Q4_0", {}, BlockFormat::q4_0},  {3, "Q4_1", {}, BlockFormat::q4_1},
    {6, "Q5_0", {}, BlockFormat::q5_0},  {7, "Q5_1", {}, BlockFormat::q5_1},
    {8, "Q8_0", {}, BlockFormat::q8_0},  {12, "Q4_K", {}, BlockFormat::q4_k},
    {13, "Q5_K", {}, BlockFormat::q5_k}, {14, "Q6_K", {}, BlockFormat::q6_k},
    {24, "I8", DType::i8, {}},           {25, "I16", DType::i16, {}},
    {26, "I32", DType::i32, {}},         {27, "I64", DType::i64, {}},
    {28, "F64", DType::f64, {}},         {30, "BF16", DType::bf16, {}},
};

// Names of the types that are refused, for the message.
struct OtherType {
  uint32_t number;
  const char* name;
};
constexpr OtherType kOthers[] = {{9, "Q8_1"},     {10, "Q2_K"},   {11, "Q3_K"},    {15, "Q8_K"},
                                 {16, "IQ2_XXS"}, {17, "IQ2_XS"}, {18, "IQ3_XXS"}, {19, "IQ1_S"},
                                 {20, "IQ4_NL"},  {21, "IQ3_S"},  {22, "IQ2_S"},   {23, "IQ4_XS"},
                                 {29, "IQ1_M"},   {34, "TQ1_0"},  {35, "TQ2_0"},   {39, "MXFP4"}};

enum ValueType : uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64
};

constexpr int64_t kMaxName = 1 << 16;
constexpr int64_t kMaxString = int64_t{1} << 28;
constexpr uint64_t kDefaultAlignment = 32;

std::string printable(std::string_view name) {
  std::string out(name.substr(0, 200));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 32) c = '?';
  return out;
}

class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  GgufHeader read() {
    const auto size = static_cast<int64_t>(bytes_.size());
    require(size >= 24, file_, ": has ", size, " bytes, a GGUF file has at least 24");
    require(std::memcmp(bytes_.data(), "GGUF", 4) == 0, file_,
            ": does not begin with 'GGUF' as GGUF files do");
    at_ = 4;
    const auto version = number<uint32_t>("version");
    require(version == 2 || version == 3, file_, ": GGUF version ", version,
            " is not supported; wanted 2 or 3");
    const auto tensors = number<uint64_t>("tensor count");
    const auto entries = number<uint64_t>("metadata count");
    GgufHeader header;
    for (uint64_t i = 0; i < entries; ++i) {
      std::string key = text("a metadata key", kMaxName);
      const auto type = number<uint32_t>("a metadata type");
      GgufValue value = type == kArray ? array(key) : scalar(key, type);
      require(header.metadata.emplace(key, std::move(value)).second, file_, ": metadata key '",
              printable(key), "' is there twice");
    }
    std::unordered_set<std::string> names;
    for (uint64_t i = 0; i < tensors; ++i) {
      header.tensors.push_back(tensor());
      require(names.insert(header.tensors.back().name).second, file_, ": tensor '",
              printable(header.tensors.back().name), "' is there twice");
    }
    place(header);
    return header;
  }

 private:
  template <class T>
  T number(const char* what) {
    require(static_cast<int64_t>(bytes_.size()) - at_ >= static_cast<int64_t>(sizeof(T)), file_,
            ": ends inside ", what, " (truncated?)");
    T value;
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += static_cast<int64_t>(sizeof(T));
    return value;
  }

  std::string text(const char* what, int64_t most) {
    const auto length = number<uint64_t>(what);
    require(length <= static_cast<uint64_t>(most), file_, ": ", what, " claims ", length,
            " bytes, wanted at most ", most);
    require(length <= bytes_.size() - static_cast<size_t>(at_), file_, ": ", what, " claims ",
            length, " bytes, the file has ", static_cast<int64_t>(bytes_.size()) - at_,
            " left (truncated?)");
    std::string value(reinterpret_cast<const char*>(bytes_.data() + at_),
                      static_cast<size_t>(length));
    at_ += static_cast<int64_t>(length);
    return value;
  }

  int64_t whole(const std::string& key, uint32_t type) {
    constexpr const char* kWhat = "a metadata value";
    switch (type) {
      case kU8:
        return number<uint8_t>(kWhat);
      case kI8:
        return number<int8_t>(kWhat);
      case kU16:
        return number<uint16_t>(kWhat);
      case kI16:
        return number<int16_t>(kWhat);
      case kU32:
        return number<uint32_t>(kWhat);
      case kI32:
        return number<int32_t>(kWhat);
      case kI64:
        return number<int64_t>(kWhat);
      case kU64: {
        const auto value = number<uint64_t>(kWhat);
        require(value <= static_cast<uint64_t>(INT64_MAX), file_, ": metadata key '",
                printable(key), "' holds ", value, ", wanted less than 2^63");
        return static_cast<int64_t>(value);
      }
      default:
        fail(file_, ": metadata key '", printable(key), "' has unknown type ", type);
    }
  }

  double real(uint32_t type) {
    constexpr const char* kWhat = "a metadata value";
    return type == kF32 ? static_cast<double>(number<float>(kWhat)) : number<double>(kWhat);
  }

  GgufValue scalar(const std::string& key, uint32_t type) {
    if (type == kString) return text("a metadata value", kMaxString);
    if (type == kBool) return number<uint8_t>("a metadata value") != 0;
    if (type == kF32 || type == kF64) return real(type);
    return whole(key, type);
  }

  GgufValue array(const std::string& key) {
    const auto type = number<uint32_t>("an array's type");
    const auto count = number<uint64_t>("an array's count");
    // Every value takes at least a byte of the file, a string eight.
    const auto left = static_cast<uint64_t>(static_cast<int64_t>(bytes_.size()) - at_);
    require(count <= left, file_, ": metadata key '", printable(key), "' claims ", count,
            " values, the file has ", left, " bytes left (truncated?)");
    if (type == kString) {
      std::vector<std::string> values;
      for (uint64_t i = 0; i < count; ++i) values.push_back(text("a text of an array", kMaxString));
      return values;
    }
    if (type == kBool) {
      std::vector<bool> values;
      for (uint64_t i = 0; i < count; ++i) values.push_back(number<uint8_t>("a flag") != 0);
      return values;
    }
    if (type == kF32 || type == kF64) {
      std::vector<double> values;
      for (uint64_t i = 0; i < count; ++i) values.push_back(real(type));
      return values;
    }
    require(type != kArray, file_, ": metadata key '", printable(key),
            "' is an array of arrays, which is not supported");
    std::vector<int64_t> values;
    for (uint64_t i = 0; i < count; ++i) values.push_back(whole(key, type));
    return values;
  }

  GgufTensor tensor() {
    GgufTensor result;
    result.name = text("a tensor's name", kMaxName);
    const auto rank = number<uint32_t>("a tensor's rank");
    require(rank >= 1 && rank <= 4, file_, ": tensor '", printable(result.name), "' has ", rank,
            " dimensions, wanted 1 to 4");
    std::array<int64_t, 4> extents{};
    for (uint32_t i = 0; i < rank; ++i) {
      const auto extent = number<uint64_t>("a tensor's shape");
      require(extent >= 1 && extent <= static_cast<uint64_t>(INT32_MAX), file_, ": tensor '",
              printable(result.name), "' has an extent of ", extent, ", wanted 1 to 2^31 - 1");
      extents[i] = static_cast<int64_t>(extent);
    }
    for (uint32_t i = rank; i-- > 0;) result.shape.push_back(extents[i]);
    const auto type = number<uint32_t>("a tensor's type");
    result.type = gguf_type(type);
    if (result.type == nullptr) refuse_type(result.name, type);
    const auto offset = number<uint64_t>("a tensor's offset");
    require(offset <= bytes_.size(), file_, ": tensor '", printable(result.name),
            "' lies at offset ", offset, ", the file has ", bytes_.size(), " bytes (truncated?)");
    result.begin = static_cast<int64_t>(offset);
    return result;
  }

  [[noreturn]] void refuse_type(const std::string& name, uint32_t type) const {
    const auto* other = std::find_if(std::begin(kOthers), std::end(kOthers),
                                     [type](const OtherType& row) { return row.number == type; });
    std::string known;
    for (const GgufType& each : kTypes) known.append(" ").append(each.name);
    fail(file_, ": tensor '", printable(name), "' has type ",
         other == std::end(kOthers) ? std::to_string(type) : std::string(other->name),
         ", which is not supported; known:", known);
  }

  // Bytes of all rows of a tensor. Extents are below 2^31 each, so that their product may be large.
  int64_t bytes_of(const GgufTensor& tensor) const {
    const int64_t columns = tensor.shape[tensor.shape.rank() - 1];
    int64_t bytes = 0;
    if (tensor.type->plain) {
      bytes = columns * tensor::size_of(*tensor.type->plain);
    } else {
      const int64_t block = tensor::block_values(*tensor.type->blocks);
      require(columns % block == 0, file_, ": tensor '", printable(tensor.name), "' has rows of ",
              columns, " values, ", tensor.type->name, " wants a multiple of ", block);
      bytes = columns / block * tensor::block_bytes(*tensor.type->blocks);
    }
    for (int axis = 0; axis + 1 < tensor.shape.rank(); ++axis) {
      require(bytes <= static_cast<int64_t>(bytes_.size()) / tensor.shape[axis], file_,
              ": tensor '", printable(tensor.name), "' of shape ", tensor.shape.text(),
              " and type ", tensor.type->name, " does not fit the file's ", bytes_.size(),
              " bytes (truncated?)");
      bytes *= tensor.shape[axis];
    }
    return bytes;
  }

  void place(GgufHeader& header) const {
    uint64_t alignment = kDefaultAlignment;
    if (const auto* stated = header.find<int64_t>("general.alignment")) {
      require(*stated >= 1 && *stated <= 1 << 20 && (*stated & (*stated - 1)) == 0, file_,
              ": general.alignment is ", *stated, ", wanted a power of two up to 2^20");
      alignment = static_cast<uint64_t>(*stated);
    }
    const auto data =
        static_cast<int64_t>((static_cast<uint64_t>(at_) + alignment - 1) / alignment * alignment);
    const auto size = static_cast<int64_t>(bytes_.size());
    for (GgufTensor& tensor : header.tensors) {
      const int64_t bytes = bytes_of(tensor);
      require(static_cast<uint64_t>(tensor.begin) % alignment == 0, file_, ": tensor '",
              printable(tensor.name), "' lies at offset ", tensor.begin, ", wanted a multiple of ",
              alignment);
      require(tensor.begin <= size - data && bytes <= size - data - tensor.begin, file_,
              ": tensor '", printable(tensor.name), "' ends after ", tensor.begin + bytes,
              " bytes of data, the file has ", std::max<int64_t>(0, size - data), " (truncated?)");
      tensor.begin += data;
      tensor.end = tensor.begin + bytes;
    }
    check_overlap(header.tensors);
  }

  void check_overlap(const std::vector<GgufTensor>& tensors) const {
    std::vector<const GgufTensor*> order;
    for (const GgufTensor& tensor : tensors) order.push_back(&tensor);
    std::sort(order.begin(), order.end(),
              [](const auto* a, const auto* b) { return a->begin < b->begin; });
    for (size_t i = 1; i < order.size(); ++i)
      require(order[i - 1]->end <= order[i]->begin, file_, ": tensor '", printable(order[i]->name),
              "' overlaps '", printable(order[i - 1]->name), "'");
  }

  std::span<const std::byte> bytes_;
  const std::string& file_;
  int64_t at_ = 0;
};

}  // namespace

const GgufType* gguf_type(uint32_t number) {
  const auto* row = std::find_if(std::begin(kTypes), std::end(kTypes),
                                 [number](const GgufType& each) { return each.number == number; });
  return row == std::end(kTypes) ? nullptr : row;
}

GgufHeader parse_gguf(std::span<const std::byte> bytes, const std::string& file) {
  return Reader(bytes, file).read();
}

}  // namespace visavis::checkpoint
