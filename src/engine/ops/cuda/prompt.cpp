#include "engine/ops/cuda/prompt.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/error.h"
#include "engine/ops/cuda/flash_picture.h"
#include "engine/ops/cuda/prompt_rotary.h"
#include "engine/ops/cuda/prompt_rows.h"

namespace visavis::ops::cuda {
namespace {

// Products of equal shape are made at once while each alone would not fill the device.
constexpr int64_t kSmallProduct = 5'000'000;
constexpr int64_t kAlign = 64;
constexpr int kAmpere = 80;
constexpr int64_t kVector = 8;  // values that kernels read at once

int64_t size_of(MatrixType type) { return type == MatrixType::f32 ? 4 : 2; }

bool is_dense(const WeightArgs& weight) {
  return weight.kind != WeightKind::int8 && weight.kind != WeightKind::int4;
}

bool is_expanded(const WeightArgs& weight, MatrixType type) {
  return !(weight.kind == WeightKind::f32 && type == MatrixType::f32) &&
         !(weight.kind == WeightKind::bf16 && type == MatrixType::bf16) &&
         !(weight.kind == WeightKind::f16 && type == MatrixType::f16);
}

// Takes pieces of a Room one after the other.
class Pieces {
 public:
  explicit Pieces(Room room) : room_(room) {}
  void* take(int64_t bytes) {
    const int64_t wanted = (bytes + kAlign - 1) / kAlign * kAlign;
    require(used_ + wanted <= room_.bytes, "CUDA: a fused operation was planned ", room_.bytes,
            " bytes, needs ", used_ + wanted);
    std::byte* piece = room_.data + used_;
    used_ += wanted;
    return piece;
  }
  int64_t left() const { return room_.bytes - used_; }

