// The kernel tables of the CPU: per operation the rows {name, takes(), run}, best first. The first
// row whose instructions this CPU has and whose takes() holds is run; the last row is the plain
// reference, takes everything and stays. A new kernel is one file and one row in kernels.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/ops/cpu/context.h"
#include "engine/ops/cpu/features.h"
#include "engine/ops/ops.h"

namespace visavis::ops {

/// y[n, weight.rows] = epilogue(x[n, weight.cols] W^T), all f32.
struct LinearArgs {
  const float* x = nullptr;
  int64_t n = 0;
  const Weight* weight = nullptr;
  const float* bias = nullptr;  // [weight.rows] or null
  Activation activation = Activation::none;
  bool accumulate = false;
  float* y = nullptr;
};

/// Rows [n, cols]; y may be x. Layer norm uses both weight and bias, RMS norm only weight.
struct NormArgs {
  const float* x = nullptr;
  const float* weight = nullptr;
  const float* bias = nullptr;
  int64_t n = 0;
  int64_t cols = 0;
  float eps = 0;
  float* y = nullptr;
};

/// gate[i] = silu(gate[i]) * up[i].
struct SiluArgs {
  float* gate = nullptr;
  const float* up = nullptr;
  int64_t count = 0;
};

/// Rotates x [tokens, heads, 2 * pairs] in place; cosine and sine are [tokens, pairs].
struct RopeArgs {
  const float* cosine = nullptr;
  const float* sine = nullptr;
  int64_t tokens = 0;
  int64_t heads = 0;
  int64_t pairs = 0;
  float* x = nullptr;
};

/// Ops::segment_attention with the views taken apart.
struct SegmentAttentionArgs {
  const float* q = nullptr;
  const float* k = nullptr;
  const float* v = nullptr;
  int64_t stride = 0;  // floats from token to token of q, k and v
  const int32_t* segment_start = nullptr;
  int64_t segments = 0;
  int64_t heads = 0;
  int64_t head_dim = 0;
  float scale = 1;
  bool round_input = false;
  float* y = nullptr;  // [tokens, heads, head_dim]
};

/// Ops::cached_attention with the views taken apart.
struct CachedAttentionArgs {
  const float* q = nullptr;  // [tokens, heads, head_dim]
  int64_t heads = 0;
  const StepBatch* batch = nullptr;
  const KvView* kv = nullptr;
  float scale = 1;
  float* y = nullptr;
};

/// What Ops::rotary_attention does before cached_attention, with the views taken apart.
struct RotaryRows {
  float* q = nullptr;        // [tokens, heads, head_dim]
  float* k = nullptr;        // [tokens, kv_heads, head_dim]
  const float* v = nullptr;  // as k
  RmsNormBefore q_norm;
  RmsNormBefore k_norm;
  const float* cosine = nullptr;  // [tokens, head_dim / 2]
  const float* sine = nullptr;
};

/// One row of a table over arguments of type Args.
template <class Args>
struct Kernel {
  std::string_view name;
  bool (*has_instructions)(const CpuFeatures&) = nullptr;
  bool (*takes)(const Args&) = nullptr;
  void (*run)(const Args&, CpuContext&) = nullptr;
  /// Linears only, may be null; see run_together().
  bool (*run_together)(std::span<const Args>, CpuContext&) = nullptr;
  /// Cached attention only, may be null; see run_rotary().
  void (*run_rotary)(const RotaryRows&, const Args&, CpuContext&) = nullptr;
};

/// One table: "linear int4" and its rows.
template <class Args>
struct KernelTable {
  std::string_view operation;
  std::span<const Kernel<Args>> rows;
};

/// Which rows may be used: what the CPU has, narrowed to one name (empty = any).
struct KernelFilter {
  CpuFeatures cpu;
  std::string_view forced;
};

/// The row that runs for these arguments: the forced one or the first that takes them; where the
/// forced one does not take them, the plain reference.
template <class Args>
const Kernel<Args>& choose(const KernelTable<Args>& table, const KernelFilter& filter,
                           const Args& args) {
  for (const Kernel<Args>& row : table.rows)
    if ((filter.forced.empty() || row.name == filter.forced) && row.has_instructions(filter.cpu) &&
        row.takes(args))
      return row;
  return table.rows.back();
}

/// Runs several linears of the same rows x in one loop of the threads, each with the bits that it
/// has alone. False, with nothing done, where the kernels that these linears have cannot do that.
bool run_together(std::span<const LinearArgs> linears, const KernelFilter& filter,
                  CpuContext& context);

/// Norms, rotates and stores the rows of a step of one row per sequence and attends, all in one
/// loop of the threads, with the bits that one operation after the other has. False, with nothing
/// done, for other steps and where the kernel cannot do that.
bool run_rotary(const RotaryRows& rows, const CachedAttentionArgs& args, const KernelFilter& filter,
                CpuContext& context);

/// The table for this weight's layout.
const KernelTable<LinearArgs>& linear_kernels(const Weight& weight);
const KernelTable<NormArgs>& rms_norm_kernels();
const KernelTable<NormArgs>& layer_norm_kernels();
const KernelTable<SiluArgs>& silu_multiply_kernels();
const KernelTable<RopeArgs>& rope_kernels();
const KernelTable<SegmentAttentionArgs>& segment_attention_kernels();
const KernelTable<CachedAttentionArgs>& cached_attention_kernels();

/// Throws Error unless `name` is empty or the name of a row that this CPU can run.
void check_kernel_name(std::string_view name, const CpuFeatures& cpu);

/// Best name that this CPU runs under the filter: "avx512".
std::string_view best_kernel_name(const KernelFilter& filter);

// The plain references, one file each (*_plain.cpp).
void linear_plain(const LinearArgs& args, CpuContext& context);
void linear_dot_plain(const LinearArgs& args, CpuContext& context);
void rms_norm_plain(const NormArgs& args, CpuContext& context);
void layer_norm_plain(const NormArgs& args, CpuContext& context);
void silu_multiply_plain(const SiluArgs& args, CpuContext& context);
void rope_plain(const RopeArgs& args, CpuContext& context);
void segment_attention_plain(const SegmentAttentionArgs& args, CpuContext& context);
void cached_attention_plain(const CachedAttentionArgs& args, CpuContext& context);

// The vectorised kernels (*_blocked.cpp); to be called only where has_instructions() holds.
void linear_avx2(const LinearArgs& args, CpuContext& context);
void linear_avx512(const LinearArgs& args, CpuContext& context);
void linear_avx512bf16(const LinearArgs& args, CpuContext& context);
void linear_dot_avx2(const LinearArgs& args, CpuContext& context);
bool linears_dot_avx2(std::span<const LinearArgs> linears, CpuContext& context);
void linear_dot_avx512vnni(const LinearArgs& args, CpuContext& context);
bool linears_dot_avx512vnni(std::span<const LinearArgs> linears, CpuContext& context);
void linear_dot_neon(const LinearArgs& args, CpuContext& context);
bool linears_dot_neon(std::span<const LinearArgs> linears, CpuContext& context);
void rms_norm_avx2(const NormArgs& args, CpuContext& context);
void rms_norm_avx512(const NormArgs& args, CpuContext& context);
void layer_norm_avx2(const NormArgs& args, CpuContext& context);
void layer_norm_avx512(const NormArgs& args, CpuContext& context);
void silu_multiply_avx2(const SiluArgs& args, CpuContext& context);
void silu_multiply_avx512(const SiluArgs& args, CpuContext& context);
void rope_avx2(const RopeArgs& args, CpuContext& context);
void rope_avx512(const RopeArgs& args, CpuContext& context);
void segment_attention_avx2(const SegmentAttentionArgs& args, CpuContext& context);
void segment_attention_avx512(const SegmentAttentionArgs& args, CpuContext& context);
void segment_attention_avx512bf16(const SegmentAttentionArgs& args, CpuContext& context);
void cached_attention_avx2(const CachedAttentionArgs& args, CpuContext& context);
void cached_attention_avx512(const CachedAttentionArgs& args, CpuContext& context);
void rotary_attention_avx2(const RotaryRows& rows, const CachedAttentionArgs& args,
                           CpuContext& context);
void rotary_attention_avx512(const RotaryRows& rows, const CachedAttentionArgs& args,
                             CpuContext& context);

}  // namespace visavis::ops
