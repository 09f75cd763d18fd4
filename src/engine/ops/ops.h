// The operations that models are written in: one abstract class, twins in cpu/ and cuda/. Coarse on
// purpose (about 20 methods), eager, no graph. All views are on the Ops' own device; activations
// are f32. Every fast kernel equals the plain reference (ops/cpu/reference) within the
// stated tolerance. Not thread-safe: one scheduler thread per device drives one Ops.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/threads.h"
#include "engine/ops/ceilings.h"
#include "engine/ops/patches.h"
#include "engine/ops/step_batch.h"
#include "engine/tensor/buffer.h"
#include "engine/tensor/weight.h"

namespace visavis::ops {

using tensor::Buffer;
using tensor::Weight;

enum class Activation { none, gelu_erf, gelu_tanh, quick_gelu, silu };

/// What happens to x W^T before it is written: + bias, activation, + what y already holds.
struct Epilogue {
  View bias = {};  // f32 [rows] or empty (data == nullptr)
  Activation activation = Activation::none;
  bool accumulate = false;
};

/// Which angle each rotated pair gets: angle[j] = positions[axis[j]][token] * inv_freq[j], applied
/// to the pair (j, j + pairs) ("rotate half"); pairs == head_dim / 2. 1-D: axis all 0. M-RoPE: axis
/// by section. Vision: first half row, second half column. Where frequencies depend on the length
/// of a prompt (dynamic NTK) there are several sets of them: axis is all 0 then, and positions[1]
/// says which set a token takes.
struct RopeTable {
  std::vector<float> inv_freq;  // [sets, pairs]
  std::vector<uint8_t> axis;    // [pairs]; 0 time, 1 row, 2 column

  int64_t pairs() const { return std::ssize(axis); }
  /// 0 unless inv_freq is whole sets.
  int64_t sets() const {
    return axis.empty() || inv_freq.size() % axis.size() != 0 ? 0 : std::ssize(inv_freq) / pairs();
  }
};

/// An RMS norm that an operation applies to what it reads; without a weight there is none.
struct RmsNormBefore {
  View weight = {};  // f32 [cols]
  float eps = 0;

  bool present() const { return weight.data != nullptr; }
};

/// A layer norm that an operation applies to what it reads; without a weight there is none.
struct LayerNormBefore {
  View weight = {};  // f32 [cols]
  View bias = {};    // f32 [cols]
  float eps = 0;

  bool present() const { return weight.data != nullptr; }
};

/// A linear inside an operation that fuses several.
struct BiasedWeight {
  const Weight* weight = nullptr;
  View bias = {};  // f32 [rows] or empty
};

/// Attention inside pictures with the projections around it; q, k and v make [heads * head_dim].
struct PictureLayer {
  LayerNormBefore norm;
  BiasedWeight q;
  BiasedWeight k;
  BiasedWeight v;
  BiasedWeight o;
  int64_t heads = 0;
  int64_t head_dim = 0;
  const RopeTable* rope = nullptr;  // of q and k, or null
  View positions = {};              // i32 [3, rows] if there is a rope
  View segment_start = {};          // as segment_attention's
  int64_t longest_segment = 0;
};

/// One of several linears of the same input.
struct Projection {
  const Weight* weight = nullptr;
  View bias = {};  // f32 [rows] or empty
  MutView y;       // f32 [n, rows]
};

/// What attention over the cache does to this step's rows first.
struct RotaryInput {
  RmsNormBefore q_norm;  // over head_dim, before the rotation
  RmsNormBefore k_norm;
  const RopeTable* rope = nullptr;
};

/// Codes with one f16 scale per group of columns.
struct Coding {
  int bits = 4;       // or 8
  int64_t group = 0;  // columns
};

struct QuantizeFaults {
  bool not_finite = false;
  bool scale_too_large = false;
};

/// What an Ops holds in its device's memory, in bytes; a CPU counts nothing.
struct DeviceMemory {
  int64_t allocated = 0;  // now, by allocate() and for the backend's own scratch
  int64_t peak = 0;       // the most that was
  int64_t pinned = 0;     // host memory that the device reads in place or is copied through
  int64_t free = 0;       // of the whole device, for anybody
  int64_t total = 0;
};

/// How one token is drawn: of the top_k largest logits (0: of all; ties with the last stay) the
/// most likely ones whose probability reaches top_p, by their softmax at this temperature.
struct Draw {
  float temperature = 1;
  int top_k = 0;
  float top_p = 1;
  double uniform = 0;  // in [0, 1): which of them, in the order of their ids
};

class Ops {
 public:
  virtual ~Ops() = default;

