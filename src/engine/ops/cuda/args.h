// What a CUDA kernel is given: plain pointers into device memory and numbers. The .cu files see
// this header and nothing of the engine, since nvcc compiles them as C++17.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace visavis::ops::cuda {

/// The card that kernels are chosen and sized for.
struct Device {
  int index = 0;
  int sm = 0;    // 10 * major + minor: 75, 80, 86, 89, 90
  int code = 0;  // of the machine code that runs: less than sm where PTX is translated
  int multiprocessors = 0;
  int shared_bytes = 0;  // most shared memory of a block that asks for it
  int64_t l2_bytes = 0;
  bool library = false;  // whether cuBLASLt is installed

  /// Whether kernels may be launched while the one before them runs (launch.cuh).
  bool overlaps() const { return sm >= 90 && code >= 90; }
};

/// Memory that kernels share between their launches on the one stream; grows outside of recordings.
class Scratch {
 public:
  virtual ~Scratch() = default;
  /// At least `bytes` in device memory, valid for launches up to the next take() of the same slot.
  /// Throws Error: no memory left.
  virtual void* take(int slot, size_t bytes) = 0;
};

/// Slots of Scratch: what may be in use at the same time needs a slot of its own.
enum ScratchSlot {
  kScratchInput,
  kScratchWeight,
  kScratchParts,
  kScratchSplits,
  kScratchLibrary,
  kScratchSlots
};

class MatrixLibrary;

struct Context {
  cudaStream_t stream = nullptr;
  Device device;
  Scratch* scratch = nullptr;
  MatrixLibrary* library = nullptr;  // null: none is installed
};

enum class Activation { none, gelu_erf, gelu_tanh, quick_gelu, silu };

enum class WeightKind { f32, f16, bf16, int8, int4 };
enum class ZeroPoint { none, u4, f16 };

/// A tensor::Weight with its rows one after the other. `values`: dense values or codes.
struct WeightArgs {
  WeightKind kind = WeightKind::f32;
  int64_t rows = 0;
  int64_t cols = 0;
  const void* values = nullptr;
  const void* scales = nullptr;  // f16 [rows, groups]
  int64_t group = 0;             // columns per scale; a whole row is group == cols
  int64_t groups = 0;
  bool round_input = false;  // what the weight is multiplied with may be rounded
  // Of int4 only, as tensor::Int4 says.
  ZeroPoint zero = ZeroPoint::none;
  const void* zeros = nullptr;
  bool has_lookup = false;
  float lookup[16] = {};
  const int32_t* permutation = nullptr;

  /// Codes that stand for code * scale, after 8 is taken from an int4's.
  bool symmetric() const {
    return zero == ZeroPoint::none && !has_lookup && permutation == nullptr;
  }
};

