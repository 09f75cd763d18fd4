#include "engine/load/weight_policy.h"

#include "base/error.h"
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

Layout dense(DType dtype) { return {Layout::Kind::dense, dtype, 0}; }
Layout int8(int64_t group) { return {Layout::Kind::int8, DType::i8, group}; }
Layout int4(int64_t group) { return {Layout::Kind::int4, DType::u8, group}; }

// Without quantisation to `quantised`, a dense type of that name.
Layout dense_or(Precision precision, const Layout& if_int8, const Layout& if_int4) {
  switch (precision) {
    case Precision::f32:
      return dense(DType::f32);
    case Precision::bf16:
      return dense(DType::bf16);
    case Precision::f16:
      return dense(DType::f16);
    case Precision::int8:
      return if_int8;
    case Precision::int4:
      return if_int4;
  }
  return if_int4;
}

}  // namespace

Layout layout_for(const WeightPolicy& policy, Role role, DType stored) {
  const Layout kept = dense(stored == DType::f16 ? DType::f16 : DType::bf16);
  switch (role) {
    case Role::decoder:
      return dense_or(policy.body, int8(kGroup), int4(kGroup));
    case Role::head:
      return dense_or(policy.body, int8(kGroup), int8(kGroup));
    case Role::embedding:
      return dense(stored);
    case Role::vision:
      if (!policy.vision) return dense_or(policy.body, kept, kept);
      require(*policy.vision != Precision::int4,
              "--vision-weights: found 'int4', wanted f32, bf16, f16 or int8");
      return dense_or(*policy.vision, int8(0), kept);
  }
  return kept;
}

int64_t layout_bytes(const Layout& layout, int64_t rows, int64_t cols) {
  const int64_t scales = rows * tensor::groups_of(cols, layout.group) * 2;
  switch (layout.kind) {
    case Layout::Kind::dense:
      return rows * cols * tensor::size_of(layout.dtype);
    case Layout::Kind::int8:
      return rows * cols + scales;
    case Layout::Kind::int4:
      return rows * ((cols + 1) / 2) + scales;
  }
  return 0;
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