  /// "cpu (avx512, 2 threads)"
  virtual std::string description() const = 0;

  // --- memory -------------------------------------------------------------------------------
  virtual Buffer allocate(int64_t bytes) = 0;
  /// Copies into device memory, in order with what was called before; `host` may change as soon as
  /// it returns.
  virtual void upload(const void* host, MutView to) = 0;
  /// Waits for everything called before and copies to host memory.
  virtual void download(View from, void* host) = 0;
  /// The same table (embed's) where embed can read it: as it is, or a copy in host memory that the
  /// device reaches. Default: as it is.
  virtual Buffer table(Buffer mapped) { return mapped; }
  virtual DeviceMemory memory() const { return {}; }
  /// Whether the device has memory of its own, so that tables stay outside of it.
  virtual bool has_own_memory() const { return false; }
  /// allocate() refuses what would make `most` bytes exceeded (0: no limit), and memory() tells no
  /// more free bytes than that leaves. Default: there is no limit.
  virtual void limit_memory(int64_t /*most*/) {}
  /// Returns when everything that was asked for is done. Default: it always is.
  virtual void wait() {}
  /// From so many rows on, products may round their input differently than for fewer; 0: never.
  /// Rows that must come out the same in any company stay on one side of it.
  virtual int64_t many_rows() const { return 0; }
  /// The next allocations are cut out of one piece of `bytes`, as long as they fit: weights of
  /// known sizes then leave no gaps behind them. Throws Error as allocate().
  virtual void reserve(int64_t /*bytes*/) {}
  /// Device memory that operations may take for themselves, at most, beside what callers allocate;
  /// every model on the device shares it. Of it `held` is taken already.
  virtual int64_t scratch_bytes() const { return 0; }
  virtual int64_t scratch_held() const { return 0; }

  // --- loading ------------------------------------------------------------------------------
  /// Whether quantize() takes rows of so many columns. Default: they are quantised on the host.
  virtual bool quantizes(const Coding& /*coding*/, int64_t /*cols*/) const { return false; }
  /// Rows of f32, f16 or bf16 in host memory to codes and f16 scales on the device, the bits that
  /// load/quantize.h makes; `host` may change as soon as it returns.
  virtual void quantize(View host, const Coding& coding, MutView codes, MutView scales);
  /// Whether all values that quantize() took since the last call were numbers and all scales f16;
  /// waits for them.
  virtual QuantizeFaults quantize_faults() { return {}; }

  // --- facts for measuring ------------------------------------------------------------------
  /// What linear multiplies with this weight and so many rows: i8, bf16, f16 or f32.
  virtual DType arithmetic(const Weight& weight, int64_t rows) const = 0;
  /// The same of segment_attention.
  virtual DType picture_arithmetic(bool round_input) const = 0;
  /// Measures what the device can do; independent of this Ops from then on.
  virtual std::unique_ptr<CeilingProbe> ceiling_probe() const = 0;

