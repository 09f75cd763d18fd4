// Operations that fuse several, over as many rows as prompts and pictures have, against the same
// operations one by one in f32.
#include <array>
#include <cstring>
#include <functional>
#include <numeric>

#include "engine/ops/ops_under_test.h"

namespace visavis::ops {
namespace {

// Three products whose inputs are rounded to bf16 one after the other.
constexpr double kRounded = 8e-3;
constexpr double kExact = 1e-5;

Weight bf16_weight(base::Rng& rng, int64_t rows, int64_t cols) {
  tensor::Dense dense{DType::bf16, Buffer::host(rows * cols * 2), true};
  const float size = 2 / std::sqrt(static_cast<float>(cols));
  for (int64_t i = 0; i < rows * cols; ++i) {
    dense.values.as<tensor::Bf16>()[i] =
        tensor::to_bf16(static_cast<float>(rng.uniform() * 2 - 1) * size);
  }
  return {"bf16", rows, cols, std::move(dense)};
}

Weight int4_weight(base::Rng& rng, int64_t rows, int64_t cols) {
  constexpr int64_t kGroup = 128;
  tensor::Int4 int4;
  int4.group = kGroup;
  int4.codes = Buffer::host(rows * cols / 2);
  int4.scales = Buffer::host(rows * tensor::groups_of(cols, kGroup) * 2);
  int4.round_input = true;
  for (int64_t i = 0; i < int4.codes.bytes(); ++i)
    int4.codes.as<uint8_t>()[i] = static_cast<uint8_t>(rng.uniform() * 256);
  const float size = 0.2f / std::sqrt(static_cast<float>(cols));
  for (int64_t i = 0; i < int4.scales.bytes() / 2; ++i) {
    int4.scales.as<tensor::F16>()[i] =
        tensor::to_f16((1 + static_cast<float>(rng.uniform())) * size);
  }
  return {"int4", rows, cols, std::move(int4)};
}

std::unique_ptr<Ops> reference() { return make_cpu_ops({.threads = 2, .kernel = "plain"}); }

std::vector<double> widened(const Tensor& tensor) {
  return {tensor.values().begin(), tensor.values().end()};
}

// Runs `call` on the plain CPU kernels, then on every variant.
void expect_alike(const char* what, const Tensor& y,
                  const std::function<void(Ops&, tensor::Arena&, const Tensor&)>& call,
                  int64_t arena_bytes, double distance = kRounded) {
  const auto run = [&](Ops& ops) {
    tensor::Arena arena(Buffer::host(arena_bytes));
    Tensor result = y.copy();
    call(ops, arena, result);
    EXPECT_EQ(arena.used(), 0) << what;
    return result;
  };
  const std::vector<double> wanted = widened(run(*reference()));
  for (const OpsUnderTest& variant : every_ops()) {
    const bool plain = variant.name == "plain" || variant.name == "cuda plain";
    EXPECT_LE(relative_distance(run(*variant.ops).values(), wanted), plain ? kExact : distance)
        << variant.name << ", " << what;
  }
}

TEST(FusedOps, MlpOfManyRows) {
  for (const Activation activation :
       {Activation::gelu_tanh, Activation::gelu_erf, Activation::quick_gelu}) {
    for (const bool normed : {false, true}) {
      base::Rng rng(21);
      constexpr int64_t kRows = 77;
      constexpr int64_t kWidth = 72;
      constexpr int64_t kFfn = 4304;
      const Weight fc1 = bf16_weight(rng, kFfn, kWidth);
      const Weight fc2 = bf16_weight(rng, kWidth, kFfn);
      const Tensor b1 = Tensor::random(rng, {kFfn});
      const Tensor b2 = Tensor::random(rng, {kWidth});
      const Tensor weight = Tensor::random(rng, {kWidth}, 2);
      const Tensor bias = Tensor::random(rng, {kWidth});
      const LayerNormBefore norm = {weight, bias, 1e-6f};
      const Tensor x = Tensor::random(rng, {kRows, kWidth}, 3);
      expect_alike(
          normed ? "mlp after a norm, added" : "mlp",
          normed ? x.copy() : Tensor::poisoned({kRows, kWidth}),
          [&](Ops& ops, tensor::Arena& arena, const Tensor& y) {
            ops.mlp(normed ? View(y) : View(x), normed ? norm : LayerNormBefore{}, {&fc1, b1},
                    activation, {&fc2, b2}, normed, arena, y);
          },
          mlp_scratch(kRows, kWidth, kFfn, normed));
    }
  }
}

void check_picture_attention(int64_t heads, int64_t head_dim, const std::vector<int32_t>& starts,
                             bool rotated) {
  base::Rng rng(22);
  const int64_t rows = starts.back();
  const int64_t width = heads * head_dim;
  std::vector<Weight> weights;
  std::vector<Tensor> biases;
  for (int i = 0; i < 4; ++i) {
    weights.push_back(bf16_weight(rng, width, width));
    biases.push_back(Tensor::random(rng, {width}));
  }
  RopeTable rope;
  for (int64_t j = 0; j < head_dim / 2; ++j) {
    rope.inv_freq.push_back(1.0f / static_cast<float>(1 + j));
    rope.axis.push_back(static_cast<uint8_t>(1 + j % 2));
  }
  std::vector<int32_t> places(static_cast<size_t>(3 * rows));
  std::iota(places.begin(), places.end(), 0);
  const Tensor positions = Tensor::ints(places);
  const Tensor segments = Tensor::ints(starts);
  const Tensor weight = Tensor::random(rng, {width}, 2);
  const Tensor bias = Tensor::random(rng, {width});
  PictureLayer layer{.norm = {weight, bias, 1e-6f},
                     .q = {&weights[0], biases[0]},
                     .k = {&weights[1], biases[1]},
                     .v = {&weights[2], biases[2]},
                     .o = {&weights[3], biases[3]},
                     .heads = heads,
                     .head_dim = head_dim,
                     .rope = rotated ? &rope : nullptr,
                     .positions = {DType::i32, {3, rows}, positions.view().data},
                     .segment_start = segments};
  for (size_t s = 0; s + 1 < starts.size(); ++s)
    layer.longest_segment = std::max<int64_t>(layer.longest_segment, starts[s + 1] - starts[s]);
  expect_alike(
      "picture attention", Tensor::random(rng, {rows, width}),
      [&](Ops& ops, tensor::Arena& arena, const Tensor& x) {
        ops.picture_attention(x, layer, arena, x);
      },
      picture_attention_scratch(rows, width, heads, head_dim));
}

TEST(FusedOps, PictureAttentionOfOneAndOfSeveralSegments) {
  check_picture_attention(2, 72, {0, 577}, true);
  check_picture_attention(3, 64, {0, 100, 101, 230}, false);
  check_picture_attention(2, 80, {0, 65}, true);
  check_picture_attention(1, 128, {0, 33, 140}, true);
}

TEST(FusedOps, GatedMlpOfManyRowsAddsToItsInput) {
  base::Rng rng(23);
  for (const int64_t rows : {9, 131}) {
    const Weight gate = int4_weight(rng, 520, 256);
    const Weight up = int4_weight(rng, 520, 256);
    const Weight down = int4_weight(rng, 256, 520);  // its last group is short
    const Tensor norm = Tensor::random(rng, {256});
    expect_alike(
        "gated mlp", Tensor::random(rng, {rows, 256}, 2),
        [&](Ops& ops, tensor::Arena& arena, const Tensor& x) {
          ops.gated_mlp(x, {norm, 1e-6f}, gate, up, down, true, arena, x);
        },
        rows * (256 + 2 * 520) * 4 + 192);
  }
}

TEST(FusedOps, GatedMlpBearsProductsThatF16DoesNotHold) {
  base::Rng rng(26);
  constexpr int64_t kRows = 33;
  const Weight gate = int4_weight(rng, 520, 256);
  const Weight up = int4_weight(rng, 520, 256);
  const Weight down = int4_weight(rng, 256, 520);
  const Tensor norm = Tensor::random(rng, {256}, 500);
  expect_alike(
      "gated mlp of large activations", Tensor::random(rng, {kRows, 256}, 2),
      [&](Ops& ops, tensor::Arena& arena, const Tensor& x) {
        ops.gated_mlp(x, {norm, 1e-6f}, gate, up, down, true, arena, x);
      },
      kRows * (256 + 2 * 520) * 4 + 192);
}

TEST(FusedOps, ProjectOfManyRowsToEqualAndUnequalOutputs) {
  base::Rng rng(24);
  constexpr int64_t kRows = 50;
  const Weight q = int4_weight(rng, 384, 256);
  const Weight k = int4_weight(rng, 128, 256);
  const Weight v = int4_weight(rng, 128, 256);
  const Tensor bias = Tensor::random(rng, {128});
  const Tensor norm = Tensor::random(rng, {256});
  const Tensor x = Tensor::random(rng, {kRows, 256}, 2);
  for (const bool biased : {false, true}) {
    expect_alike(
        "project", Tensor::poisoned({kRows, 640}),
        [&](Ops& ops, tensor::Arena& arena, const Tensor& y) {
          const auto part = [&](int64_t begin, int64_t cols) {
            return MutView{DType::f32, {kRows, cols}, y.view().data + kRows * begin * 4};
          };
          const std::vector<Projection> outputs = {
              {.weight = &q, .y = part(0, 384)},
              {.weight = &k, .bias = biased ? View(bias) : View{}, .y = part(384, 128)},
              {.weight = &v, .y = part(512, 128)}};
          ops.project(x, {norm, 1e-6f}, outputs, arena);
        },
        kRows * 256 * 4);
  }
}

// Frequencies of which each takes one of three axes, and two sets of them between which a token's
// row chooses.
RopeTable three_axes(int64_t dim) {
  RopeTable rope;
  for (int64_t j = 0; j < dim / 2; ++j) {
    rope.inv_freq.push_back(1.0f / static_cast<float>(1 + j));
    rope.axis.push_back(static_cast<uint8_t>(j % 3));
  }
  return rope;
}

RopeTable two_sets(int64_t dim) {
  RopeTable rope;
  rope.axis.assign(static_cast<size_t>(dim / 2), 0);
  for (int64_t j = 0; j < dim; ++j)
    rope.inv_freq.push_back(1.0f / static_cast<float>(j < dim / 2 ? 1 + j : 2 + 3 * j));
  return rope;
}

// Two sequences, the first with tokens in the cache already.
void check_rotary_attention(DType dtype, int64_t heads, int64_t kv_heads, int64_t dim,
                            bool normed) {
  base::Rng rng(25);
  constexpr int64_t kPage = 64;
  constexpr int64_t kPages = 8;
  const std::vector<int32_t> slots_of_old = {5 * kPage + 0, 5 * kPage + 1, 5 * kPage + 2};
  std::vector<int32_t> slots;
  for (int64_t t = 3; t < 133; ++t)
    slots.push_back(static_cast<int32_t>((t < 64 ? 5 : t < 128 ? 1 : 7) * kPage + t % kPage));
  for (int64_t t = 0; t < 70; ++t)
    slots.push_back(static_cast<int32_t>((t < 64 ? 2 : 6) * kPage + t % kPage));
  const auto tokens = static_cast<int64_t>(slots.size());
  const RopeTable rope = normed ? three_axes(dim) : two_sets(dim);
  std::vector<int32_t> places(static_cast<size_t>(3 * tokens));
  std::iota(places.begin(), places.end(), 0);
  if (rope.sets() > 1)
    for (int64_t t = tokens; t < 2 * tokens; ++t) places[static_cast<size_t>(t)] = t % 3 == 0;
  const Tensor positions = Tensor::ints(places);
  const Tensor starts = Tensor::ints({0, 130, 200});
  const Tensor lengths = Tensor::ints({133, 70});
  const Tensor table = Tensor::ints({5, 1, 7, 2, 6, 0});
  const Tensor slot = Tensor::ints(slots);
  const Tensor old_slot = Tensor::ints(slots_of_old);
  StepBatch batch;
  batch.tokens = tokens;
  batch.sequences = 2;
  batch.longest_query = 130;
  batch.longest_context = 133;
  batch.positions = {DType::i32, {3, tokens}, positions.view().data};
  batch.query_start = starts;
  batch.kv_length = lengths;
  batch.page_table = {DType::i32, {2, 3}, table.view().data};
  batch.slots = slot;
  StepBatch old = batch;
  old.tokens = 3;
  old.slots = old_slot;
  const Tensor old_k = Tensor::random(rng, {3, kv_heads, dim});
  const Tensor old_v = Tensor::random(rng, {3, kv_heads, dim});
  const Tensor q = Tensor::random(rng, {tokens, heads, dim}, 2);
  const Tensor k = Tensor::random(rng, {tokens, kv_heads, dim}, 2);
  const Tensor v = Tensor::random(rng, {tokens, kv_heads, dim});
  const Tensor q_norm = Tensor::random(rng, {dim}, 2);
  const Tensor k_norm = Tensor::random(rng, {dim}, 2);
  RotaryInput input;
  input.rope = &rope;
  if (normed) {
    input.q_norm = {q_norm, 1e-6f};
    input.k_norm = {k_norm, 1e-6f};
  }
  expect_alike(
      "rotary attention", Tensor::poisoned({tokens, heads, dim}),
      [&](Ops& ops, tensor::Arena&, const Tensor& y) {
        const Tensor keys(dtype, {kPages, kv_heads, dim, kPage});
        const Tensor values(dtype, {kPages, kv_heads, kPage, dim});
        const Tensor key_scales(DType::f32, {kPages, kv_heads, kPage});
        const Tensor value_scales(DType::f32, {kPages, kv_heads, kPage});
        for (const Tensor* part : {&keys, &values, &key_scales, &value_scales})  // NaN
          std::memset(part->view().data, 0xFF, static_cast<size_t>(part->view().bytes()));
        KvView kv;
        kv.dtype = dtype;
        kv.pages = kPages;
        kv.page_size = kPage;
        kv.kv_heads = kv_heads;
        kv.head_dim = dim;
        kv.k = keys;
        kv.v = values;
        if (dtype == DType::i8) kv.k_scales = key_scales, kv.v_scales = value_scales;
        ops.write_kv(old_k, old_v, old, kv);
        ops.rotary_attention(q.copy(), k.copy(), v, input, batch, kv,
                             1 / std::sqrt(static_cast<float>(dim)), y);
      },
      64, dtype == DType::i8 ? 6e-3 : 2e-3);
}

// One row of each of two sequences, one of them with a context that is cut into splits: the same
// bits in y and in the cache as from one operation after the other.
void check_rotary_decode(DType dtype, int64_t heads, int64_t kv_heads, int64_t dim, bool normed) {
  base::Rng rng(26);
  constexpr int64_t kPage = 64;
  constexpr int64_t kPages = 13;
  constexpr int64_t kTokens = 2;
  const RopeTable rope = normed ? three_axes(dim) : two_sets(dim);
  const Tensor positions = rope.sets() > 1 ? Tensor::ints({700, 5, 1, 0, 700, 7})
                                           : Tensor::ints({700, 5, 700, 6, 700, 7});
  const Tensor starts = Tensor::ints({0, 1, 2});
  const Tensor lengths = Tensor::ints({701, 6});
  std::vector<int32_t> pages = {12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11};
  pages.resize(22, 10);
  const Tensor table = Tensor::ints(pages);
  const Tensor slots = Tensor::ints({11 * kPage + 700 % kPage, 10 * kPage + 5});
  StepBatch batch;
  batch.tokens = kTokens;
  batch.sequences = 2;
  batch.longest_query = 1;
  batch.longest_context = 701;
  batch.positions = {DType::i32, {3, kTokens}, positions.view().data};
  batch.query_start = starts;
  batch.kv_length = lengths;
  batch.page_table = {DType::i32, {2, 11}, table.view().data};
  batch.slots = slots;
  const Tensor q = Tensor::random(rng, {kTokens, heads, dim}, 2);
  const Tensor k = Tensor::random(rng, {kTokens, kv_heads, dim}, 2);
  const Tensor v = Tensor::random(rng, {kTokens, kv_heads, dim});
  for (int64_t i = 0; i < dim; ++i) v[i] *= 1e-6f;  // below the normal numbers of f16
  const Tensor q_norm = Tensor::random(rng, {dim}, 2);
  const Tensor k_norm = Tensor::random(rng, {dim}, 2);
  RotaryInput input;
  input.rope = &rope;
  if (normed) {
    input.q_norm = {q_norm, 1e-6f};
    input.k_norm = {k_norm, 1e-6f};
  }
  Tensor keys(dtype, {kPages, kv_heads, dim, kPage});
  Tensor values(dtype, {kPages, kv_heads, kPage, dim});
  Tensor scales(DType::f32, {kPages, kv_heads, kPage});
  for (float& scale : scales.values()) scale = 1.0f / 70;
  for (const Tensor* half : {&keys, &values}) {
    const MutView view = half->view();
    for (int64_t i = 0; i < view.shape.elements(); ++i) {
      const auto value = static_cast<float>(rng.uniform() * 2 - 1);
      if (dtype == DType::f32) view.f32()[i] = value;
      if (dtype == DType::f16) view.as<tensor::F16>()[i] = tensor::to_f16(value);
      if (dtype == DType::i8) view.as<int8_t>()[i] = static_cast<int8_t>(value * 127);
    }
  }
  for (const OpsUnderTest& variant : every_ops()) {
    if (variant.cuda) continue;
    const auto run = [&](bool in_one) {
      std::array<Tensor, 5> made = {Tensor::poisoned({kTokens, heads, dim}), keys.copy(),
                                    values.copy(), scales.copy(), scales.copy()};
      KvView kv;
      kv.dtype = dtype;
      kv.pages = kPages;
      kv.page_size = kPage;
      kv.kv_heads = kv_heads;
      kv.head_dim = dim;
      kv.k = made[1];
      kv.v = made[2];
      if (dtype == DType::i8) kv.k_scales = made[3], kv.v_scales = made[4];
      const Tensor queries = q.copy();
      const Tensor new_keys = k.copy();
      if (in_one)
        variant.ops->rotary_attention(queries, new_keys, v, input, batch, kv, 0.1f, made[0]);
      else
        variant.ops->Ops::rotary_attention(queries, new_keys, v, input, batch, kv, 0.1f, made[0]);
      return made;
    };
    const std::array<Tensor, 5> wanted = run(false);
    const std::array<Tensor, 5> found = run(true);
    for (const float value : found[0].values()) ASSERT_TRUE(std::isfinite(value)) << variant.name;
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_EQ(std::memcmp(found[i].view().data, wanted[i].view().data,
                            static_cast<size_t>(wanted[i].view().bytes())),
                0)
          << variant.name << ", " << name_of(dtype) << ", part " << i;
  }
}

TEST(FusedOps, RotaryAttentionOfOneRowPerSequence) {
  for (const DType dtype : {DType::f32, DType::f16, DType::i8}) {
    check_rotary_decode(dtype, 8, 2, 128, true);
    check_rotary_decode(dtype, 12, 12, 64, false);
    check_rotary_decode(dtype, 6, 2, 72, true);
    check_rotary_decode(dtype, 4, 2, 320, true);
    check_rotary_decode(dtype, 388, 2, 16, false);
  }
}

TEST(FusedOps, RotaryAttentionOfPromptChunks) {
  for (const DType dtype : {DType::f16, DType::i8}) {
    check_rotary_attention(dtype, 8, 2, 128, true);
    check_rotary_attention(dtype, 3, 3, 64, false);
    check_rotary_attention(dtype, 4, 2, 128, false);
  }
}

}  // namespace
}  // namespace visavis::ops