 private:
  Room room_;
  int64_t used_ = 0;
};

void multiply(const MatrixProduct& product, Context& context) {
  constexpr auto kBytes = static_cast<size_t>(kLibraryWorkspace);
  void* workspace = context.scratch->take(kScratchLibrary, kBytes);
  require(context.library->multiply(product, workspace, kBytes, context.stream),
          "CUDA: cuBLASLt has no kernel for [", product.n, ", ", product.cols, "] times [",
          product.cols, ", ", product.rows, "]");
}

// x [n, cols] times weights of equal shape, whose results lie at y + i * y_step.
struct Batch {
  MatrixType type = MatrixType::bf16;
  const void* x = nullptr;
  int64_t n = 0;
  const WeightArgs* const* weights = nullptr;
  int64_t count = 1;
  void* y = nullptr;
  int64_t y_step = 0;
  bool y_f32 = true;
  bool accumulate = false;
  bool gelu_tanh = false;
  const void* bias = nullptr;  // of y's type, [count, rows]
  float scale = 1;             // of the products
};

MatrixProduct product_of(const Batch& batch) {
  const WeightArgs& first = *batch.weights[0];
  MatrixProduct product;
  product.type = batch.type;
  product.y_f32 = batch.y_f32 || batch.type == MatrixType::f32;
  product.accumulate = batch.accumulate;
  product.gelu_tanh = batch.gelu_tanh;
  product.rows = first.rows;
  product.n = batch.n;
  product.cols = first.cols;
  product.w_row = first.cols;
  product.x = batch.x;
  product.x_row = first.cols;
  product.y = batch.y;
  product.y_row = first.rows;
  product.bias = batch.bias;
  product.scale = batch.scale;
  product.count = batch.count;
  product.y_step = batch.y_step;
  return product;
}

// One weight, expanded in as few parts of rows as fit the scratch memory.
void multiply_parts(const Batch& batch, Context& context) {
  const WeightArgs& weight = *batch.weights[0];
  MatrixProduct product = product_of(batch);
  if (!is_expanded(weight, batch.type)) {
    product.w = weight.values;
    multiply(product, context);
    return;
  }
  constexpr int64_t kTile = 128;
  const int64_t row_bytes = weight.cols * size_of(batch.type);
  const int64_t most = std::max<int64_t>(kTile, kExpandedWeight / row_bytes / kTile * kTile);
  const int64_t parts = (weight.rows + most - 1) / most;
  const int64_t rows = ((weight.rows + parts - 1) / parts + kTile - 1) / kTile * kTile;
  void* expanded = context.scratch->take(
      kScratchWeight, static_cast<size_t>(std::min(rows, weight.rows) * row_bytes));
  const int64_t y_bytes = product.y_f32 ? 4 : 2;
  for (int64_t begin = 0; begin < weight.rows; begin += rows) {
    product.rows = std::min(rows, weight.rows - begin);
    expand_weight(weight, begin, product.rows, batch.type, expanded, context.stream);
    product.w = expanded;
    product.y = static_cast<std::byte*>(batch.y) + begin * y_bytes;
    if (batch.bias != nullptr)
      product.bias = static_cast<const std::byte*>(batch.bias) + begin * y_bytes;
    multiply(product, context);
  }
}

// Where weights lie that all need no expansion: first and distance in values; or 0 if they do not
// lie at equal distances.
int64_t equal_step(const Batch& batch) {
  const auto at = [&](int64_t i) { return reinterpret_cast<intptr_t>(batch.weights[i]->values); };
  const auto bytes = static_cast<intptr_t>(size_of(batch.type));
  const intptr_t step = at(1) - at(0);
  for (int64_t i = 2; i < batch.count; ++i) {
    if (at(i) - at(i - 1) != step) return 0;
  }
  return step % (bytes * kVector) == 0 ? step / bytes : 0;
}

bool multiply_at_once(const Batch& batch, Context& context) {
  MatrixProduct product = product_of(batch);
  const int64_t values = product.rows * product.cols;
  if (!is_expanded(*batch.weights[0], batch.type)) {
    product.w = batch.weights[0]->values;
    product.w_step = equal_step(batch);
    if (product.w_step == 0) return false;
  } else {
    const int64_t bytes = values * size_of(batch.type);
    if (bytes * batch.count > kExpandedWeight) return false;
    auto* expanded = static_cast<std::byte*>(
        context.scratch->take(kScratchWeight, static_cast<size_t>(bytes * batch.count)));
    for (int64_t i = 0; i < batch.count; ++i)
      expand_weight(*batch.weights[i], 0, product.rows, batch.type, expanded + i * bytes,
                    context.stream);
    product.w = expanded;
    product.w_step = values;
  }
  multiply(product, context);
  return true;
}

// All weights are of one kind and shape.
void multiply_batch(const Batch& batch, Context& context) {
  const WeightArgs& first = *batch.weights[0];
  if (batch.count > 1 && first.rows * batch.n <= kSmallProduct && multiply_at_once(batch, context))
    return;
  const int64_t y_bytes = batch.y_f32 || batch.type == MatrixType::f32 ? 4 : 2;
  for (int64_t i = 0; i < batch.count; ++i) {
    Batch one = batch;
    one.count = 1;
    one.weights = batch.weights + i;
    one.y = static_cast<std::byte*>(batch.y) + i * batch.y_step * y_bytes;
    if (batch.bias != nullptr)
      one.bias = static_cast<const std::byte*>(batch.bias) + i * first.rows * y_bytes;
    multiply_parts(one, context);
  }
}

void multiply_one(MatrixType type, const void* x, int64_t n, const WeightArgs& weight, void* y,
                  bool y_f32, bool accumulate, const void* bias, bool gelu_tanh, Context& context,
                  float scale = 1) {
  const WeightArgs* weights = &weight;
  Batch batch;
  batch.type = type;
  batch.x = x;
  batch.n = n;
  batch.weights = &weights;
  batch.y = y;
  batch.y_f32 = y_f32;
  batch.accumulate = accumulate;
  batch.bias = bias;
  batch.gelu_tanh = gelu_tanh;
  batch.scale = scale;
  multiply_parts(batch, context);
}

// norm(x) as the products take it: in `to`, or x itself.
const void* prepare(const float* x, int64_t n, int64_t cols, const NormBefore& norm,
                    MatrixType type, void* to, Context& context) {
  if (norm.weight == nullptr) {
    if (type == MatrixType::f32) return x;
    round_values(x, n * cols, type == MatrixType::bf16, to, context.stream);
    return to;
  }
  NormArgs args;
  args.x = x;
  args.weight = norm.weight;
  args.bias = norm.bias;
  args.n = n;
  args.cols = cols;
  args.eps = norm.eps;
  if (type == MatrixType::f32) {
    args.y = static_cast<float*>(to);
    norm.bias == nullptr ? rms_norm_plain(args, context) : layer_norm_plain(args, context);
  } else {
    norm_round(args, type == MatrixType::bf16, to, context.stream);
  }
  return to;
}

bool same_product(const WeightArgs& a, const WeightArgs& b, MatrixType type) {
  return a.rows == b.rows && a.cols == b.cols && is_expanded(a, type) == is_expanded(b, type);
}

}  // namespace

bool prompt_takes(const WeightArgs& weight, int64_t n, const Device& device) {
  constexpr int64_t kLibraryVector = 4;  // less would leave the library its slowest kernels
  if (n < kManyRows || !device.library) return false;
  if (!is_expanded(weight, prompt_type(weight, device))) return weight.cols % kLibraryVector == 0;
  if (weight.cols % kVector != 0) return false;
  if (is_dense(weight)) return true;
  return weight.symmetric() && weight.group % kVector == 0;
}

MatrixType prompt_type(const WeightArgs& weight, const Device& device) {
  if (!weight.round_input) return MatrixType::f32;
  // An f16 weight loses bits as bf16, and Turing has no other 16-bit products.
  if (weight.kind == WeightKind::f16 || device.code < kAmpere) return MatrixType::f16;
  return MatrixType::bf16;
}

void prompt_linear(const LinearArgs& args, Context& context) {
  const WeightArgs& weight = args.weight;
  const MatrixType type = prompt_type(weight, context.device);
  const void* x = args.x;
  if (type != MatrixType::f32) {
    void* rounded =
        context.scratch->take(kScratchInput, static_cast<size_t>(args.n * weight.cols) * 2);
    x = prepare(args.x, args.n, weight.cols, {}, type, rounded, context);
  }
  if (args.activation == Activation::none) {
    multiply_one(type, x, args.n, weight, args.y, true, args.accumulate, args.bias, false, context);
    return;
  }
  // An activation comes between the product and what y holds.
  float* made = args.y;
  if (args.accumulate) {
    made = static_cast<float*>(
        context.scratch->take(kScratchParts, static_cast<size_t>(args.n * weight.rows) * 4));
  }
  multiply_one(type, x, args.n, weight, made, true, false, args.bias, false, context);
  activate_f32(made, args.n * weight.rows, args.activation, args.accumulate, args.y,
               context.stream);
}

void prompt_project(const float* x, int64_t n, const NormBefore& norm,
                    const ProjectionArgs* outputs, int count, Room room, Context& context) {
  const int64_t cols = outputs[0].layer.weight.cols;
  Pieces pieces(room);
  std::array<void*, 3> prepared{};  // by MatrixType, made when first wanted
  for (int i = 0; i < count;) {
    const WeightArgs& weight = outputs[i].layer.weight;
    const MatrixType type = prompt_type(weight, context.device);
    void*& input = prepared[static_cast<size_t>(type)];
    if (input == nullptr) {
      const bool as_it_is = type == MatrixType::f32 && norm.weight == nullptr;
      void* to = as_it_is ? nullptr : pieces.take(n * cols * size_of(type));
      input = const_cast<void*>(prepare(x, n, cols, norm, type, to, context));
    }
    std::array<const WeightArgs*, 4> weights{};
    int same = 0;
    const auto joins = [&](int j) {
      return j < count && same < static_cast<int>(weights.size()) &&
             outputs[j].layer.bias == nullptr &&
             prompt_type(outputs[j].layer.weight, context.device) == type &&
             same_product(weight, outputs[j].layer.weight, type) &&
             (outputs[j].y - outputs[j - 1].y) == (outputs[i + 1].y - outputs[i].y);
    };
    weights[0] = &weight;
    same = 1;
    if (outputs[i].layer.bias == nullptr) {
      while (joins(i + same)) {
        weights[static_cast<size_t>(same)] = &outputs[i + same].layer.weight;
        ++same;
      }
    }
    Batch batch;
    batch.type = type;
    batch.x = input;
    batch.n = n;
    batch.weights = weights.data();
    batch.count = same;
    batch.y = outputs[i].y;
    batch.y_step = same > 1 ? outputs[i + 1].y - outputs[i].y : 0;
    batch.bias = outputs[i].layer.bias;
    multiply_batch(batch, context);
    i += same;
  }
}

void prompt_gated_mlp(const float* x, int64_t n, const NormBefore& norm, const WeightArgs& gate,
                      const WeightArgs& up, const WeightArgs& down, bool accumulate, Room room,
                      float* y, Context& context) {
  const MatrixType type = prompt_type(gate, context.device);
  Pieces pieces(room);
  const void* input = prepare(x, n, gate.cols, norm, type, pieces.take(n * gate.cols * 2), context);
  void* gated = pieces.take(n * gate.rows * 2);
  void* raised = pieces.take(n * gate.rows * 2);
  multiply_one(type, input, n, gate, gated, false, false, nullptr, false, context);
  multiply_one(type, input, n, up, raised, false, false, nullptr, false, context);
  // The product of gate and up may be far above what f16 holds; made smaller, its small values are
  // still finer than the sums that they go into.
  const float smaller = type == MatrixType::f16 ? 1.0f / 64 : 1.0f;
  silu_multiply_16(gated, raised, n * gate.rows, type == MatrixType::bf16, smaller, context.stream);
  multiply_one(type, gated, n, down, y, true, accumulate, nullptr, false, context, 1 / smaller);
}

void prompt_mlp(const float* x, int64_t n, const NormBefore& norm, const BiasedWeight& fc1,
                Activation activation, const BiasedWeight& fc2, bool accumulate, Room room,
                float* y, Context& context) {
  const MatrixType type = prompt_type(fc1.weight, context.device);
  const bool bf16 = type == MatrixType::bf16;
  const int64_t cols = fc1.weight.cols;
  const int64_t wide = fc1.weight.rows;
  Pieces pieces(room);
  const auto* input = static_cast<const std::byte*>(
      prepare(x, n, cols, norm, type, pieces.take(n * cols * 2), context));
  const int64_t rows = std::clamp<int64_t>(pieces.left() / kAlign * kAlign / (wide * 2), 1, n);
  void* middle = pieces.take(rows * wide * 2);
  void* bias = nullptr;
  if (fc1.bias != nullptr) {
    bias = context.scratch->take(kScratchParts, static_cast<size_t>(wide) * 2);
    round_values(fc1.bias, wide, bf16, bias, context.stream);
  }
  const bool fused = activation == Activation::gelu_tanh;
  for (int64_t begin = 0; begin < n; begin += rows) {
    const int64_t part = std::min(rows, n - begin);
    multiply_one(type, input + begin * cols * 2, part, fc1.weight, middle, false, false, bias,
                 fused, context);
    if (!fused && activation != Activation::none)
      activate_16(middle, part * wide, activation, bf16, context.stream);
    multiply_one(type, middle, part, fc2.weight, y + begin * fc2.weight.rows, true, accumulate,
                 fc2.bias, false, context);
  }
}

bool prompt_takes_segments(const SegmentAttentionArgs& args, const Device& device) {
  return args.round_input && args.stride % 4 == 0 && flash_picture_supports(args.head_dim, device);
}

void prompt_segment_attention(const SegmentAttentionArgs& args, Context& context) {
  if (args.segments < 1 || args.tokens == 0) return;
  const bool bf16 = context.device.code >= kAmpere;
  const int64_t width = args.heads * args.head_dim;
  const int64_t bytes = args.tokens * width * 2;
  auto* rounded =
      static_cast<std::byte*>(context.scratch->take(kScratchInput, static_cast<size_t>(3 * bytes)));
  const std::array<const float*, 3> parts = {args.q, args.k, args.v};
  for (size_t i = 0; i < parts.size(); ++i) {
    round_rows(parts[i], args.tokens, width, args.stride, bf16,
               rounded + static_cast<int64_t>(i) * bytes, context.stream);
  }
  PictureAttentionCall call;
  call.bf16 = bf16;
  call.q = rounded;
  call.k = rounded + bytes;
  call.v = rounded + 2 * bytes;
  call.stride = width;
  call.kv_stride = width;
  call.kv_head_stride = args.head_dim;
  call.heads = args.heads;
  call.head_dim = args.head_dim;
  call.segment_start = args.segment_start;
  call.segments = args.segments;
  call.longest_segment = args.longest_segment;
  call.scale = args.scale;
  call.y = args.y;
  call.y_f32 = true;
  flash_picture(call, context);
}

bool prompt_takes_picture(const PictureLayerArgs& args, const Device& device) {
  const int64_t width = args.heads * args.head_dim;
  const WeightArgs* weights[] = {&args.q.weight, &args.k.weight, &args.v.weight, &args.o.weight};
  const MatrixType type = prompt_type(args.q.weight, device);
  for (const WeightArgs* weight : weights) {
    if (!prompt_takes(*weight, args.rows, device) || type == MatrixType::f32 ||
        prompt_type(*weight, device) != type)
      return false;
  }
  const bool biased = args.q.bias != nullptr;
  return flash_picture_supports(args.head_dim, device) &&
         (!args.rotated || args.rope.pairs * 2 == args.head_dim) && args.q.weight.rows == width &&
         biased == (args.k.bias != nullptr) && biased == (args.v.bias != nullptr) &&
         same_product(args.q.weight, args.k.weight, type) &&
         same_product(args.q.weight, args.v.weight, type);
}

void prompt_picture_attention(const PictureLayerArgs& args, Room room, Context& context) {
  const MatrixType type = prompt_type(args.q.weight, context.device);
  const bool bf16 = type == MatrixType::bf16;
  const int64_t rows = args.rows;
  const int64_t width = args.heads * args.head_dim;
  Pieces pieces(room);
  void* normed = pieces.take(rows * args.q.weight.cols * 2);
  auto* q = static_cast<std::byte*>(pieces.take(3 * rows * width * 2));
  std::byte* k = q + rows * width * 2;
  std::byte* v = k + rows * width * 2;
  void* mixed = pieces.take(rows * width * 2);

  const std::array<const WeightArgs*, 3> weights = {&args.q.weight, &args.k.weight, &args.v.weight};
  Batch batch;
  batch.type = type;
  batch.x = prepare(args.x, rows, args.q.weight.cols, args.norm, type, normed, context);
  batch.n = rows;
  batch.weights = weights.data();
  batch.count = 3;
  batch.y = q;
  batch.y_step = rows * width;
  batch.y_f32 = false;
  if (args.q.bias != nullptr) {
    void* biases = context.scratch->take(kScratchParts, static_cast<size_t>(3 * width) * 2);
    round_three(args.q.bias, args.k.bias, args.v.bias, width, bf16, biases, context.stream);
    batch.bias = biases;
  }
  multiply_batch(batch, context);
  PictureAttentionCall call;
  call.k = k;
  call.v = v;
  call.kv_stride = width;
  call.kv_head_stride = args.head_dim;
  if (args.rotated) {
    PictureRopeArgs rope;
    rope.table = args.rope;
    rope.positions = args.positions;
    rope.tokens = rows;
    rope.heads = args.heads;
    rope.bf16 = bf16;
    rope.q = q;
    rope.k = k;
    rope.v = v;
    rope.packed_k = pieces.take(rows * width * 2);
    rope.packed_v = pieces.take(rows * width * 2);
    picture_rope(rope, context);
    call.k = rope.packed_k;
    call.v = rope.packed_v;
    call.kv_stride = args.head_dim;
    call.kv_head_stride = rows * args.head_dim;
  }
  call.bf16 = bf16;
  call.q = q;
  call.stride = width;
  call.heads = args.heads;
  call.head_dim = args.head_dim;
  call.segment_start = args.segment_start;
  call.segments = args.segments;
  call.longest_segment = args.longest_segment;
  call.scale = args.scale;
  call.y = mixed;
  call.y_f32 = false;
  flash_picture(call, context);
  multiply_one(type, mixed, rows, args.o.weight, args.y, true, true, args.o.bias, false, context);
}

}  // namespace visavis::ops::cuda
