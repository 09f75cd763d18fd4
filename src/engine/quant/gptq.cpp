// GPTQ: qweight i32 [in * bits / 32, out], low bits first along the input; qzeros i32
// [groups, out * bits / 32], low bits first along the output, one less than the zero point in the
// first version of the format; scales [groups, out]; g_idx i32 [in], the group of each input.
#include "base/error.h"
#include "engine/quant/grouped.h"

namespace visavis::quant {
namespace {

using checkpoint::ConfigReader;
using tensor::DType;
using tensor::Shape;

class Gptq : public GroupedTensor {
 public:
  Gptq(Module module, Grouping grouping, Numbers codes, Numbers scales, Numbers zeros, int less)
      : GroupedTensor(std::move(module), std::move(grouping)),
        codes_(codes),
        scales_(scales),
        zeros_(zeros),
        less_(less) {
    settle(scales.dtype() == DType::f16);
  }
  // Sixteen outputs of eight inputs, a cache line.
  int64_t grain() const override { return 16; }

 protected:
  void unpack(int64_t begin, int64_t end, uint8_t* out) const override {
    const int bits = grouping().bits;
    const int64_t cols = grouping().cols;
    const int64_t per_word = 32 / bits;
    for (int64_t line = 0; line < cols / per_word; ++line)
      for (int64_t row = begin; row < end; ++row) {
        uint32_t word = codes_.word(line * grouping().rows + row);
        uint8_t* to = out + (row - begin) * cols + line * per_word;
        for (int64_t i = 0; i < per_word; ++i, word >>= bits)
          to[i] = static_cast<uint8_t>(word & ((1u << bits) - 1));
      }
  }
  float scale(int64_t row, int64_t group) const override {
    return scales_.number(group * grouping().rows + row);
  }
  // What was stored as minus one comes back as zero.
  int zero(int64_t row, int64_t group) const override {
    const int bits = grouping().bits;
    const int64_t per_word = 32 / bits;
    const uint32_t word = zeros_.word(group * (grouping().rows / per_word) + row / per_word);
    const auto mask = (1u << bits) - 1;
    return static_cast<int>(((word >> (row % per_word * bits)) + static_cast<uint32_t>(less_)) &
                            mask);
  }

 private:
  Numbers codes_;
  Numbers scales_;
  Numbers zeros_;
  int less_;
};

// The zero point that all groups share, or -1.
int shared_zero(const Numbers& zeros, int bits, int less) {
  const auto mask = (1u << bits) - 1;
  const uint32_t first = zeros.word(0) & mask;
  uint32_t all = 0;
  for (int i = 0; i < 32; i += bits) all |= first << i;
  for (int64_t i = 0; i < zeros.count(); ++i)
    if (zeros.word(i) != all) return -1;
  return static_cast<int>((first + static_cast<uint32_t>(less)) & mask);
}

}  // namespace

Opened open_gptq(Module module, const ConfigReader& settings) {
  const int64_t bits = settings.require_int("bits", 2, 8);
  if (bits != 4 && bits != 8) settings.reject("bits", "4 or 8");
  const std::string version = settings.string_or("checkpoint_format", "gptq");
  require(version == "gptq" || version == "gptq_v2", settings.file(), ": checkpoint_format '",
          version, "' is not supported; wanted 'gptq' or 'gptq_v2'");
  const int less = version == "gptq" ? 1 : 0;
  const int64_t size = settings.require_int("group_size", -1);
  const int64_t per_word = 32 / bits;
  const Numbers codes = module.take("qweight", {DType::i32});
  if (codes.shape().rank() != 2 || codes.count() == 0 ||
      codes.shape()[0] > checkpoint::kMaxDimension / per_word || codes.shape()[1] % per_word != 0)
    module.reject("qweight", "has shape ", codes.shape().text(), ", wanted [in / ", per_word,
                  ", out], out a multiple of ", per_word);
  const int64_t cols = codes.shape()[0] * per_word;
  const int64_t rows = codes.shape()[1];
  Grouping grouping = {.name = "gptq", .bits = static_cast<int>(bits), .rows = rows, .cols = cols};
  grouping.group = size <= 0 || size >= cols ? 0 : size;
  const int64_t groups = grouping.groups();
  const Numbers scales =
      module.take("scales", {DType::f16, DType::bf16, DType::f32}, Shape{groups, rows});
  const Numbers zeros = module.take("qzeros", {DType::i32}, Shape{groups, rows / per_word});
  grouping.zero = shared_zero(zeros, grouping.bits, less);
  if (module.has("g_idx"))
    grouping.group_of = read_group_index(module, "g_idx", cols, grouping.group, groups);
  return {
      std::make_unique<Gptq>(std::move(module), std::move(grouping), codes, scales, zeros, less),
      rows, cols, scales.dtype()};
}

}  // namespace visavis::quant
