#include "engine/tensor/block_format.h"

#include <array>
#include <cstring>

namespace visavis::tensor {
namespace {

uint8_t byte_at(const std::byte* block, int64_t i) { return std::to_integer<uint8_t>(block[i]); }

int8_t signed_at(const std::byte* block, int64_t i) {
  return static_cast<int8_t>(byte_at(block, i));
}

float half_at(const std::byte* block, int64_t i) {
  F16 half;
  std::memcpy(&half.bits, block + i, sizeof(half.bits));
  return to_float(half);
}

// 32 values: f16 d; 16 bytes, byte i holds value i low and value i + 16 high. d * (q - 8).
void unpack_q4_0(const std::byte* block, float* out) {
  const float d = half_at(block, 0);
  for (int i = 0; i < 16; ++i) {
    const int packed = byte_at(block, 2 + i);
    out[i] = d * static_cast<float>((packed & 15) - 8);
    out[i + 16] = d * static_cast<float>((packed >> 4) - 8);
  }
}

// 32 values: f16 d, f16 m; nibbles as in q4_0. d * q + m.
void unpack_q4_1(const std::byte* block, float* out) {
  const float d = half_at(block, 0);
  const float m = half_at(block, 2);
  for (int i = 0; i < 16; ++i) {
    const int packed = byte_at(block, 4 + i);
    out[i] = d * static_cast<float>(packed & 15) + m;
    out[i + 16] = d * static_cast<float>(packed >> 4) + m;
  }
}

// Codes of q5_0 and q5_1: 4 bytes, bit i of whose word is the fifth bit of value i; then nibbles as
// in q4_0.
std::array<float, 32> five_bits(const std::byte* packed) {
  std::array<float, 32> codes;
  for (int i = 0; i < 32; ++i) {
    const int nibbles = byte_at(packed, 4 + i % 16);
    const int low = i < 16 ? nibbles & 15 : nibbles >> 4;
    const int high = (byte_at(packed, i / 8) >> (i % 8)) & 1;
    codes[static_cast<size_t>(i)] = static_cast<float>(low | (high << 4));
  }
  return codes;
}

// 32 values: f16 d; codes. d * (q - 16).
void unpack_q5_0(const std::byte* block, float* out) {
  const float d = half_at(block, 0);
  for (const float code : five_bits(block + 2)) *out++ = d * (code - 16.0f);
}

// 32 values: f16 d, f16 m; codes. d * q + m.
void unpack_q5_1(const std::byte* block, float* out) {
  const float d = half_at(block, 0);
  const float m = half_at(block, 2);
  for (const float code : five_bits(block + 4)) *out++ = d * code + m;
}

// 32 values: f16 d; 32 signed bytes. d * q.
void unpack_q8_0(const std::byte* block, float* out) {
  const float d = half_at(block, 0);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(signed_at(block, 2 + i));
}

struct ScaleAndMin {
  float scale;
  float min;
};

// The 12 bytes of q4_k and q5_k hold eight 6-bit scales and eight 6-bit minima. Of the first four
// each has a byte of its own (scales 0..3, minima 4..7); the last four have their low nibbles in
// bytes 8..11 (scale low, minimum high) and their upper two bits on top of bytes 0..7.
ScaleAndMin six_bits(const std::byte* packed, int sub) {
  if (sub < 4) {
    return {static_cast<float>(byte_at(packed, sub) & 63),
            static_cast<float>(byte_at(packed, sub + 4) & 63)};
  }
  const int low = byte_at(packed, sub + 4);
  const int scale = (low & 15) | ((byte_at(packed, sub - 4) >> 6) << 4);
  const int min = (low >> 4) | ((byte_at(packed, sub) >> 6) << 4);
  return {static_cast<float>(scale), static_cast<float>(min)};
}

// 256 values in 8 sub-blocks of 32: f16 d, f16 dmin, 12 bytes of scales and minima, 128 bytes of
// nibbles (32 bytes serve two sub-blocks: low nibbles, then high). d * scale * q - dmin * min.
void unpack_q4_k(const std::byte* block, float* out) {
  const float d = half_at(block, 0);
  const float dmin = half_at(block, 2);
  for (int sub = 0; sub < 8; ++sub) {
    const auto [scale, min] = six_bits(block + 4, sub);
    const int shift = 4 * (sub % 2);
    for (int i = 0; i < 32; ++i) {
      const int q = (byte_at(block, 16 + 32 * (sub / 2) + i) >> shift) & 15;
      out[32 * sub + i] = d * scale * static_cast<float>(q) - dmin * min;
    }
  }
}

// As q4_k with 32 bytes of fifth bits before the nibbles: bit `sub` of byte i belongs to value i of
// that sub-block.
void unpack_q5_k(const std::byte* block, float* out) {
  const float d = half_at(block, 0);
  const float dmin = half_at(block, 2);
  for (int sub = 0; sub < 8; ++sub) {
    const auto [scale, min] = six_bits(block + 4, sub);
    const int shift = 4 * (sub % 2);
    for (int i = 0; i < 32; ++i) {
      const int low = (byte_at(block, 48 + 32 * (sub / 2) + i) >> shift) & 15;
      const int high = (byte_at(block, 16 + i) >> sub) & 1;
      out[32 * sub + i] = d * scale * static_cast<float>(low | (high << 4)) - dmin * min;
    }
  }
}

// 256 values in two halves of 128: 128 bytes of low nibbles, 64 bytes of upper bit pairs, 16 signed
// scales (one per 16 values), f16 d. d * scale * (q - 32). In a half, value v = 32 * k + i has its
// low bits in byte 32 * (k % 2) + i (upper nibble for k >= 2) and its high bits in pair k of byte
// i.
void unpack_q6_k(const std::byte* block, float* out) {
  const float d = half_at(block, 208);
  for (int half = 0; half < 2; ++half) {
    for (int v = 0; v < 128; ++v) {
      const int k = v / 32;
      const int i = v % 32;
      const int low = (byte_at(block, 64 * half + 32 * (k % 2) + i) >> (k < 2 ? 0 : 4)) & 15;
      const int high = (byte_at(block, 128 + 32 * half + i) >> (2 * k)) & 3;
      const auto scale = static_cast<float>(signed_at(block, 192 + 8 * half + v / 16));
      out[128 * half + v] = d * scale * static_cast<float>((low | (high << 4)) - 32);
    }
  }
}

struct BlockRow {
  BlockFormat format;
  std::string_view name;
  int64_t values;
  int64_t bytes;
  void (*unpack)(const std::byte* block, float* out);
};

constexpr BlockRow kBlocks[] = {
    {BlockFormat::q4_0, "q4_0", 32, 18, &unpack_q4_0},
    {BlockFormat::q4_1, "q4_1", 32, 20, &unpack_q4_1},
    {BlockFormat::q5_0, "q5_0", 32, 22, &unpack_q5_0},
    {BlockFormat::q5_1, "q5_1", 32, 24, &unpack_q5_1},
    {BlockFormat::q8_0, "q8_0", 32, 34, &unpack_q8_0},
    {BlockFormat::q4_k, "q4_k", 256, 144, &unpack_q4_k},
    {BlockFormat::q5_k, "q5_k", 256, 176, &unpack_q5_k},
    {BlockFormat::q6_k, "q6_k", 256, 210, &unpack_q6_k},
};

const BlockRow& row_of(BlockFormat format) {
  const BlockRow& row = kBlocks[static_cast<size_t>(format)];
  assert(row.format == format);  // the table follows the enum's order
  return row;
}

}  // namespace

std::string_view name_of(BlockFormat format) { return row_of(format).name; }
int64_t block_values(BlockFormat format) { return row_of(format).values; }
int64_t block_bytes(BlockFormat format) { return row_of(format).bytes; }

void dequantize_block(BlockFormat format, const std::byte* block, float* out) {
  row_of(format).unpack(block, out);
}

}  // namespace visavis::tensor
