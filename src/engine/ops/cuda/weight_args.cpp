#include "engine/ops/cuda/weight_args.h"

#include <algorithm>
#include <variant>

#include "base/error.h"

namespace visavis::ops::cuda {
namespace {

void fill_layout(const Weight& /*weight*/, const tensor::Dense& dense, WeightArgs& args) {
  args.kind = weight_kind(dense.dtype);
  args.values = dense.values.data();
}

template <class Coded>
void fill_codes(const Weight& weight, const Coded& coded, WeightArgs& args) {
  require(!coded.interleaved, "weight '", weight.name,
          "': its codes are interleaved for the CPU, CUDA wants rows");
  args.values = coded.codes.data();
  args.scales = coded.scales.data();
  args.group = coded.group == 0 ? std::max<int64_t>(1, weight.cols) : coded.group;
  args.groups = tensor::groups_of(weight.cols, coded.group);
}

void fill_layout(const Weight& weight, const tensor::Int8& int8, WeightArgs& args) {
  args.kind = WeightKind::int8;
  fill_codes(weight, int8, args);
}

void fill_layout(const Weight& weight, const tensor::Int4& int4, WeightArgs& args) {
  args.kind = WeightKind::int4;
  fill_codes(weight, int4, args);
  args.zero = static_cast<ZeroPoint>(int4.zero);
  args.zeros = int4.zeros.data();
  args.has_lookup = int4.lookup.has_value();
  if (int4.lookup) std::copy(int4.lookup->begin(), int4.lookup->end(), args.lookup);
  args.permutation = int4.permutation.as<int32_t>();
}

void fill_layout(const Weight& weight, const tensor::BlockQ& /*blocks*/, WeightArgs& /*args*/) {
  fail("weight '", weight.name, "': CUDA has no kernel for ", weight.layout_name(), " blocks");
}

static_assert(static_cast<int>(ZeroPoint::none) == static_cast<int>(tensor::ZeroPoint::none) &&
              static_cast<int>(ZeroPoint::u4) == static_cast<int>(tensor::ZeroPoint::u4) &&
              static_cast<int>(ZeroPoint::f16) == static_cast<int>(tensor::ZeroPoint::f16));

}  // namespace

WeightKind weight_kind(DType dtype) {
  if (dtype == DType::f32) return WeightKind::f32;
  if (dtype == DType::f16) return WeightKind::f16;
  require(dtype == DType::bf16, "CUDA takes weights of f32, f16 and bf16, found ",
          tensor::name_of(dtype));
  return WeightKind::bf16;
}

WeightArgs weight_args(const Weight& weight) {
  WeightArgs args;
  args.rows = weight.rows;
  args.cols = weight.cols;
  args.round_input = weight.rounds_input();
  std::visit([&](const auto& layout) { fill_layout(weight, layout, args); }, weight.layout);
  return args;
}

Activation activation_of(ops::Activation activation) {
  switch (activation) {
    case ops::Activation::none:
      return Activation::none;
    case ops::Activation::gelu_erf:
      return Activation::gelu_erf;
    case ops::Activation::gelu_tanh:
      return Activation::gelu_tanh;
    case ops::Activation::quick_gelu:
      return Activation::quick_gelu;
    case ops::Activation::silu:
      return Activation::silu;
  }
  return Activation::none;
}

RopeFrequencies rope_frequencies(const RopeTable& table) {
  require(
      table.sets() > 0 && table.pairs() <= kMostPairs && table.inv_freq.size() <= kMostFrequencies,
      "rope: the table has ", table.inv_freq.size(), " frequencies and ", table.axis.size(),
      " axes, wanted sets of at most ", kMostPairs, " and ", kMostFrequencies, " in all");
  RopeFrequencies result;
  result.pairs = static_cast<int>(table.pairs());
  result.sets = static_cast<int>(table.sets());
  std::copy(table.inv_freq.begin(), table.inv_freq.end(), result.inv_freq);
  std::copy(table.axis.begin(), table.axis.end(), result.axis);
  return result;
}

}  // namespace visavis::ops::cuda
