#include "engine/load/weight_policy.h"

#include "base/error.h"
#include "engine/tensor/block_format.h"
#include "engine/tensor/interleave.h"

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
  return {.kind = Layout::Kind::dense, .dtype = dtype, .round_input = round_input};
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
    return Layout{.kind = Layout::Kind::int8,
                  .dtype = DType::i8,
                  .group = group,
                  .round_input = round_input,
                  .interleaved = interleaved};
  };
  const Layout int4 = {.kind = Layout::Kind::int4,
                       .dtype = DType::u8,
                       .group = kGroup,
                       .round_input = round_input,
                       .interleaved = interleaved};
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

Layout layout_for(const WeightPolicy& policy, Role role, DType stored,
                  const checkpoint::CodeForm& form) {
  using Form = checkpoint::CodeForm::Kind;
  if (role == Role::embedding) {
    if (policy.body == Precision::f32) return dense(DType::f32);
    return dense(policy.body == Precision::bf16 ? DType::bf16 : DType::f16);
  }
  const bool keeps = role != Role::vision || !policy.vision;
  // Where blocks cannot stay, 8 bits lose next to nothing of their 4 to 6.
  if (form.kind == Form::blocks && !policy.blocks && keeps && role != Role::vision &&
      policy.body == Precision::int4)
    return layout_for({.body = Precision::int8,
                       .round_input = policy.round_input,
                       .interleave = policy.interleave},
                      role, stored);
  const bool fits =
      policy.body == Precision::int4 || (policy.body == Precision::int8 && form.kind == Form::int8);
  if (form.kind == Form::none || !keeps || !fits || (form.kind == Form::blocks && !policy.blocks))
    return layout_for(policy, role, stored);

  // Plain codes go where new ones would; the kernels of the others read rows in f32.
  const bool plain =
      form.kind == Form::int8 || (form.kind == Form::int4 && form.zero == tensor::ZeroPoint::none &&
                                  !form.lookup && !form.permuted);
  Layout layout;
  layout.kept = true;
  layout.kind = form.kind == Form::int8   ? Layout::Kind::int8
                : form.kind == Form::int4 ? Layout::Kind::int4
                                          : Layout::Kind::blocks;
  layout.dtype = form.kind == Form::int8 ? DType::i8 : DType::u8;
  layout.group = form.group;
  layout.round_input = policy.round_input && plain;
  layout.interleaved = layout.round_input && policy.interleave;
  layout.zero = form.zero;
  layout.lookup = form.lookup;
  layout.permuted = form.permuted;
  layout.block_format = form.blocks;
  return layout;
}

int64_t value_bytes(const Layout& layout, int64_t rows, int64_t cols) {
  if (layout.kind == Layout::Kind::dense) return rows * cols * tensor::size_of(layout.dtype);
  if (layout.kind == Layout::Kind::blocks)
    return rows * (cols / tensor::block_values(layout.block_format)) *
           tensor::block_bytes(layout.block_format);
  const int bits = layout.kind == Layout::Kind::int4 ? 4 : 8;
  if (layout.interleaved) return tensor::interleaved_code_bytes(rows, cols, bits);
  return rows * (bits == 4 ? (cols + 1) / 2 : cols);
}

int64_t scale_bytes(const Layout& layout, int64_t rows, int64_t cols) {
  if (layout.kind == Layout::Kind::dense || layout.kind == Layout::Kind::blocks) return 0;
  const int64_t groups = tensor::groups_of(cols, layout.group);
  if (layout.interleaved) return tensor::interleaved_scale_bytes(rows, groups);
  return rows * groups * static_cast<int64_t>(sizeof(tensor::F16));
}

int64_t zero_bytes(const Layout& layout, int64_t rows, int64_t cols) {
  const int64_t groups = tensor::groups_of(cols, layout.group);
  switch (layout.zero) {
    case tensor::ZeroPoint::none:
      return 0;
    case tensor::ZeroPoint::u4:
      return rows * ((groups + 1) / 2);
    case tensor::ZeroPoint::f16:
      return rows * groups * static_cast<int64_t>(sizeof(tensor::F16));
  }
  return 0;
}

int64_t permutation_bytes(const Layout& layout, int64_t cols) {
  return layout.permuted ? cols * static_cast<int64_t>(sizeof(int32_t)) : 0;
}

int64_t layout_bytes(const Layout& layout, int64_t rows, int64_t cols) {
  return value_bytes(layout, rows, cols) + scale_bytes(layout, rows, cols) +
         zero_bytes(layout, rows, cols) + permutation_bytes(layout, cols);
}

std::string layout_name(const Layout& layout) {
  switch (layout.kind) {
    case Layout::Kind::dense:
      return std::string(tensor::name_of(layout.dtype));
    case Layout::Kind::int8:
      return layout.group == 0 ? "int8 per row" : "int8 g" + std::to_string(layout.group);
    case Layout::Kind::int4: {
      // As Weight::layout_name.
      std::string name =
          layout.group == 0 ? "int4 per row" : "int4 g" + std::to_string(layout.group);
      if (layout.zero == tensor::ZeroPoint::u4) name += " zero u4";
      if (layout.zero == tensor::ZeroPoint::f16) name += " zero f16";
      if (layout.zero == tensor::ZeroPoint::none && !layout.lookup) name += " sym";
      if (layout.lookup) name += " lookup";
      if (layout.permuted) name += " permuted";
      return name;
    }
    case Layout::Kind::blocks:
      return std::string(tensor::name_of(layout.block_format));
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
