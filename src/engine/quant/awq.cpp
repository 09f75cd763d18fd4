// AWQ in its GEMM packing: qweight i32 [in, out / 8] and qzeros i32 [groups, out / 8], eight
// outputs a word in the order 0 2 4 6 1 3 5 7; scales [groups, out].
#include "base/error.h"
#include "engine/quant/grouped.h"

namespace visavis::quant {
namespace {

using checkpoint::ConfigReader;
using tensor::DType;
using tensor::Shape;

constexpr int kShifts[8] = {0, 16, 4, 20, 8, 24, 12, 28};  // of output 8 w + i in word w

class Awq : public GroupedTensor {
 public:
  Awq(Module module, Grouping grouping, Numbers codes, Numbers scales, Numbers zeros)
      : GroupedTensor(std::move(module), std::move(grouping)),
        codes_(codes),
        scales_(scales),
        zeros_(zeros) {
    settle(scales.dtype() == DType::f16);
  }
  // Sixteen words of an input, a cache line.
  int64_t grain() const override { return 128; }

 protected:
  void unpack(int64_t begin, int64_t end, uint8_t* out) const override {
    const int64_t cols = grouping().cols;
    for (int64_t i = 0; i < cols; ++i)
      for (int64_t row = begin; row < end; ++row)
        out[(row - begin) * cols + i] = static_cast<uint8_t>(nibble(codes_, i, row));
  }
  float scale(int64_t row, int64_t group) const override {
    return scales_.number(group * grouping().rows + row);
  }
  int zero(int64_t row, int64_t group) const override { return nibble(zeros_, group, row); }

 private:
  int nibble(const Numbers& packed, int64_t line, int64_t row) const {
    return static_cast<int>(
        packed.word(line * (grouping().rows / 8) + row / 8) >> kShifts[row % 8] & 15u);
  }

  Numbers codes_;
  Numbers scales_;
  Numbers zeros_;
};

}  // namespace

Opened open_awq(Module module, const ConfigReader& settings) {
  const char* bits_key = settings.has("bits") ? "bits" : "w_bit";
  settings.require_int(bits_key, 4, 4);
  const std::string version = settings.string_or("version", "gemm");
  require(version == "gemm" || version == "GEMM", settings.file(), ": AWQ version '", version,
          "' is not supported; wanted 'gemm'");
  const int64_t size =
      settings.require_int(settings.has("group_size") ? "group_size" : "q_group_size", -1);
  const Numbers codes = module.take("qweight", {DType::i32});
  if (codes.shape().rank() != 2 || codes.count() == 0 ||
      codes.shape()[1] > checkpoint::kMaxDimension / 8)
    module.reject("qweight", "has shape ", codes.shape().text(), ", wanted [in, out / 8]");
  const int64_t cols = codes.shape()[0];
  const int64_t rows = codes.shape()[1] * 8;
  Grouping grouping = {.name = "awq", .bits = 4, .rows = rows, .cols = cols};
  grouping.group = size <= 0 || size >= cols ? 0 : size;
  const int64_t groups = grouping.groups();
  const Numbers scales =
      module.take("scales", {DType::f16, DType::bf16, DType::f32}, Shape{groups, rows});
  const Numbers zeros = module.take("qzeros", {DType::i32}, Shape{groups, rows / 8});
  return {std::make_unique<Awq>(std::move(module), std::move(grouping), codes, scales, zeros), rows,
          cols, scales.dtype()};
}

}  // namespace visavis::quant
