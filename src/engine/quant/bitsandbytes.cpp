// bitsandbytes' 4-bit types: codes of a table of 16 levels (quant_map), two a byte with the first
// in the high nibble, running over the whole matrix; absmax f32 per block of values, or u8 codes of
// a second table with a scale per block of blocks (double quantisation) and an offset.
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/json.h"
#include "engine/quant/module.h"

namespace visavis::quant {
namespace {

using checkpoint::CodeForm;
using checkpoint::ConfigReader;
using tensor::DType;
using tensor::F16;
using tensor::Shape;

constexpr int64_t kMaxState = 1 << 16;
constexpr int64_t kMaxBlock = 1 << 20;

struct State {
  std::string type;  // "nf4"
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t block = 64;
  int64_t nested_block = 256;
  float offset = 0;
};

class BitsAndBytes : public checkpoint::EncodedTensor {
 public:
  BitsAndBytes(Module module, State state, Numbers codes, const Numbers& levels, Numbers absmax,
               Numbers nested, Numbers nested_levels)
      : module_(std::move(module)),
        state_(std::move(state)),
        codes_(codes),
        absmax_(absmax),
        nested_(nested),
        nested_levels_(nested_levels) {
    for (int64_t i = 0; i < 16; ++i) levels_[static_cast<size_t>(i)] = levels.number(i);
    // Blocks must be runs of one row, and as long as the kernels' vectors.
    if (state_.cols % state_.block != 0 || state_.block % 32 != 0) return;
    form_ = {.kind = CodeForm::Kind::int4,
             .group = state_.block == state_.cols ? 0 : state_.block,
             .lookup = levels_};
  }

  std::string format() const override {
    return "bitsandbytes " + state_.type + " g" + std::to_string(state_.block) +
           (nested_.present() ? " nested" : "");
  }
  int64_t stored_bytes() const override { return module_.stored_bytes(); }
  CodeForm form() const override { return form_; }
  void prefetch() const override { module_.prefetch(); }
  void drop() const override { module_.drop(); }

  bool values(int64_t begin, int64_t end, float* out) const override {
    bool finite = true;
    int64_t block = -1;
    float scale = 0;
    for (int64_t i = begin * state_.cols; i < end * state_.cols; ++i) {
      if (i / state_.block != block) {
        block = i / state_.block;
        scale = scale_of(block);
      }
      *out = levels_[code(i)] * scale;
      finite = finite && std::isfinite(*out++);
    }
    return finite;
  }

  bool codes(int64_t begin, int64_t end, const checkpoint::CodeRows& out) const override {
    bool finite = true;
    const int64_t blocks = state_.cols / state_.block;
    for (int64_t i = begin * state_.cols / 2; i < end * state_.cols / 2; ++i) {
      const auto byte = static_cast<unsigned>(codes_.data()[i]);
      out.codes[i - begin * state_.cols / 2] =
          static_cast<std::byte>((byte >> 4 | byte << 4) & 255);
    }
    for (int64_t i = begin * blocks; i < end * blocks; ++i) {
      const F16 half = tensor::to_f16(scale_of(i));
      finite = finite && std::isfinite(tensor::to_float(half));
      std::memcpy(out.scales + 2 * (i - begin * blocks), &half.bits, 2);
    }
    return finite;
  }

 private:
  size_t code(int64_t i) const {
    const auto byte = static_cast<unsigned>(codes_.data()[i / 2]);
    return i % 2 == 0 ? byte >> 4 : byte & 15;
  }
  float scale_of(int64_t block) const {
    if (!nested_.present()) return absmax_.number(block);
    const float level = nested_levels_.number(absmax_.integer(block));
    return level * nested_.number(block / state_.nested_block) + state_.offset;
  }

  Module module_;
  State state_;
  Numbers codes_;
  std::array<float, 16> levels_{};
  Numbers absmax_;
  Numbers nested_;
  Numbers nested_levels_;
  CodeForm form_;
};

// The small JSON document that lies in a tensor of bytes.
State read_state(Module& module) {
  const bool nf4 = module.has("weight.quant_state.bitsandbytes__nf4");
  const char* ending =
      nf4 ? "weight.quant_state.bitsandbytes__nf4" : "weight.quant_state.bitsandbytes__fp4";
  const Numbers bytes = module.take(ending, {DType::u8});
  if (bytes.count() > kMaxState)
    module.reject(ending, "has ", bytes.count(), " bytes, wanted at most ", kMaxState);
  const std::string name = module.prefix() + ending;
  const std::string text(reinterpret_cast<const char*>(bytes.data()),
                         static_cast<size_t>(bytes.count()));
  const ConfigReader json(base::parse_json(text, "tensor '" + name + "'"), "tensor '" + name + "'");
  State state;
  state.type = json.require_string("quant_type");
  const std::vector<int64_t> shape = json.ints("shape", 1);
  if (shape.size() != 2) json.reject("shape", "two sizes");
  state.rows = shape[0];
  state.cols = shape[1];
  state.block = json.require_int("blocksize", 1, kMaxBlock);
  if (json.has("nested_blocksize")) {
    state.nested_block = json.require_int("nested_blocksize", 1, kMaxBlock);
    state.offset = static_cast<float>(json.number_or("nested_offset", 0, -1e30, 1e30));
  }
  return state;
}

}  // namespace

Opened open_bitsandbytes(Module module, const ConfigReader& /*settings*/) {
  State state = read_state(module);
  const int64_t count = state.rows * state.cols;
  const Numbers codes = module.take("weight", {DType::u8});
  if (codes.count() != (count + 1) / 2)
    module.reject("weight", "has ", codes.count(), " bytes, wanted ", (count + 1) / 2, " for ",
                  state.rows, " x ", state.cols, " codes of 4 bits");
  const int64_t blocks = (count + state.block - 1) / state.block;
  const Numbers levels = module.take("weight.quant_map", {DType::f32}, Shape{16});
  const Numbers absmax = module.take("weight.absmax", {DType::f32, DType::u8}, Shape{blocks});
  Numbers nested;
  Numbers nested_levels;
  if (absmax.dtype() == DType::u8) {
    nested = module.take("weight.nested_absmax", {DType::f32},
                         Shape{(blocks + state.nested_block - 1) / state.nested_block});
    nested_levels = module.take("weight.nested_quant_map", {DType::f32}, Shape{256});
  }
  const int64_t rows = state.rows;
  const int64_t cols = state.cols;
  return {std::make_unique<BitsAndBytes>(std::move(module), std::move(state), codes, levels, absmax,
                                         nested, nested_levels),
          rows, cols, DType::bf16};
}

}  // namespace visavis::quant
