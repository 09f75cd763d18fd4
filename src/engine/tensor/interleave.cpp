#include "engine/tensor/interleave.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace visavis::tensor {
namespace {

int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Bytes from one block of rows to the next.
int64_t block_stride(int64_t cols, int bits) {
  return interleaved_cols(cols) * kInterleavedRows * bits / 8;
}

// Bytes from the codes of one step of columns to those of the next.
constexpr int64_t kStep = 64;

uint32_t load_word(const uint8_t* bytes, int64_t count) {
  uint32_t word = 0;
  for (int64_t i = 0; i < count; ++i) word |= static_cast<uint32_t>(bytes[i]) << (8 * i);
  return word;
}

void store_word(uint32_t word, uint8_t* bytes) {
  for (int i = 0; i < 4; ++i) bytes[i] = static_cast<uint8_t>(word >> (8 * i));
}

// Eight columns, lowest nibble first: 01234567 becomes 04152637.
uint32_t shuffled(uint32_t columns) {
  const uint32_t pairs =
      (columns & 0xFF0000FFu) | (columns >> 8 & 0xFF00u) | (columns & 0xFF00u) << 8;
  return (pairs & 0xF00FF00Fu) | (pairs >> 4 & 0x00F000F0u) | (pairs & 0x00F000F0u) << 4;
}

Buffer zeroed(int64_t bytes) {
  Buffer buffer = Buffer::host(bytes);
  if (bytes > 0) std::memset(buffer.data(), 0, static_cast<size_t>(bytes));
  return buffer;
}

Buffer interleaved_scales(const Buffer& scales, int64_t rows, int64_t groups) {
  Buffer out = zeroed(interleaved_scale_bytes(rows, groups));
  for (int64_t row = 0; row < rows; ++row)
    interleave_scales({scales.as<F16>() + row * groups, static_cast<size_t>(groups)}, row,
                      out.as<F16>());
  return out;
}

Int8 interleaved(const Weight& weight, const Int8& from) {
  Int8 to{.group = from.group, .codes = {}, .scales = {}, .interleaved = true, .round_input = true};
  to.codes = zeroed(interleaved_code_bytes(weight.rows, weight.cols, 8));
  for (int64_t row = 0; row < weight.rows; ++row)
    interleave_int8_row(
        {from.codes.as<int8_t>() + row * weight.cols, static_cast<size_t>(weight.cols)}, row,
        to.codes.as<int8_t>());
  to.scales = interleaved_scales(from.scales, weight.rows, groups_of(weight.cols, from.group));
  return to;
}

Int4 interleaved(const Weight& weight, const Int4& from) {
  assert(from.zero == ZeroPoint::none && !from.lookup && from.permutation.bytes() == 0);
  Int4 to;
  to.group = from.group;
  to.interleaved = true;
  to.round_input = true;
  to.codes = zeroed(interleaved_code_bytes(weight.rows, weight.cols, 4));
  const int64_t row_bytes = (weight.cols + 1) / 2;
  for (int64_t row = 0; row < weight.rows; ++row)
    interleave_int4_row(
        {from.codes.as<uint8_t>() + row * row_bytes, static_cast<size_t>(row_bytes)}, weight.cols,
        row, to.codes.as<uint8_t>());
  to.scales = interleaved_scales(from.scales, weight.rows, groups_of(weight.cols, from.group));
  return to;
}

}  // namespace

int64_t interleaved_rows(int64_t rows) { return round_up(rows, kInterleavedRows); }
int64_t interleaved_cols(int64_t cols) { return round_up(cols, kInterleavedColumns); }

int64_t interleaved_code_bytes(int64_t rows, int64_t cols, int bits) {
  return interleaved_rows(rows) / kInterleavedRows * block_stride(cols, bits);
}

int64_t interleaved_scale_bytes(int64_t rows, int64_t groups) {
  return interleaved_rows(rows) * groups * static_cast<int64_t>(sizeof(F16));
}

void interleave_int4_row(std::span<const uint8_t> from, int64_t cols, int64_t row, uint8_t* codes) {
  uint8_t* to = codes + row / kInterleavedRows * block_stride(cols, 4) + row % kInterleavedRows * 4;
  const auto bytes = static_cast<int64_t>(from.size());
  int64_t at = 0;
  for (; at + 4 <= bytes; at += 4, to += kStep) store_word(shuffled(load_word(&from[at], 4)), to);
  if (at < bytes) store_word(shuffled(load_word(&from[at], bytes - at)), to);
}

void interleave_int8_row(std::span<const int8_t> from, int64_t row, int8_t* codes) {
  const auto cols = static_cast<int64_t>(from.size());
  int8_t* to = codes + row / kInterleavedRows * block_stride(cols, 8) + row % kInterleavedRows * 4;
  for (int64_t step = 0; step < interleaved_cols(cols) / 4; ++step, to += 64) {
    const int64_t used = std::clamp<int64_t>(cols - step * 4, 0, 4);
    std::memset(to, 0, 4);
    std::memcpy(to, from.data() + std::min(step * 4, cols), static_cast<size_t>(used));
  }
}

int64_t interleaved_scale_at(int64_t row, int64_t group, int64_t groups) {
  return (row / kInterleavedRows * groups + group) * kInterleavedRows + row % kInterleavedRows;
}

void interleave_scales(std::span<const F16> from, int64_t row, F16* scales) {
  const auto groups = static_cast<int64_t>(from.size());
  for (int64_t group = 0; group < groups; ++group)
    scales[interleaved_scale_at(row, group, groups)] = from[static_cast<size_t>(group)];
}

int interleaved_int4(const uint8_t* codes, int64_t cols, int64_t row, int64_t col) {
  const uint8_t byte = codes[row / kInterleavedRows * block_stride(cols, 4) + col / 8 * 64 +
                             row % kInterleavedRows * 4 + col % 4];
  return col % 8 < 4 ? byte & 15 : byte >> 4;
}

int interleaved_int8(const int8_t* codes, int64_t cols, int64_t row, int64_t col) {
  return codes[row / kInterleavedRows * block_stride(cols, 8) + col / 4 * 64 +
               row % kInterleavedRows * 4 + col % 4];
}

Weight interleave(const Weight& weight) {
  Weight to{.name = weight.name, .rows = weight.rows, .cols = weight.cols, .layout = {}};
  if (const auto* int8 = std::get_if<Int8>(&weight.layout)) to.layout = interleaved(weight, *int8);
  if (const auto* int4 = std::get_if<Int4>(&weight.layout)) to.layout = interleaved(weight, *int4);
  return to;
}

}  // namespace visavis::tensor