/// y[n, weight.rows] = epilogue(x[n, weight.cols] W^T), all f32.
struct LinearArgs {
  const float* x = nullptr;
  int64_t n = 0;
  WeightArgs weight;
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

/// A RopeTable that travels with the launch.
constexpr int kMostPairs = 128;
constexpr int kMostFrequencies = 256;  // of all sets
struct RopeFrequencies {
  int pairs = 0;
  int sets = 1;
  float inv_freq[kMostFrequencies] = {};
  uint8_t axis[kMostPairs] = {};
};

/// Rotates x [tokens, heads, 2 * pairs] in place; positions [3, tokens].
struct RopeArgs {
  RopeFrequencies table;
  const int32_t* positions = nullptr;
  int64_t tokens = 0;
  int64_t heads = 0;
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
  int64_t tokens = 0;
  int64_t longest_segment = 0;
  int64_t heads = 0;
  int64_t head_dim = 0;
  float scale = 1;
  bool round_input = false;
  float* y = nullptr;  // [tokens, heads, head_dim]
};

enum class KvType { f32, f16, i8 };

/// One layer's cache, as step_batch.h says.
struct KvArgs {
  KvType type = KvType::f16;
  int64_t page_size = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  void* k = nullptr;          // [pages, kv_heads, head_dim, page_size]
  void* v = nullptr;          // [pages, kv_heads, page_size, head_dim]
  float* k_scales = nullptr;  // [pages, kv_heads, page_size]; i8 only
  float* v_scales = nullptr;
};

/// The parts of StepBatch that attention reads; the longest_* are bounds known on the host.
struct BatchArgs {
  int64_t tokens = 0;
  int64_t sequences = 0;
  int64_t longest_query = 0;
  int64_t longest_context = 0;
  int64_t max_pages = 0;
  const int32_t* positions = nullptr;    // [3, tokens]
  const int32_t* query_start = nullptr;  // [sequences + 1]
  const int32_t* kv_length = nullptr;    // [sequences]
  const int32_t* page_table = nullptr;   // [sequences, max_pages]
  const int32_t* slots = nullptr;        // [tokens]
};

/// Ops::cached_attention with the views taken apart.
struct CachedAttentionArgs {
  const float* q = nullptr;  // [tokens, heads, head_dim]
  int64_t heads = 0;
  BatchArgs batch;
  KvArgs kv;
  float scale = 1;
  float* y = nullptr;
};

/// Ops::write_kv.
struct WriteKvArgs {
  const float* k = nullptr;  // [tokens, kv_heads, head_dim]
  const float* v = nullptr;
  const int32_t* slots = nullptr;
  int64_t tokens = 0;
  KvArgs kv;
};

/// Ops::cut_patches with the layout taken apart.
struct CutPatchesArgs {
  const uint8_t* pixels = nullptr;  // [.., width, 3]
  int64_t width = 0;
  const float* levels = nullptr;  // [3, 256]
  int64_t grid_h = 0;
  int64_t grid_w = 0;
  int64_t patch_h = 0;
  int64_t patch_w = 0;
  int64_t merge = 1;
  int64_t copies = 1;
  float* y = nullptr;
};

/// Throws Error saying what failed, in the driver's words, unless `error` is cudaSuccess.
void check(cudaError_t error, const char* what);
/// Whether the launch before it was accepted; `what` names the kernel.
inline void launched(const char* what) { check(cudaGetLastError(), what); }

// The plain references, in *_plain.cu.
void linear_plain(const LinearArgs& args, Context& context);
void rms_norm_plain(const NormArgs& args, Context& context);
void layer_norm_plain(const NormArgs& args, Context& context);
void silu_multiply_plain(const SiluArgs& args, Context& context);
void rope_plain(const RopeArgs& args, Context& context);
void segment_attention_plain(const SegmentAttentionArgs& args, Context& context);
void cached_attention_plain(const CachedAttentionArgs& args, Context& context);

// Operations without a table, in movement.cu; `rows` may be null, meaning row i is row i.

/// x[rows[i]] += y[i] for i < n.
void add_rows(const float* y, const int32_t* rows, int64_t n, int64_t cols, float* x,
              Context& context);
/// x[rows[i]] = y[i].
void set_rows(const float* y, const int32_t* rows, int64_t n, int64_t cols, float* x,
              Context& context);
/// y[i] = x[rows[i]].
void gather_rows(const float* x, const int32_t* rows, int64_t n, int64_t cols, float* y,
                 Context& context);
/// Ops::scale_beyond of rows of `cols` values.
void scale_beyond(int64_t length, const int32_t* positions, int64_t n, int64_t cols, float* x,
                  Context& context);
/// x[i] = table row ids[i]; the table may lie in pinned host memory.
void embed(const WeightArgs& table, const int32_t* ids, int64_t n, float* x, Context& context);
void write_kv(const WriteKvArgs& args, Context& context);
void add_position_grid(const float* grid, int64_t side, int64_t h, int64_t w, int64_t merge,
                       int64_t dim, float* y, Context& context);
void cut_patches(const CutPatchesArgs& args, Context& context);

// The loops of ceilings.cpp, in ceiling_loops.cu; the last two return the operations queued.

/// Fills memory with 16-bit floats (bf16 and f16 alike) of random bits and moderate size: products
/// of equal or zero values use less power, and so run faster, than a model's.
void run_fill_loop(void* data, int64_t bytes, const Context& context);
void run_read_loop(const void* data, int64_t bytes, float* sink, const Context& context);
double run_multiply_loop(int rounds, float* sink, const Context& context);
double run_dot_loop(int rounds, float* sink, const Context& context);

/// Launches nothing on the current device but finds out whether it could: 0 or the `code` of
/// Device.
int code_that_runs();

}  // namespace visavis::ops::cuda
