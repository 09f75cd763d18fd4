// Speed of the CPU's kernels at the shapes of real models, beside the ceilings of the machine,
// which are measured in the same run: reading memory, f32 multiply-adds and int8 dot products.
// Every row prints its share of the ceiling that bounds it (or should).
//   VISAVIS_KERNEL=avx2 ./ops_bench --benchmark_filter=linear
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "engine/ops/cpu/ceilings.h"
#include "engine/ops/ops.h"
#include "engine/tensor/interleave.h"

namespace {

using namespace visavis;
using namespace visavis::ops;
using tensor::DType;
using tensor::MutView;
using tensor::Shape;

Ops& cpu() {
  static const std::unique_ptr<Ops> ops = make_cpu_ops({});
  return *ops;
}

const Ceilings& ceilings() {
  static const Ceilings measured = measure_cpu_ceilings(0);
  return measured;
}

struct Floats {
  explicit Floats(const Shape& shape, uint64_t seed = 1)
      : buffer(Buffer::host(shape.elements() * 4)), view{DType::f32, shape, buffer.data()} {
    base::Rng rng(seed);
    for (int64_t i = 0; i < shape.elements(); ++i)
      view.f32()[i] = static_cast<float>(rng.uniform() - 0.5);
  }
  Buffer buffer;
  MutView view;
};

// Bytes that are not zero and not the same page over and over, so that memory is really read.
Buffer random_bytes(int64_t count) {
  Buffer buffer = Buffer::host(count);
  uint64_t state = 1;
  for (int64_t i = 0; i + 8 <= count; i += 8) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    std::memcpy(buffer.data() + i, &state, 8);
  }
  return buffer;
}

// Small finite f16 values.
Buffer scales(int64_t count) {
  Buffer buffer = Buffer::host(count * 2);
  for (int64_t i = 0; i < count; ++i)
    buffer.as<tensor::F16>()[i] = tensor::to_f16(0.001f * static_cast<float>(1 + i % 7));
  return buffer;
}

Weight make_weight(const std::string& layout, int64_t rows, int64_t cols) {
  Weight weight{"w", rows, cols, {}};
  if (layout == "int4")
    weight.layout = tensor::Int4{.group = 128,
                                 .codes = random_bytes(rows * cols / 2),
                                 .scales = scales(rows * ((cols + 127) / 128)),
                                 .zero = tensor::ZeroPoint::none,
                                 .zeros = {},
                                 .lookup = {},
                                 .permutation = {},
                                 .interleaved = false,
                                 .round_input = false};
  else if (layout == "int8")
    weight.layout = tensor::Int8{.group = 128,
                                 .codes = random_bytes(rows * cols),
                                 .scales = scales(rows * ((cols + 127) / 128)),
                                 .interleaved = false,
                                 .round_input = false};
  else {
    tensor::Dense dense{
        .dtype = layout == "f32" ? DType::f32 : DType::bf16, .values = {}, .round_input = true};
    dense.values = Buffer::host(rows * cols * tensor::size_of(dense.dtype));
    for (int64_t i = 0; i < rows * cols; ++i) {
      const float value = 0.001f * static_cast<float>(i % 251 - 125);
      if (dense.dtype == DType::f32)
        dense.values.as<float>()[i] = value;
      else
        dense.values.as<tensor::Bf16>()[i] = tensor::to_bf16(value);
    }
    weight.layout = std::move(dense);
  }
  return weight;
}

// `peak`: operations per second of the format that is computed in.
void report_ops(benchmark::State& state, double ops_per_run, double peak) {
  const double rate = ops_per_run * static_cast<double>(state.iterations());
  state.counters["Gop/s"] = benchmark::Counter(rate / 1e9, benchmark::Counter::kIsRate);
  state.counters["of_peak"] = benchmark::Counter(rate / peak, benchmark::Counter::kIsRate);
}

void report_bytes(benchmark::State& state, double bytes_per_run) {
  const double rate = bytes_per_run * static_cast<double>(state.iterations());
  state.counters["GB/s"] = benchmark::Counter(rate / 1e9, benchmark::Counter::kIsRate);
  state.counters["of_read"] =
      benchmark::Counter(rate / ceilings().bytes_per_second, benchmark::Counter::kIsRate);
}

// Where the CPU has no bf16 dot products, bf16 is multiplied as f32.
double bf16_peak() {
  return std::max(ceilings().bf16_flops_per_second, ceilings().flops_per_second);
}

void linear(benchmark::State& state, const std::string& layout, int64_t rows, int64_t cols,
            int64_t n) {
  // Several copies, so that decoding reads memory and not a cache.
  const int64_t bytes = make_weight(layout, 1, cols).bytes() * rows;
  const int64_t copies = n > 4 ? 1 : std::max<int64_t>(1, (int64_t{256} << 20) / bytes);
  std::vector<Weight> weights;
  const bool codes = layout == "int4" || layout == "int8";
  for (int64_t i = 0; i < copies; ++i) {
    Weight weight = make_weight(layout, rows, cols);
    weights.push_back(codes ? tensor::interleave(weight) : std::move(weight));
  }
  const Floats x({n, cols});
  const Floats y({n, rows});
  size_t next = 0;
  for (auto _ : state) {
    cpu().linear(x.view, weights[next], {}, y.view);
    next = (next + 1) % weights.size();
  }
  report_ops(state, 2.0 * static_cast<double>(rows * cols * n),
             codes              ? ceilings().int8_ops_per_second
             : layout == "bf16" ? bf16_peak()
                                : ceilings().flops_per_second);
  report_bytes(state, static_cast<double>(weights[0].bytes()));
}

