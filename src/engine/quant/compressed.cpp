// compressed-tensors, integers: pack-quantized (weight_packed i32 [out, in / (32 / bits)], low bits
// first along the input, codes stored plus 2^(bits-1); zero points packed the same way along the
// output, or plain i8) and int-quantized (weight i8).
#include <algorithm>

#include "base/error.h"
#include "engine/quant/grouped.h"

namespace visavis::quant {
namespace {

using checkpoint::ConfigReader;
using tensor::DType;
using tensor::Shape;

constexpr std::initializer_list<DType> kFloats = {DType::f16, DType::bf16, DType::f32};

// Inputs per scale. `columns`: of the scales.
int64_t group_of(const Module& module, const ConfigReader& settings, int64_t cols,
                 int64_t columns) {
  if (columns == 1) return 0;
  const ConfigReader groups = settings.section("config_groups");
  for (const auto& [name, each] : groups.json().items()) {
    const ConfigReader group = groups.section(name);
    if (!group.has("weights.group_size")) continue;
    const int64_t size = group.require_int("weights.group_size", -1);
    if (size > 0 && tensor::groups_of(cols, size) == columns) return size;
  }
  if (columns == 0 || cols % columns != 0)
    module.reject("weight_scale", "has ", columns, " columns for ", cols,
                  " inputs, which fits no group_size of quantization_config");
  return cols / columns;
}

// Whether some group of quantization_config says what the tensors are: a file whose settings and
// codes have come apart would load as noise elsewhere. Which group a module belongs to is not
// asked, as loaders differ in what they call modules.
void check_stated(const Module& module, const ConfigReader& settings, int bits, bool zero_points) {
  const ConfigReader groups = settings.section("config_groups");
  bool any = false;
  for (const auto& [name, each] : groups.json().items()) {
    const ConfigReader group = groups.section(name);
    if (!group.has("weights")) continue;
    any = true;
    const std::string type = group.string_or("weights.type", "int");
    if (type != "int") continue;
    if (group.int_or("weights.num_bits", 8, 1, 32) == bits &&
        group.bool_or("weights.symmetric", true) == !zero_points)
      return;
  }
  if (any)
    module.reject("weight_packed", "has ", bits, " bits ", zero_points ? "and" : "without",
                  " zero points, which no group of quantization_config.config_groups states");
}

class Compressed : public GroupedTensor {
 public:
  Compressed(Module module, Grouping grouping, Numbers codes, Numbers scales, Numbers zeros)
      : GroupedTensor(std::move(module), std::move(grouping)),
        codes_(codes),
        scales_(scales),
        zeros_(zeros) {
    settle(scales.dtype() == DType::f16);
  }

 protected:
  void unpack(int64_t begin, int64_t end, uint8_t* out) const override {
    const int64_t cols = grouping().cols;
    if (codes_.dtype() == DType::i8) {
      for (int64_t i = begin * cols; i < end * cols; ++i)
        *out++ = static_cast<uint8_t>(codes_.integer(i) + 128);
      return;
    }
    const int bits = grouping().bits;
    const int64_t per_word = 32 / bits;
    const int64_t words = (cols + per_word - 1) / per_word;
    const uint32_t mask = (1u << bits) - 1;
    for (int64_t row = begin; row < end; ++row)
      for (int64_t i = 0; i < cols; ++i)
        *out++ = static_cast<uint8_t>(
            codes_.word(row * words + i / per_word) >> (i % per_word * bits) & mask);
  }
  float scale(int64_t row, int64_t group) const override {
    return scales_.number(row * grouping().groups() + group);
  }
  int zero(int64_t row, int64_t group) const override {
    const int bits = grouping().bits;
    const int64_t groups = grouping().groups();
    if (zeros_.dtype() == DType::i8)
      return static_cast<int>(zeros_.integer(row * groups + group)) + (1 << (bits - 1));
    const int64_t per_word = 32 / bits;
    const uint32_t word = zeros_.word(row / per_word * groups + group);
    return static_cast<int>(word >> (row % per_word * bits) & ((1u << bits) - 1));
  }