  // --- rows ---------------------------------------------------------------------------------
  /// y[n, rows] = epilogue(x[n, cols] W^T). x and y f32, may not overlap.
  virtual void linear(View x, const Weight& weight, const Epilogue& epilogue, MutView y) = 0;
  /// outputs[i].y = outputs[i].weight norm(x) + outputs[i].bias: everything that reads the same x
  /// at once (q, k and v). x f32 [n, cols] is not changed; scratch for norm(x) comes from `arena`.
  /// Default: rms_norm, one linear per output.
  virtual void project(View x, const RmsNormBefore& norm, std::span<const Projection> outputs,
                       tensor::Arena& arena);
  /// y = down(silu(gate norm(x)) * (up norm(x))) (+ y if accumulate; y may be x then); scratch for
  /// norm(x) and the two products comes from `arena`. Default: project, silu_multiply, one linear.
  virtual void gated_mlp(View x, const RmsNormBefore& norm, const Weight& gate, const Weight& up,
                         const Weight& down, bool accumulate, tensor::Arena& arena, MutView y);
  /// y = fc2(activation(fc1 norm(x))) (+ y if accumulate; y may be x then), so many rows at a time
  /// as the device likes; scratch for norm(x) and the middle comes from `arena`: mlp_scratch bytes.
  /// Default: layer_norm, two linears.
  virtual void mlp(View x, const LayerNormBefore& norm, const BiasedWeight& fc1,
                   Activation activation, const BiasedWeight& fc2, bool accumulate,
                   tensor::Arena& arena, MutView y);
  /// gate = silu(gate) * up, element by element.
  virtual void silu_multiply(MutView gate, View up) = 0;
  /// y[i] = x[i] / rms(x[i]) * weight over the last axis; weight f32 [cols]. y may be x.
  virtual void rms_norm(View x, View weight, float eps, MutView y) = 0;
  /// y[i] = (x[i] - mean) / sqrt(var + eps) * weight + bias over the last axis. y may be x.
  virtual void layer_norm(View x, View weight, View bias, float eps, MutView y) = 0;
  /// x += y, same shape.
  virtual void add(View y, MutView x) = 0;
  /// x[rows[i]] += y[i]; rows i32 [n] ascending and distinct.
  virtual void add_rows(View y, View rows, MutView x) = 0;
  /// x[rows[i]] = y[i].
  virtual void set_rows(View y, View rows, MutView x) = 0;
  /// y[i] = x[rows[i]].
  virtual void gather_rows(View x, View rows, MutView y) = 0;
  /// x[token] = table row ids[token] as f32. `table` may stay in host memory on any device.
  /// Ids are checked by the caller.
  virtual void embed(const Weight& table, View ids, MutView x) = 0;

  // --- attention ----------------------------------------------------------------------------
  /// Rotates x [tokens, heads, head_dim] in place. positions i32 [3, tokens].
  virtual void rope(const RopeTable& table, View positions, MutView x) = 0;
  /// x[token] *= log(p + 1) / log(length) where that is above 1; p = positions[0][token], length at
  /// least 2. Queries of models that sharpen attention beyond the length that they were trained on.
  /// x [tokens, heads, head_dim], positions i32 [3, tokens].
  virtual void scale_beyond(int64_t length, View positions, MutView x) = 0;
  /// Bidirectional attention inside each segment [segment_start[s], segment_start[s+1]).
  /// q, k, v [tokens, heads, head_dim] with `stride` elements from token to token (so that they may
  /// lie inside a fused qkv); y [tokens, heads, head_dim]. Never stores a full score matrix.
  /// `round_input`: q, k, v and the weights of the sum may be rounded to bf16 where that is faster.
  virtual void segment_attention(View q, View k, View v, int64_t stride, View segment_start,
                                 int64_t longest_segment, float scale, bool round_input,
                                 MutView y) = 0;
  /// Writes this step's k and v [tokens, kv_heads, head_dim] to their slots.
  virtual void write_kv(View k, View v, const StepBatch& batch, const KvView& kv) = 0;
  /// Causal attention of q [tokens, heads, head_dim] over the cache (this step's rows included);
  /// heads is a multiple of kv.kv_heads. y like q.
  virtual void cached_attention(View q, const StepBatch& batch, const KvView& kv, float scale,
                                MutView y) = 0;

  /// One attention layer between its projections: norms and rotates q and k in place, writes k and
  /// v to the cache, y = cached_attention(q). What q and k hold afterwards is not specified.
  /// Default: rms_norm, rope, write_kv, cached_attention.
  virtual void rotary_attention(MutView q, MutView k, View v, const RotaryInput& input,
                                const StepBatch& batch, const KvView& kv, float scale, MutView y);