void segments(benchmark::State& state, int64_t tokens, int64_t heads, int64_t dim,
              bool round_input) {
  const int64_t stride = 3 * heads * dim;
  const Floats qkv({tokens, stride});
  const Floats y({tokens, heads, dim});
  const auto part = [&](int64_t offset) {
    return View{DType::f32,
                {tokens, heads, dim},
                reinterpret_cast<const std::byte*>(qkv.view.f32() + offset * heads * dim)};
  };
  const int32_t starts[2] = {0, static_cast<int32_t>(tokens)};
  const View start{DType::i32, {2}, reinterpret_cast<const std::byte*>(starts)};
  for (auto _ : state)
    cpu().segment_attention(part(0), part(1), part(2), stride, start, tokens,
                            1 / std::sqrt(static_cast<float>(dim)), round_input, y.view);
  report_ops(state, 4.0 * static_cast<double>(tokens * tokens * heads * dim),
             round_input ? bf16_peak() : ceilings().flops_per_second);
}

void cached(benchmark::State& state, int64_t queries, int64_t context) {
  constexpr int64_t kKvHeads = 8;
  constexpr int64_t kHeads = 32;
  constexpr int64_t kDim = 128;
  constexpr int64_t kPage = 64;
  const int64_t pages = (context + kPage - 1) / kPage;
  Buffer k = scales(pages * kKvHeads * kPage * kDim);
  Buffer v = scales(pages * kKvHeads * kPage * kDim);
  const KvView kv{.dtype = DType::f16,
                  .pages = pages,
                  .page_size = kPage,
                  .kv_heads = kKvHeads,
                  .head_dim = kDim,
                  .k = {DType::f16, {pages, kKvHeads, kDim, kPage}, k.data()},
                  .v = {DType::f16, {pages, kKvHeads, kPage, kDim}, v.data()},
                  .k_scales = {},
                  .v_scales = {}};
  std::vector<int32_t> table;
  for (int64_t i = 0; i < pages; ++i) table.push_back(static_cast<int32_t>(pages - 1 - i));
  const int32_t start[2] = {0, static_cast<int32_t>(queries)};
  const int32_t length[1] = {static_cast<int32_t>(context)};
  const auto ints = [](const int32_t* data, const Shape& extents) {
    return View{DType::i32, extents, reinterpret_cast<const std::byte*>(data)};
  };
  StepBatch batch;
  batch.tokens = queries;
  batch.sequences = 1;
  batch.longest_query = queries;
  batch.longest_context = context;
  batch.query_start = ints(start, {2});
  batch.kv_length = ints(length, {1});
  batch.page_table = ints(table.data(), {1, pages});
  const Floats q({queries, kHeads, kDim});
  const Floats y({queries, kHeads, kDim});
  for (auto _ : state)
    cpu().cached_attention(q.view, batch, kv, 1 / std::sqrt(static_cast<float>(kDim)), y.view);
  const double pairs = static_cast<double>(queries) *
                       (static_cast<double>(context) - static_cast<double>(queries - 1) / 2);
  report_ops(state, 4.0 * pairs * kHeads * kDim, ceilings().flops_per_second);
  report_bytes(state, static_cast<double>(2 * context * kKvHeads * kDim * 2));
}

void small_rows(benchmark::State& state) {
  const Floats x({1, 4096});
  const Floats weight({4096});
  for (auto _ : state) cpu().rms_norm(x.view, weight.view, 1e-6f, x.view);
}

void register_all() {
  for (const char* layout : {"int4", "int8", "bf16", "f32"})
    for (const auto& [rows, cols] :
         std::vector<std::pair<int64_t, int64_t>>{{4096, 4096}, {12288, 4096}, {4096, 12288}})
      for (const int64_t n : {1, 4, 32, 512}) {
        const std::string name = std::string("linear/") + layout + "/" + std::to_string(rows) +
                                 "x" + std::to_string(cols) + "/n:" + std::to_string(n);
        benchmark::RegisterBenchmark(
            name.c_str(), [layout = std::string(layout), rows = rows, cols = cols,
                           n](benchmark::State& state) { linear(state, layout, rows, cols, n); })
            ->Unit(benchmark::kMillisecond)
            ->UseRealTime();
      }
  for (const auto& [tokens, heads, dim] :
       std::vector<std::array<int64_t, 3>>{{4096, 16, 72}, {577, 16, 64}})
    for (const bool round_input : {false, true})
      benchmark::RegisterBenchmark(
          ((round_input ? "segment_attention/bf16/" : "segment_attention/f32/") +
           std::to_string(tokens) + "x" + std::to_string(heads) + "x" + std::to_string(dim))
              .c_str(),
          [tokens = tokens, heads = heads, dim = dim, round_input](benchmark::State& state) {
            segments(state, tokens, heads, dim, round_input);
          })
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
  for (const auto& [queries, context] :
       std::vector<std::pair<int64_t, int64_t>>{{1, 1024}, {1, 4096}, {512, 1024}})
    benchmark::RegisterBenchmark(("cached_attention/queries:" + std::to_string(queries) +
                                  "/context:" + std::to_string(context))
                                     .c_str(),
                                 [queries = queries, context = context](benchmark::State& state) {
                                   cached(state, queries, context);
                                 })
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  benchmark::RegisterBenchmark("rms_norm/1x4096", small_rows)->UseRealTime();
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  std::cerr << cpu().description() << ": reads " << ceilings().bytes_per_second / 1e9
            << " GB/s, multiplies and adds " << ceilings().flops_per_second / 1e9
            << " Gflop/s (f32), dot products of bytes " << ceilings().int8_ops_per_second / 1e9
            << " Gop/s\n";
  register_all();
  benchmark::RunSpecifiedBenchmarks();
}
