#include "engine/load/export_packed.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "engine/checkpoint/safetensors_writer.h"
#include "engine/load/quantize.h"
#include "engine/load/widen.h"

namespace visavis::load {
namespace {

using checkpoint::TensorInfo;
using checkpoint::TensorSource;
using checkpoint::TensorSpec;
using tensor::DType;
using tensor::F16;

constexpr int64_t kCodesPerWord = 8;
constexpr int64_t kRowBlock = 256;  // rows that are in memory at once
constexpr int64_t kRowGrain = 4;

// One tensor of the source and what becomes of it.
struct Item {
  const TensorInfo* info = nullptr;
  bool quantise = false;
  std::vector<TensorSpec> specs;  // in the order of writing

  int64_t bytes() const {
    int64_t sum = 0;
    for (const TensorSpec& spec : specs) sum += spec.bytes();
    return sum;
  }
};

Item plan(const TensorInfo& info, bool quantise, int64_t group) {
  Item item = {.info = &info, .quantise = quantise, .specs = {}};
  if (!quantise) {
    item.specs.push_back({info.name, info.dtype, info.shape});
    return item;
  }
  const std::string prefix = info.name.substr(0, info.name.size() - std::string("weight").size());
  const int64_t rows = info.shape[0];
  const int64_t cols = info.shape[1];
  item.specs.push_back({prefix + "weight_packed", DType::i32, {rows, cols / kCodesPerWord}});
  item.specs.push_back({prefix + "weight_scale",
                        info.dtype == DType::bf16 ? DType::bf16 : DType::f16,
                        {rows, cols / group}});
  item.specs.push_back({prefix + "weight_shape", DType::i64, {2}});
  return item;
}

// Rows [begin, end) of a tensor as f32.
void read_rows(const TensorSource& source, const TensorInfo& info, int64_t begin, int64_t end,
               int64_t cols, float* out) {
  bool finite = false;
  if (const checkpoint::EncodedTensor* encoded = source.encoded(info.name))
    finite = encoded->values(begin, end, out);
  else
    finite =
        widen(info.dtype, source.read(info.name).data + begin * cols * tensor::size_of(info.dtype),
              (end - begin) * cols, out);
  require(finite, info.file, ": tensor '", info.name, "' holds NaN or infinity");
}

void write_copy(const TensorSource& source, const TensorInfo& info,
                checkpoint::SafetensorsWriter& writer) {
  if (source.encoded(info.name) == nullptr) {
    const tensor::View view = source.read(info.name);
    writer.write({view.data, static_cast<size_t>(view.bytes())});
    source.drop(info.name);
    return;
  }
  const int64_t rows = info.shape.rank() == 0 ? 1 : info.shape[0];
  const int64_t cols = info.shape.elements() / std::max<int64_t>(1, rows);
  std::vector<float> values(static_cast<size_t>(cols));
  std::vector<uint16_t> halves(static_cast<size_t>(cols));
  for (int64_t row = 0; row < rows; ++row) {
    read_rows(source, info, row, row + 1, cols, values.data());
    if (info.dtype == DType::f32) {
      writer.write(std::as_bytes(std::span(values)));
      continue;
    }
    std::transform(values.begin(), values.end(), halves.begin(), [&info](float value) {
      return info.dtype == DType::bf16 ? tensor::to_bf16(value).bits : tensor::to_f16(value).bits;
    });
    writer.write(std::as_bytes(std::span(halves)));
  }
}

struct Errors {
  double squares = 0;      // of the values
  double differences = 0;  // squared
};

// Codes go out block by block; scales and the shape are kept until all codes are written.
Errors write_quantised(const TensorSource& source, const Item& item, int64_t group,
                       checkpoint::SafetensorsWriter& writer, base::ThreadPool& pool) {
  const TensorInfo& info = *item.info;
  const int64_t rows = info.shape[0];
  const int64_t cols = info.shape[1];
  const int64_t groups = cols / group;
  const bool bf16 = item.specs[1].dtype == DType::bf16;
  std::vector<uint16_t> scales(static_cast<size_t>(rows * groups));
  std::vector<float> values(static_cast<size_t>(std::min(kRowBlock, rows) * cols));
  std::vector<uint8_t> codes(values.size() / 2);
  std::vector<Errors> errors(static_cast<size_t>(rows));
  for (int64_t begin = 0; begin < rows; begin += kRowBlock) {
    const int64_t count = std::min(kRowBlock, rows - begin);
    std::atomic<bool> fits{true};
    pool.parallel_for(count, kRowGrain, [&](int64_t first, int64_t last) {
      read_rows(source, info, begin + first, begin + last, cols, values.data() + first * cols);
      std::vector<F16> halves(static_cast<size_t>(groups));
      for (int64_t i = first; i < last; ++i) {
        const std::span<const float> row(values.data() + i * cols, static_cast<size_t>(cols));
        uint8_t* packed = codes.data() + i * cols / 2;
        if (!quantize_int4_row(row, group, packed, halves.data())) fits = false;
        Errors& error = errors[static_cast<size_t>(begin + i)];
        for (int64_t g = 0; g < groups; ++g) {
          const float exact = tensor::to_float(halves[static_cast<size_t>(g)]);
          const tensor::Bf16 rounded = tensor::to_bf16(exact);
          scales[static_cast<size_t>((begin + i) * groups + g)] =
              bf16 ? rounded.bits : halves[static_cast<size_t>(g)].bits;
          const float scale = bf16 ? tensor::to_float(rounded) : exact;
          for (int64_t c = g * group; c < (g + 1) * group; ++c) {
            const int code = c % 2 == 0 ? packed[c / 2] & 15 : packed[c / 2] >> 4;
            const double value = static_cast<double>(row[static_cast<size_t>(c)]);
            const double off = static_cast<double>(static_cast<float>(code - 8) * scale) - value;
            error.squares += value * value;
            error.differences += off * off;
          }
        }
      }
    });
    require(fits, info.file, ": tensor '", info.name, "' holds values that are too large for int4");
    // Low nibbles first is what little-endian words of eight codes are.
    writer.write(std::as_bytes(std::span(codes).first(static_cast<size_t>(count * cols / 2))));
  }
  writer.write(std::as_bytes(std::span(scales)));
  const int64_t shape[] = {rows, cols};
  writer.write(std::as_bytes(std::span(shape)));
  Errors sum;
  for (const Errors& each : errors) {
    sum.squares += each.squares;
    sum.differences += each.differences;
  }
  return sum;
}

double relative(const Errors& errors) {
  return errors.squares > 0 ? std::sqrt(errors.differences / errors.squares) : 0;
}

std::string shard_name(size_t shard, size_t shards) {
  if (shards == 1) return "model.safetensors";
  std::string number = std::to_string(shard + 1);
  std::string total = std::to_string(shards);
  number.insert(0, 5 - std::min<size_t>(5, number.size()), '0');
  total.insert(0, 5 - std::min<size_t>(5, total.size()), '0');
  return "model-" + number + "-of-" + total + ".safetensors";
}

}  // namespace

ExportReport export_pack_quantized(const TensorSource& source, const std::set<std::string>& linears,
                                   const std::filesystem::path& folder,
                                   const ExportOptions& options, base::ThreadPool& pool,
                                   const Progress& progress) {
  ExportReport report;
  std::vector<std::vector<Item>> shards(1);
  int64_t in_shard = 0;
  for (const TensorInfo& info : source.tensors()) {
    bool quantise = linears.count(info.name) > 0;
    if (quantise && (info.shape.rank() != 2 || info.shape[1] % options.group != 0 ||
                     !info.name.ends_with(".weight"))) {
      report.kept.push_back(info.name);
      quantise = false;
    }
    Item item = plan(info, quantise, options.group);
    if (in_shard > 0 && in_shard + item.bytes() > options.shard_bytes) {
      shards.emplace_back();
      in_shard = 0;
    }
    in_shard += item.bytes();
    report.bytes += item.bytes();
    shards.back().push_back(std::move(item));
  }

  Errors all;
  int64_t done = 0;
  base::Json map = base::Json::object();
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string name = shard_name(i, shards.size());
    std::vector<TensorSpec> specs;
    for (const Item& item : shards[i])
      for (const TensorSpec& spec : item.specs) {
        specs.push_back(spec);
        map[spec.name] = name;
      }
    checkpoint::SafetensorsWriter writer(folder / name, specs, {{"format", "pt"}});
    for (const Item& item : shards[i]) {
      if (item.quantise) {
        const Errors errors = write_quantised(source, item, options.group, writer, pool);
        all.squares += errors.squares;
        all.differences += errors.differences;
        report.quantised.push_back({item.info->name, relative(errors)});
      } else {
        write_copy(source, *item.info, writer);
      }
      done += item.bytes();
      if (progress) progress(done, report.bytes);
    }
    writer.finish();
  }
  if (shards.size() > 1)
    base::write_file_atomically(
        folder / "model.safetensors.index.json",
        base::dump_json({{"metadata", {{"total_size", report.bytes}}}, {"weight_map", map}}));
  report.relative_error = relative(all);
  return report;
}

base::Json pack_quantized_config(const ExportOptions& options,
                                 const std::vector<std::string>& ignored) {
  const base::Json weights = {{"num_bits", 4},       {"type", "int"},
                              {"symmetric", true},   {"strategy", "group"},
                              {"dynamic", false},    {"group_size", options.group},
                              {"actorder", nullptr}, {"observer", "mse"}};
  return {{"quant_method", "compressed-tensors"},
          {"format", "pack-quantized"},
          {"quantization_status", "compressed"},
          {"global_compression_ratio", nullptr},
          {"kv_cache_scheme", nullptr},
          {"ignore", ignored},
          {"config_groups",
           {{"group_0",
             {{"targets", {"Linear"}},
              {"weights", weights},
              {"input_activations", nullptr},
              {"output_activations", nullptr}}}}}};
}

}  // namespace visavis::load