 private:
  Numbers codes_;
  Numbers scales_;
  Numbers zeros_;
};

Shape scale_shape(const Module& module, const Numbers& scales, int64_t rows) {
  const Shape& shape = scales.shape();
  if (shape.rank() == 2 && shape[0] == rows) return shape;
  module.reject("weight_scale", "has shape ", shape.text(), ", wanted [", rows, ", groups]");
}

}  // namespace

Opened open_pack_quantized(Module module, const ConfigReader& settings) {
  const std::string format = settings.string_or("format", "pack-quantized");
  require(format == "pack-quantized" || format == "mixed-precision", settings.file(),
          ": quantization_config.format is '", format,
          "', but there are tensors 'weight_packed'; wanted 'pack-quantized'");
  const Numbers packed = module.take("weight_packed", {DType::i32});
  const Numbers size = module.take("weight_shape", {DType::i64, DType::i32}, Shape{2});
  const int64_t rows = size.integer(0);
  const int64_t cols = size.integer(1);
  if (rows < 1 || cols < 1 || rows > checkpoint::kMaxDimension || cols > checkpoint::kMaxDimension)
    module.reject("weight_shape", "says ", rows, " x ", cols, ", wanted 1 to ",
                  checkpoint::kMaxDimension);
  const Shape& words = packed.shape();
  int bits = 0;
  for (const int each : {4, 8})
    if (words == Shape{rows, (cols + 32 / each - 1) / (32 / each)}) bits = each;
  if (bits == 0)
    module.reject("weight_packed", "has shape ", words.text(), ", wanted [", rows, ", ",
                  (cols + 7) / 8, "] for 4 bits or [", rows, ", ", (cols + 3) / 4, "] for 8");
  const Numbers scales = module.take("weight_scale", kFloats);
  const int64_t columns = scale_shape(module, scales, rows)[1];

  Grouping grouping = {.name = "compressed-tensors",
                       .bits = bits,
                       .rows = rows,
                       .cols = cols,
                       .group = group_of(module, settings, cols, columns)};
  const Numbers zeros = module.take_if("weight_zero_point", {DType::i32, DType::i8});
  if (zeros.present()) {
    const int64_t per_word = 32 / bits;
    const Shape wanted = zeros.dtype() == DType::i8
                             ? Shape{rows, columns}
                             : Shape{(rows + per_word - 1) / per_word, columns};
    if (!(zeros.shape() == wanted))
      module.reject("weight_zero_point", "has shape ", zeros.shape().text(), ", wanted ",
                    wanted.text());
    for (int64_t i = 0; zeros.dtype() == DType::i8 && i < zeros.count(); ++i) {
      const int64_t most = (int64_t{1} << (bits - 1)) - 1;
      const int64_t zero = zeros.integer(i);
      if (zero < -most - 1 || zero > most)
        module.reject("weight_zero_point", "holds ", zero, ", wanted ", -most - 1, " to ", most);
    }
  } else {
    grouping.zero = 1 << (bits - 1);
  }
  check_stated(module, settings, bits, zeros.present());
  if (module.has("weight_g_idx"))
    grouping.group_of = read_group_index(module, "weight_g_idx", cols, grouping.group, columns);
  return {
      std::make_unique<Compressed>(std::move(module), std::move(grouping), packed, scales, zeros),
      rows, cols, scales.dtype()};
}

Opened open_int_quantized(Module module, const ConfigReader& settings) {
  const Numbers codes = module.take("weight", {DType::i8});
  if (codes.shape().rank() != 2 || codes.count() == 0)
    module.reject("weight", "has shape ", codes.shape().text(), ", wanted [out, in]");
  const int64_t rows = codes.shape()[0];
  const int64_t cols = codes.shape()[1];
  const Numbers scales = module.take("weight_scale", kFloats);
  const int64_t columns = scale_shape(module, scales, rows)[1];
  Grouping grouping = {.name = "compressed-tensors",
                       .bits = 8,
                       .rows = rows,
                       .cols = cols,
                       .group = group_of(module, settings, cols, columns),
                       .zero = 128};
  if (module.has("weight_zero_point"))
    module.reject("weight_zero_point", "is not supported beside 8-bit integers");
  return {std::make_unique<Compressed>(std::move(module), std::move(grouping), codes, scales,
                                       Numbers()),
          rows, cols, scales.dtype()};
}

}  // namespace visavis::quant
