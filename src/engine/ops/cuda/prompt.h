// Linears of many rows, as prompts and pictures have them: 4- and 8-bit weights are expanded to 16
// bits in scratch memory, a part at a time, and multiplied by cuBLASLt with f32 sums. Weights whose
// input may not be rounded are multiplied in f32.
#pragma once

#include <cstddef>

#include "engine/ops/cuda/args.h"
#include "engine/ops/cuda/matrix_library.h"

namespace visavis::ops::cuda {

/// Rows from which on the library is worth its expansion.
constexpr int64_t kManyRows = 9;
/// Most bytes of a weight that are expanded at once: the largest of an 8B model in 16 bits. Smaller
/// parts leave multiprocessors idle at the end of each product (half of it: 3 to 8 % of a prompt's
/// time on an H100).
constexpr int64_t kExpandedWeight = int64_t{104} << 20;
/// With a quarter of it the library takes kernels that cost a prompt as much again.
constexpr int64_t kLibraryWorkspace = int64_t{32} << 20;
/// All of this device's scratch: beside those two rounded rows and splits of attention.
constexpr int64_t kPlannedScratch = kExpandedWeight + kLibraryWorkspace + (int64_t{24} << 20);

struct BiasedWeight {
  WeightArgs weight;
  const float* bias = nullptr;  // [weight.rows] or null
};

/// One of several linears of the same input; y f32 [n, weight.rows].
struct ProjectionArgs {
  BiasedWeight layer;
  float* y = nullptr;
};

/// The norm that a fused operation applies first; weight null: none. bias null: an RMS norm.
struct NormBefore {
  const float* weight = nullptr;
  const float* bias = nullptr;
  float eps = 0;
};

/// Device memory that a fused operation may use until it is done.
struct Room {
  std::byte* data = nullptr;
  int64_t bytes = 0;
};

/// Whether the library can multiply n rows with this weight.
bool prompt_takes(const WeightArgs& weight, int64_t n, const Device& device);

/// What prompt_linear multiplies in.
MatrixType prompt_type(const WeightArgs& weight, const Device& device);

void prompt_linear(const LinearArgs& args, Context& context);

/// segment_attention with q, k and v rounded to 16 bits first.
bool prompt_takes_segments(const SegmentAttentionArgs& args, const Device& device);
void prompt_segment_attention(const SegmentAttentionArgs& args, Context& context);

/// outputs[i] = outputs[i].layer norm(x). room: n * cols values of 4 bytes.
void prompt_project(const float* x, int64_t n, const NormBefore& norm,
                    const ProjectionArgs* outputs, int count, Room room, Context& context);

/// y = down(silu(gate norm(x)) * up norm(x)) (+ y). Weights whose input may be rounded only; room:
/// n * (cols + 2 * gate.rows) values of 2 bytes.
void prompt_gated_mlp(const float* x, int64_t n, const NormBefore& norm, const WeightArgs& gate,
                      const WeightArgs& up, const WeightArgs& down, bool accumulate, Room room,
                      float* y, Context& context);

/// y = fc2(activation(fc1 norm(x))) (+ y), so many rows at a time as the room has space for; at
/// least n * cols + fc1.rows values of 2 bytes. Weights whose input may be rounded only.
void prompt_mlp(const float* x, int64_t n, const NormBefore& norm, const BiasedWeight& fc1,
                Activation activation, const BiasedWeight& fc2, bool accumulate, Room room,
                float* y, Context& context);

struct PictureLayerArgs {
  const float* x = nullptr;  // [rows, q.weight.cols]
  int64_t rows = 0;
  NormBefore norm;
  BiasedWeight q, k, v, o;
  int64_t heads = 0;
  int64_t head_dim = 0;
  bool rotated = false;
  RopeFrequencies rope;
  const int32_t* positions = nullptr;      // [3, rows]
  const int32_t* segment_start = nullptr;  // [segments + 1]
  int64_t segments = 0;
  int64_t longest_segment = 0;
  float scale = 1;
  float* y = nullptr;  // += o(attention); may be x
};
bool prompt_takes_picture(const PictureLayerArgs& args, const Device& device);
/// room: rows * (cols + 6 * heads * head_dim) values of 2 bytes.
void prompt_picture_attention(const PictureLayerArgs& args, Room room, Context& context);

}  // namespace visavis::ops::cuda
