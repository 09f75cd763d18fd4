// The kernel tables of CUDA: per operation the rows {name, supports(), run}, best first. The first
// row that supports the case on this device runs; the last row is the plain reference, supports
// everything and stays. A new kernel is one file and one row in kernels.cpp.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/ops/cuda/args.h"
#include "engine/ops/ops.h"

namespace visavis::ops::cuda {

template <class Args>
struct Kernel {
  std::string_view name;
  bool (*runs_on)(const Device&) = nullptr;
  bool (*takes)(const Args&, const Device&) = nullptr;
  void (*run)(const Args&, Context&) = nullptr;
  DType arithmetic = DType::f32;  // what it rounds its input to, where it multiplies
};

/// One table: "linear int4" and its rows.
template <class Args>
struct KernelTable {
  std::string_view operation;
  std::span<const Kernel<Args>> rows;
};

/// The row that runs for these arguments: the forced one or the first that takes them; where the
/// forced one does not take them, the plain reference.
template <class Args>
const Kernel<Args>& choose(const KernelTable<Args>& table, std::string_view forced,
                           const Args& args, const Device& device) {
  for (const Kernel<Args>& row : table.rows)
    if ((forced.empty() || row.name == forced) && row.runs_on(device) && row.takes(args, device))
      return row;
  return table.rows.back();
}

const KernelTable<LinearArgs>& linear_kernels(WeightKind kind);
const KernelTable<NormArgs>& rms_norm_kernels();
const KernelTable<NormArgs>& layer_norm_kernels();
const KernelTable<SiluArgs>& silu_multiply_kernels();
const KernelTable<RopeArgs>& rope_kernels();
const KernelTable<SegmentAttentionArgs>& segment_attention_kernels();
const KernelTable<CachedAttentionArgs>& cached_attention_kernels();

/// Throws Error unless `name` is empty or the name of a row that this device can run.
void check_kernel_name(std::string_view name, const Device& device);

/// Every row of every table.
std::vector<KernelRow> kernel_rows(std::string_view forced, const Device& device);

}  // namespace visavis::ops::cuda
