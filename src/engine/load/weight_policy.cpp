#include "engine/load/weight_policy.h"

#include "base/error.h"
#include "engine/tensor/interleave.h"
#include "engine/tensor/weight.h"

namespace visavis::load {
namespace {

using tensor::DType;

constexpr int64_t kGroup = 128;

struct Word {
  std::string_view text;
  Precision precision;
};
constexpr Word kWords[] = {{"f32", Precision::f32},
                           {"bf16", Precision::bf16},
                           {"f16", Precision::f16},
                           {"int8", Precision::int8},
                           {"int4", Precision::int4}};

Layout dense(DType dtype, bool round_input = false) {
  return {Layout::Kind::dense, dtype, 0, round_input, false};
}

// Whether the input of dense weights of a type may be rounded.
struct Rounds {
  bool bf16;
  bool f16;
};

// Without quantisation to `quantised`, a dense type of that name.
Layout dense_or(Precision precision, const Rounds& round_input, const Layout& if_int8,
                const Layout& if_int4) {
  switch (precision) {
    case Precision::f32:
      return dense(DType::f32);
    case Precision::bf16:
      return dense(DType::bf16, round_input.bf16);
    case Precision::f16:
      return dense(DType::f16, round_input.f16);
    case Precision::int8:
      return if_int8;
    case Precision::int4:
      return if_int4;
  }
  return if_int4;
}

}  // namespace

Layout layout_for(const WeightPolicy& policy, Role role, DType stored) {
  const bool round_input = policy.round_input;
  const bool interleaved = round_input && policy.interleave;
  // CPUs multiply bf16 and no f16; other devices both.
  const Rounds rounds = {.bf16 = round_input, .f16 = round_input && !policy.interleave};
  const Layout kept =
      stored == DType::f16 ? dense(DType::f16, rounds.f16) : dense(DType::bf16, rounds.bf16);
  const auto int8 = [&](int64_t group) {
    return Layout{Layout::Kind::int8, DType::i8, group, round_input, interleaved};
  };
  const Layout int4 = {Layout::Kind::int4, DType::u8, kGroup, round_input, interleaved};
  switch (role) {
    case Role::decoder:
      return dense_or(policy.body, rounds, int8(kGroup), int4);
    case Role::head:
      return dense_or(policy.body, rounds, int8(kGroup), int8(kGroup));
    case Role::embedding:
      return dense(stored);
    case Role::vision:
      if (!policy.vision) return dense_or(policy.body, rounds, kept, kept);
      require(*policy.vision != Precision::int4,
              "--vision-weights: found 'int4', wanted f32, bf16, f16 or int8");
      return dense_or(*policy.vision, rounds, int8(0), kept);
  }
  return kept;
}

int64_t value_bytes(const Layout& layout, int64_t rows, int64_t cols) {
  if (layout.kind == Layout::Kind::dense) return rows * cols * tensor::size_of(layout.dtype);
  const int bits = layout.kind == Layout::Kind::int4 ? 4 : 8;
  if (layout.interleaved) return tensor::interleaved_code_bytes(rows, cols, bits);
  return rows * (bits == 4 ? (cols + 1) / 2 : cols);
}

int64_t scale_bytes(const Layout& layout, int64_t rows, int64_t cols) {
  if (layout.kind == Layout::Kind::dense) return 0;
  const int64_t groups = tensor::groups_of(cols, layout.group);
  if (layout.interleaved) return tensor::interleaved_scale_bytes(rows, groups);
  return rows * groups * static_cast<int64_t>(sizeof(tensor::F16));
}

int64_t layout_bytes(const Layout& layout, int64_t rows, int64_t cols) {
  return value_bytes(layout, rows, cols) + scale_bytes(layout, rows, cols);
}

std::string layout_name(const Layout& layout) {
  switch (layout.kind) {
    case Layout::Kind::dense:
      return std::string(tensor::name_of(layout.dtype));
    case Layout::Kind::int8:
      return layout.group == 0 ? "int8 per row" : "int8 g" + std::to_string(layout.group);
    case Layout::Kind::int4:
      return "int4 g" + std::to_string(layout.group) + " sym";
  }
  return "?";
}

Precision precision_named(std::string_view word, std::string_view option) {
  std::string known;
  for (const Word& each : kWords) {
    if (each.text == word) return each.precision;
    known += (known.empty() ? "" : ", ") + std::string(each.text);
  }
  fail(option, ": found '", word, "', wanted one of ", known);
}

std::string_view name_of(Precision precision) {
  for (const Word& each : kWords)
    if (each.precision == precision) return each.text;
  return "?";
}

}  // namespace visavis::load
