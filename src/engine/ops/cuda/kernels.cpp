#include "engine/ops/cuda/kernels.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "base/error.h"
#include "engine/ops/cuda/flash_cached.h"
#include "engine/ops/cuda/generation.h"
#include "engine/ops/cuda/prompt.h"

namespace visavis::ops::cuda {
namespace {

bool any_device(const Device&) { return true; }

template <class Args>
bool anything(const Args&, const Device&) {
  return true;
}

bool has_library(const Device& device) { return device.library; }

template <MatrixType kType>
bool library_takes(const LinearArgs& args, const Device& device) {
  return prompt_takes(args.weight, args.n, device) && prompt_type(args.weight, device) == kType;
}

bool flash_takes(const CachedAttentionArgs& args, const Device& device) {
  return args.batch.longest_query >= kManyRows && flash_cached_supports(args, device);
}

// One row per format that the library multiplies in.
constexpr Kernel<LinearArgs> kLibraryBf16 = {
    "library", has_library, library_takes<MatrixType::bf16>, prompt_linear, DType::bf16};
constexpr Kernel<LinearArgs> kLibraryF16 = {"library", has_library, library_takes<MatrixType::f16>,
                                            prompt_linear, DType::f16};
constexpr Kernel<LinearArgs> kLibraryF32 = {"library", has_library, library_takes<MatrixType::f32>,
                                            prompt_linear, DType::f32};

constexpr Kernel<LinearArgs> kLinearDense[] = {
    kLibraryBf16,
    kLibraryF16,
    kLibraryF32,
    {"plain", any_device, anything<LinearArgs>, linear_plain},
};
constexpr Kernel<LinearArgs> kLinearInt8[] = {
    {kGenerationName, any_device, generation_takes_linear, generation_linear, DType::i8},
    kLibraryBf16,
    kLibraryF16,
    kLibraryF32,
    {"plain", any_device, anything<LinearArgs>, linear_plain},
};
constexpr Kernel<LinearArgs> kLinearInt4[] = {
    {kGenerationName, any_device, generation_takes_linear, generation_linear, DType::i8},
    kLibraryBf16,
    kLibraryF16,
    kLibraryF32,
    {"plain", any_device, anything<LinearArgs>, linear_plain},
};
constexpr Kernel<NormArgs> kRmsNorm[] = {
    {"plain", any_device, anything<NormArgs>, rms_norm_plain},
};
constexpr Kernel<NormArgs> kLayerNorm[] = {
    {"plain", any_device, anything<NormArgs>, layer_norm_plain},
};
constexpr Kernel<SiluArgs> kSiluMultiply[] = {
    {"plain", any_device, anything<SiluArgs>, silu_multiply_plain},
};
constexpr Kernel<RopeArgs> kRope[] = {
    {"plain", any_device, anything<RopeArgs>, rope_plain},
};
constexpr Kernel<SegmentAttentionArgs> kSegmentAttention[] = {
    {"flash", any_device, prompt_takes_segments, prompt_segment_attention, DType::bf16},
    {"plain", any_device, anything<SegmentAttentionArgs>, segment_attention_plain},
};
constexpr Kernel<CachedAttentionArgs> kCachedAttention[] = {
    {"flash", any_device, flash_takes, cached_attention_flash, DType::f16},
    {"plain", any_device, anything<CachedAttentionArgs>, cached_attention_plain},
};

// In the order of WeightKind.
constexpr KernelTable<LinearArgs> kLinearTables[] = {
    {"linear f32", kLinearDense}, {"linear f16", kLinearDense}, {"linear bf16", kLinearDense},
    {"linear int8", kLinearInt8}, {"linear int4", kLinearInt4},
};
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
  visit(kRmsNormTable);
  visit(kLayerNormTable);
  visit(kSiluMultiplyTable);
  visit(kRopeTable);
  visit(kSegmentAttentionTable);
  visit(kCachedAttentionTable);
}

}  // namespace

const KernelTable<LinearArgs>& linear_kernels(WeightKind kind) {
  return kLinearTables[static_cast<size_t>(kind)];
}
const KernelTable<NormArgs>& rms_norm_kernels() { return kRmsNormTable; }
const KernelTable<NormArgs>& layer_norm_kernels() { return kLayerNormTable; }
const KernelTable<SiluArgs>& silu_multiply_kernels() { return kSiluMultiplyTable; }
const KernelTable<RopeArgs>& rope_kernels() { return kRopeTable; }
const KernelTable<SegmentAttentionArgs>& segment_attention_kernels() {
  return kSegmentAttentionTable;
}
const KernelTable<CachedAttentionArgs>& cached_attention_kernels() { return kCachedAttentionTable; }

void check_kernel_name(std::string_view name, const Device& device) {
  if (name.empty()) return;
  std::vector<std::string_view> known;
  bool runs = false;
  for_each_table([&](const auto& table) {
    for (const auto& row : table.rows) {
      if (std::find(known.begin(), known.end(), row.name) == known.end()) known.push_back(row.name);
      runs = runs || (row.name == name && row.runs_on(device));
    }
  });
  std::string list;
  for (const std::string_view one : known) list += " " + std::string(one);
  require(std::find(known.begin(), known.end(), name) != known.end(),
          "VISAVIS_KERNEL: no CUDA kernel is called '", name, "'; known:", list);
  require(runs, "VISAVIS_KERNEL: sm_", device.sm, " cannot run the '", name,
          "' kernels; known:", list);
}

std::vector<KernelRow> kernel_rows(std::string_view forced, const Device& device) {
  std::vector<KernelRow> rows;
  for_each_table([&](const auto& table) {
    bool chosen = false;
    for (const auto& row : table.rows) {
      const bool supported = row.runs_on(device);
      const bool wanted = forced.empty() || row.name == forced || &row == &table.rows.back();
      const bool choose_this = !chosen && supported && wanted;
      rows.push_back({std::string(table.operation), std::string(row.name), supported, choose_this});
      chosen = chosen || choose_this;
    }
  });
  return rows;
}

}  // namespace visavis::ops::cuda
