#include "engine/ops/cpu/kernels.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/ops/cpu/attention_simd.h"
#include "engine/ops/cpu/linear_bf16.h"
#include "engine/ops/cpu/linear_dot.h"
#include "engine/ops/cpu/linear_simd.h"

namespace visavis::ops {
namespace {

bool any_cpu(const CpuFeatures&) { return true; }
// The compiler must have targeted the instructions, too (another architecture has none of them).
bool has_avx2(const CpuFeatures& cpu) { return cpu.avx2 && linear_simd_avx2() != nullptr; }
bool has_avx512(const CpuFeatures& cpu) { return cpu.avx512 && linear_simd_avx512() != nullptr; }

bool has_avx512_vnni(const CpuFeatures& cpu) {
  return cpu.avx512_vnni && dot_simd_avx512vnni() != nullptr;
}

bool has_avx512_bf16(const CpuFeatures& cpu) {
  return cpu.avx512_bf16 && bf16_simd_avx512bf16() != nullptr;
}

bool has_neon_dot(const CpuFeatures& cpu) { return cpu.neon_dot && dot_simd_neon() != nullptr; }

bool may_round_to_bf16(const LinearArgs& args) {
  const auto& dense = std::get<tensor::Dense>(args.weight->layout);
  return dense.dtype == DType::bf16 && dense.round_input;
}

bool may_round_segments(const SegmentAttentionArgs& args) {
  return args.round_input && args.head_dim <= kLargestBf16Head;
}

template <int64_t kLanes>
bool whole_blocks(const CachedAttentionArgs& args) {
  return args.kv->page_size == kKeyBlock && args.kv->head_dim % kLanes == 0;
}

template <class Args>
bool anything(const Args&) {
  return true;
}

constexpr Kernel<LinearArgs> kLinear[] = {
    {"avx512", has_avx512, anything<LinearArgs>, linear_avx512},
    {"avx2", has_avx2, anything<LinearArgs>, linear_avx2},
    {"plain", any_cpu, anything<LinearArgs>, linear_plain},
};
constexpr Kernel<LinearArgs> kLinearDense[] = {
    {"avx512_bf16", has_avx512_bf16, may_round_to_bf16, linear_avx512bf16},
    {"avx512", has_avx512, anything<LinearArgs>, linear_avx512},
    {"avx2", has_avx2, anything<LinearArgs>, linear_avx2},
    {"plain", any_cpu, anything<LinearArgs>, linear_plain},
};
constexpr Kernel<LinearArgs> kLinearDot[] = {
    {"avx512_vnni", has_avx512_vnni, anything<LinearArgs>, linear_dot_avx512vnni,
     linears_dot_avx512vnni},
    {"avx2", has_avx2, anything<LinearArgs>, linear_dot_avx2, linears_dot_avx2},
    {"neon_dot", has_neon_dot, anything<LinearArgs>, linear_dot_neon, linears_dot_neon},
    {"plain", any_cpu, anything<LinearArgs>, linear_dot_plain},
};
constexpr Kernel<NormArgs> kRmsNorm[] = {
    {"avx512", has_avx512, anything<NormArgs>, rms_norm_avx512},
    {"avx2", has_avx2, anything<NormArgs>, rms_norm_avx2},
    {"plain", any_cpu, anything<NormArgs>, rms_norm_plain},
};
constexpr Kernel<NormArgs> kLayerNorm[] = {
    {"avx512", has_avx512, anything<NormArgs>, layer_norm_avx512},
    {"avx2", has_avx2, anything<NormArgs>, layer_norm_avx2},
    {"plain", any_cpu, anything<NormArgs>, layer_norm_plain},
};
constexpr Kernel<SiluArgs> kSiluMultiply[] = {
    {"avx512", has_avx512, anything<SiluArgs>, silu_multiply_avx512},
    {"avx2", has_avx2, anything<SiluArgs>, silu_multiply_avx2},
    {"plain", any_cpu, anything<SiluArgs>, silu_multiply_plain},
};
constexpr Kernel<RopeArgs> kRope[] = {
    {"avx512", has_avx512, anything<RopeArgs>, rope_avx512},
    {"avx2", has_avx2, anything<RopeArgs>, rope_avx2},
    {"plain", any_cpu, anything<RopeArgs>, rope_plain},
};
constexpr Kernel<SegmentAttentionArgs> kSegmentAttention[] = {
    {"avx512_bf16", has_avx512_bf16, may_round_segments, segment_attention_avx512bf16},
    {"avx512", has_avx512, anything<SegmentAttentionArgs>, segment_attention_avx512},
    {"avx2", has_avx2, anything<SegmentAttentionArgs>, segment_attention_avx2},
    {"plain", any_cpu, anything<SegmentAttentionArgs>, segment_attention_plain},
};
constexpr Kernel<CachedAttentionArgs> kCachedAttention[] = {
    {"avx512", has_avx512, whole_blocks<16>, cached_attention_avx512, nullptr,
     rotary_attention_avx512},
    {"avx2", has_avx2, whole_blocks<8>, cached_attention_avx2, nullptr, rotary_attention_avx2},
    {"plain", any_cpu, anything<CachedAttentionArgs>, cached_attention_plain},
};

// In the order of Weight::layout's alternatives.
constexpr KernelTable<LinearArgs> kLinearTables[] = {
    {"linear dense", kLinearDense},
    {"linear int8", kLinear},
    {"linear int4", kLinear},
    {"linear blocks", kLinear},
};
static_assert(std::size(kLinearTables) == std::variant_size_v<decltype(Weight::layout)>);
constexpr KernelTable<LinearArgs> kLinearDotTable = {"linear interleaved", kLinearDot};
constexpr KernelTable<NormArgs> kRmsNormTable = {"rms_norm", kRmsNorm};
constexpr KernelTable<NormArgs> kLayerNormTable = {"layer_norm", kLayerNorm};
constexpr KernelTable<SiluArgs> kSiluMultiplyTable = {"silu_multiply", kSiluMultiply};
constexpr KernelTable<RopeArgs> kRopeTable = {"rope", kRope};
constexpr KernelTable<SegmentAttentionArgs> kSegmentAttentionTable = {"segment_attention",
                                                                      kSegmentAttention};
constexpr KernelTable<CachedAttentionArgs> kCachedAttentionTable = {"cached_attention",
                                                                    kCachedAttention};

// Calls visit(table) for every table.
template <class Visit>
void for_each_table(Visit visit) {
  for (const KernelTable<LinearArgs>& table : kLinearTables) visit(table);
  visit(kLinearDotTable);
  visit(kRmsNormTable);
  visit(kLayerNormTable);
  visit(kSiluMultiplyTable);
  visit(kRopeTable);
  visit(kSegmentAttentionTable);
  visit(kCachedAttentionTable);
}

std::string forced_by_environment() {
  const char* name = std::getenv("VISAVIS_KERNEL");
  return name == nullptr ? "" : name;
}

}  // namespace

bool run_together(std::span<const LinearArgs> linears, const KernelFilter& filter,
                  CpuContext& context) {
  const auto kernel_of = [&](const LinearArgs& args) -> const Kernel<LinearArgs>& {
    return choose(linear_kernels(*args.weight), filter, args);
  };
  const Kernel<LinearArgs>& kernel = kernel_of(linears.front());
  if (kernel.run_together == nullptr) return false;
  for (const LinearArgs& args : linears)
    if (kernel_of(args).run_together != kernel.run_together) return false;
  return kernel.run_together(linears, context);
}

bool run_rotary(const RotaryRows& rows, const CachedAttentionArgs& args, const KernelFilter& filter,
                CpuContext& context) {
  const StepBatch& batch = *args.batch;
  if (batch.longest_query != 1 || batch.tokens != batch.sequences) return false;
  const Kernel<CachedAttentionArgs>& kernel = choose(cached_attention_kernels(), filter, args);
  // The norms and rotations inside it must be those that the separate operations would run.
  const std::string_view name = kernel.name;
  const bool same = choose(rms_norm_kernels(), filter, NormArgs{}).name == name &&
                    choose(rope_kernels(), filter, RopeArgs{}).name == name;
  if (kernel.run_rotary == nullptr || !same) return false;
  kernel.run_rotary(rows, args, context);
  return true;
}

const KernelTable<LinearArgs>& linear_kernels(const Weight& weight) {
  return dot_rows(weight) ? kLinearDotTable : kLinearTables[weight.layout.index()];
}
const KernelTable<NormArgs>& rms_norm_kernels() { return kRmsNormTable; }
const KernelTable<NormArgs>& layer_norm_kernels() { return kLayerNormTable; }
const KernelTable<SiluArgs>& silu_multiply_kernels() { return kSiluMultiplyTable; }
const KernelTable<RopeArgs>& rope_kernels() { return kRopeTable; }
const KernelTable<SegmentAttentionArgs>& segment_attention_kernels() {
  return kSegmentAttentionTable;
}
const KernelTable<CachedAttentionArgs>& cached_attention_kernels() { return kCachedAttentionTable; }

void check_kernel_name(std::string_view name, const CpuFeatures& cpu) {
  if (name.empty()) return;
  std::vector<std::string_view> known;
  bool exists = false;
  bool runs = false;
  for_each_table([&](const auto& table) {
    for (const auto& row : table.rows) {
      if (std::find(known.begin(), known.end(), row.name) == known.end()) known.push_back(row.name);
      exists = exists || row.name == name;
      runs = runs || (row.name == name && row.has_instructions(cpu));
    }
  });
  std::string list;
  for (const std::string_view one : known) list += " " + std::string(one);
  require(exists, "VISAVIS_KERNEL: no kernel is called '", name, "'; known:", list);
  require(runs, "VISAVIS_KERNEL: this CPU cannot run the '", name, "' kernels; known:", list);
}

std::string_view best_kernel_name(const KernelFilter& filter) {
  if (!filter.forced.empty()) return filter.forced;
  const Kernel<NormArgs>& plain = std::end(kRmsNorm)[-1];
  for (const Kernel<NormArgs>& row : kRmsNorm)
    if (&row != &plain && row.has_instructions(filter.cpu)) return row.name;
  // Instructions that only linear has a kernel for.
  for (const Kernel<LinearArgs>& row : kLinearDot)
    if (row.has_instructions(filter.cpu)) return row.name;
  return plain.name;
}

std::vector<KernelRow> cpu_kernels() {
  const std::string forced = forced_by_environment();
  const KernelFilter filter{.cpu = detect_cpu_features(), .forced = forced};
  check_kernel_name(forced, filter.cpu);
  std::vector<KernelRow> rows;
  for_each_table([&](const auto& table) {
    bool chosen = false;
    for (const auto& row : table.rows) {
      const bool supported = row.has_instructions(filter.cpu);
      const bool last = &row == &table.rows.back();
      const bool wanted = filter.forced.empty() || row.name == filter.forced || last;
      const bool choose_this = !chosen && supported && wanted;
      rows.push_back({std::string(table.operation), std::string(row.name), supported, choose_this});
      chosen = chosen || choose_this;
    }
  });
  return rows;
}

}  // namespace visavis::ops
