#include "engine/tensor/weight.h"

#include <cstring>

#include "engine/tensor/block_format.h"
#include "engine/tensor/interleave.h"

namespace visavis::tensor {
namespace {

template <class T>
float value_at(const std::byte* row, int64_t i) {
  T value;
  std::memcpy(&value, row + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return to_float(value);
}

template <class T>
void widen(const std::byte* row, std::span<float> out) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = value_at<T>(row, static_cast<int64_t>(i));
}

int nibble(const std::byte* packed, int64_t i) {
  const int byte = std::to_integer<int>(packed[i / 2]);
  return i % 2 == 0 ? byte & 15 : byte >> 4;
}

int64_t group_of(int64_t column, int64_t group) { return group == 0 ? 0 : column / group; }

void unpack(const Weight& weight, const Dense& dense, int64_t row, std::span<float> out) {
  const std::byte* values = dense.values.data() + row * weight.cols * size_of(dense.dtype);
  switch (dense.dtype) {
    case DType::f32:
      return widen<float>(values, out);
    case DType::bf16:
      return widen<Bf16>(values, out);
    case DType::f16:
      return widen<F16>(values, out);
    case DType::f64:
    case DType::i64:
    case DType::i32:
    case DType::i16:
    case DType::i8:
    case DType::u8:
    case DType::boolean:
    case DType::f8_e4m3:
    case DType::f8_e5m2:
      assert(false && "a dense weight is f32, bf16 or f16");
  }
}

// Codes are symmetric where rows are interleaved.
template <class Layout, class CodeAt>
void unpack_interleaved(const Weight& weight, const Layout& layout, int64_t row, CodeAt code_at,
                        std::span<float> out) {
  const int64_t groups = groups_of(weight.cols, layout.group);
  const F16* scales = layout.scales.template as<F16>();
  for (int64_t i = 0; i < weight.cols; ++i) {
    const int64_t at = interleaved_scale_at(row, group_of(i, layout.group), groups);
    out[static_cast<size_t>(i)] = static_cast<float>(code_at(i)) * to_float(scales[at]);
  }
}

void unpack(const Weight& weight, const Int8& int8, int64_t row, std::span<float> out) {
  if (int8.interleaved) {
    const auto code_at = [&](int64_t i) {
      return interleaved_int8(int8.codes.as<int8_t>(), weight.cols, row, i);
    };
    return unpack_interleaved(weight, int8, row, code_at, out);
  }
  const int8_t* codes = int8.codes.as<int8_t>() + row * weight.cols;
  const F16* scales = int8.scales.as<F16>() + row * groups_of(weight.cols, int8.group);
  for (int64_t i = 0; i < weight.cols; ++i)
    out[static_cast<size_t>(i)] =
        static_cast<float>(codes[i]) * to_float(scales[group_of(i, int8.group)]);
}

void unpack(const Weight& weight, const Int4& int4, int64_t row, std::span<float> out) {
  if (int4.interleaved) {
    const auto code_at = [&](int64_t i) {
      return interleaved_int4(int4.codes.as<uint8_t>(), weight.cols, row, i) - 8;
    };
    return unpack_interleaved(weight, int4, row, code_at, out);
  }
  const int64_t groups = groups_of(weight.cols, int4.group);
  const std::byte* codes = int4.codes.data() + row * ((weight.cols + 1) / 2);
  const F16* scales = int4.scales.as<F16>() + row * groups;
  for (int64_t i = 0; i < weight.cols; ++i) {
    const int64_t group = group_of(i, int4.group);
    const auto code = static_cast<size_t>(nibble(codes, i));
    const float level = int4.lookup ? (*int4.lookup)[code] : static_cast<float>(code);
    float zero = int4.lookup ? 0.0f : 8.0f;
    switch (int4.zero) {
      case ZeroPoint::none:
        break;
      case ZeroPoint::u4:
        zero = static_cast<float>(nibble(int4.zeros.data() + row * ((groups + 1) / 2), group));
        break;
      case ZeroPoint::f16:
        zero = to_float(int4.zeros.as<F16>()[row * groups + group]);
        break;
    }
    const int64_t column = int4.permutation.bytes() == 0 ? i : int4.permutation.as<int32_t>()[i];
    out[static_cast<size_t>(column)] = (level - zero) * to_float(scales[group]);
  }
}

void unpack(const Weight& weight, const BlockQ& blockq, int64_t row, std::span<float> out) {
  const int64_t values = block_values(blockq.format);
  assert(weight.cols % values == 0);
  const int64_t blocks = weight.cols / values;
  const int64_t stride = block_bytes(blockq.format);
  for (int64_t i = 0; i < blocks; ++i)
    dequantize_block(blockq.format, blockq.blocks.data() + (row * blocks + i) * stride,
                     out.data() + i * values);
}

int64_t bytes_of(const Dense& dense) { return dense.values.bytes(); }
int64_t bytes_of(const Int8& int8) { return int8.codes.bytes() + int8.scales.bytes(); }
int64_t bytes_of(const Int4& int4) {
  return int4.codes.bytes() + int4.scales.bytes() + int4.zeros.bytes() + int4.permutation.bytes();
}
int64_t bytes_of(const BlockQ& blockq) { return blockq.blocks.bytes(); }

std::string text_of(const Dense& dense) { return std::string(name_of(dense.dtype)); }
std::string text_of(const Int8& int8) {
  return int8.group == 0 ? "int8 per row" : "int8 g" + std::to_string(int8.group);
}
std::string text_of(const Int4& int4) {
  std::string text = int4.group == 0 ? "int4 per row" : "int4 g" + std::to_string(int4.group);
  switch (int4.zero) {
    case ZeroPoint::none:
      text += int4.lookup ? "" : " sym";
      break;
    case ZeroPoint::u4:
      text += " zero u4";
      break;
    case ZeroPoint::f16:
      text += " zero f16";
      break;
  }
  if (int4.lookup) text += " lookup";
  if (int4.permutation.bytes() > 0) text += " permuted";
  return text;
}
std::string text_of(const BlockQ& blockq) { return std::string(name_of(blockq.format)); }

}  // namespace

int64_t Weight::bytes() const {
  return std::visit([](const auto& held) { return bytes_of(held); }, layout);
}

std::string Weight::layout_name() const {
  return std::visit([](const auto& held) { return text_of(held); }, layout);
}

bool Weight::rounds_input() const {
  if (const auto* dense = std::get_if<Dense>(&layout)) return dense->round_input;
  if (const auto* int8 = std::get_if<Int8>(&layout)) return int8->round_input;
  if (const auto* int4 = std::get_if<Int4>(&layout)) return int4->round_input;
  return false;
}

int64_t groups_of(int64_t cols, int64_t group) {
  return group == 0 ? 1 : (cols + group - 1) / group;
}

void dequantize_row(const Weight& weight, int64_t row, std::span<float> out) {
  assert(row >= 0 && row < weight.rows);
  assert(static_cast<int64_t>(out.size()) == weight.cols);
  std::visit([&](const auto& held) { unpack(weight, held, row, out); }, weight.layout);
}

}  // namespace visavis::tensor