  // --- pictures -----------------------------------------------------------------------------
  /// y += o(attention(rope(q n), rope(k n), v n)) where n = norm(x); y may be x. Scratch comes from
  /// `arena`: picture_attention_scratch bytes. Default: layer_norm, linears, rope,
  /// segment_attention.
  virtual void picture_attention(View x, const PictureLayer& layer, tensor::Arena& arena,
                                 MutView y);
  /// Bilinear samples of a learned position grid [side * side, dim] at `h` x `w` points with
  /// aligned corners, written in merge order (blocks of merge x merge); y [h * w, dim], added to
  /// what y holds.
  virtual void add_position_grid(View grid, int64_t side, int64_t h, int64_t w, int64_t merge,
                                 MutView y) = 0;

  /// y [layout.rows(), layout.row_values()] of a picture, u8 [height, width, 3], each value
  /// replaced by what levels, f32 [3, 256], say.
  virtual void cut_patches(View pixels, View levels, const PatchLayout& layout, MutView y) = 0;

  // --- choice -------------------------------------------------------------------------------
  /// ids[i] = index of the largest logit of row i (the lowest index among equals), or -1 if that is
  /// infinite or a logit is not a number; i32.
  virtual void arg_max(View logits, MutView ids) = 0;

  /// Whether sample() is there. Default: tokens are drawn on the host.
  virtual bool samples() const { return false; }
  /// id[0] = the token drawn by one row of logits, or -1 if one of them is infinite or no number.
  virtual void sample(View logits, const Draw& draw, MutView id);

  // --- whole steps --------------------------------------------------------------------------
  /// Runs `step`. Calls with the same key other than 0 promise to make the same calls on the same
  /// addresses and shapes, without upload or download, so that a device may record the first and
  /// replay it for the others; what changes between them lies in device memory.
  virtual void run_step(uint64_t key, const std::function<void()>& step);
};

/// Bytes that Ops::mlp takes from its arena for x [rows, cols] and a middle of ffn columns.
int64_t mlp_scratch(int64_t rows, int64_t cols, int64_t ffn, bool normed);
/// Bytes that Ops::picture_attention takes from its arena for x [rows, cols].
int64_t picture_attention_scratch(int64_t rows, int64_t cols, int64_t heads, int64_t head_dim);

struct CpuOptions {
  int threads = 0;  // 0 = one per available CPU
  std::string kernel =
      {};  // run only kernels of this name ("plain"); empty = what VISAVIS_KERNEL says
};

/// The CPU backend; kernels are chosen from ops/cpu/kernels.cpp by what this CPU can do.
std::unique_ptr<Ops> make_cpu_ops(const CpuOptions& options);

struct CudaOptions {
  int device = 0;
  std::string kernel = {};  // as CpuOptions'
  bool separate = false;    // every buffer a block of the driver's, so that memcheck sees overruns
  bool replay = true;       // steps with a key are recorded and replayed
};

/// Whether this build has the CUDA backend.
bool has_cuda();
/// The PCI bus id of a device, under which NVML knows it; takes no memory on it. Throws Error as
/// make_cuda_ops().
std::string cuda_bus_id(int device);
/// The CUDA backend. Throws Error in one line: no such backend in this build, no driver or one that
/// is older than the toolkit (both versions), no device, no code for its architecture.
std::unique_ptr<Ops> make_cuda_ops(const CudaOptions& options);

/// One row of a kernel table, for `visavis kernels`.
struct KernelRow {
  std::string operation;   // "linear int4"
  std::string name;        // "avx512"
  bool supported = false;  // by this CPU or device
  bool chosen = false;
};
std::vector<KernelRow> cpu_kernels();
/// None in a build without CUDA. Throws Error as make_cuda_ops().
std::vector<KernelRow> cuda_kernels(int device);

}  // namespace visavis::ops
