#include "engine/compress/export_packed.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "engine/checkpoint/safetensors_writer.h"
#include "engine/compress/feedback.h"
#include "engine/load/widen.h"

namespace visavis::compress {
namespace {

using checkpoint::TensorInfo;
using checkpoint::TensorSource;
using checkpoint::TensorSpec;
using tensor::DType;

constexpr std::string_view kWeight = ".weight";
constexpr int kWordBits = 32;
constexpr int64_t kRowBlock = 256;  // rows that are in memory at once
constexpr int64_t kRowGrain = 4;

DType scale_type(const TensorInfo& info) {
  return info.dtype == DType::bf16 ? DType::bf16 : DType::f16;
}

// One tensor of the source and what becomes of it.
struct Item {
  const TensorInfo* info = nullptr;
  const Coding* coding = nullptr;  // null: it is copied
  std::vector<TensorSpec> specs;   // in the order of writing

  int64_t bytes() const {
    int64_t sum = 0;
    for (const TensorSpec& spec : specs) sum += spec.bytes();
    return sum;
  }
};

Item plan(const TensorInfo& info, const Coding* coding) {
  Item item = {.info = &info, .coding = coding, .specs = {}};
  if (coding == nullptr) {
    item.specs.push_back({info.name, info.dtype, info.shape});
    return item;
  }
  const std::string prefix = info.name.substr(0, info.name.size() - kWeight.size() + 1);
  const int64_t rows = info.shape[0];
  const int64_t cols = info.shape[1];
  const int64_t groups = cols / coding->group;
  const int64_t per_word = kWordBits / coding->bits;
  item.specs.push_back({prefix + "weight_packed", DType::i32, {rows, cols / per_word}});
  item.specs.push_back({prefix + "weight_scale", scale_type(info), {rows, groups}});
  if (coding->zero_points)
    item.specs.push_back(
        {prefix + "weight_zero_point", DType::i32, {(rows + per_word - 1) / per_word, groups}});
  item.specs.push_back({prefix + "weight_shape", DType::i64, {2}});
  return item;
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

// Zero points [rows, groups] as words along the rows, low bits first; the last word may be short.
std::vector<uint32_t> packed_along_rows(const std::vector<uint8_t>& zeros, int64_t rows,
                                        int64_t groups, int bits) {
  const int64_t per_word = kWordBits / bits;
  std::vector<uint32_t> words(static_cast<size_t>((rows + per_word - 1) / per_word * groups));
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t g = 0; g < groups; ++g)
      words[static_cast<size_t>(row / per_word * groups + g)] |=
          static_cast<uint32_t>(zeros[static_cast<size_t>(row * groups + g)])
          << (row % per_word * bits);
  return words;
}

// Codes go out block by block; scales, zero points and the shape are kept until all are written.
load::Loss write_coded(const TensorSource& source, const Item& item, std::span<const double> powers,
                       const Feedback* feedback, checkpoint::SafetensorsWriter& writer,
                       base::ThreadPool& pool) {
  const TensorInfo& info = *item.info;
  const Coding& coding = *item.coding;
  const int64_t rows = info.shape[0];
  const int64_t cols = info.shape[1];
  const int64_t groups = cols / coding.group;
  const int64_t row_bytes = cols * coding.bits / 8;
  const std::vector<float> weights = powers.empty() ? std::vector<float>() : weights_from(powers);
  std::vector<uint16_t> scales(static_cast<size_t>(rows * groups));
  std::vector<uint8_t> zeros(coding.zero_points ? scales.size() : 0);
  const auto block = static_cast<size_t>(std::min(kRowBlock, rows));
  std::vector<float> values(block * static_cast<size_t>(cols));
  std::vector<uint8_t> codes(block * static_cast<size_t>(row_bytes));
  std::vector<load::Loss> losses(static_cast<size_t>(rows));
  for (int64_t begin = 0; begin < rows; begin += kRowBlock) {
    const int64_t count = std::min(kRowBlock, rows - begin);
    std::atomic<bool> fits{true};
    pool.parallel_for(count, kRowGrain, [&](int64_t first, int64_t last) {
      read_rows(source, info, begin + first, begin + last, cols, values.data() + first * cols);
      std::vector<float> back(static_cast<size_t>(cols));
      for (int64_t i = first; i < last; ++i) {
        const std::span<const float> row(values.data() + i * cols, static_cast<size_t>(cols));
        const int64_t at = (begin + i) * groups;
        const CodedRow out = {codes.data() + i * row_bytes, scales.data() + at,
                              zeros.empty() ? nullptr : zeros.data() + at};
        const DType type = scale_type(info);
        if (!(feedback == nullptr ? code_row(row, weights, coding, type, out, back)
                                  : feedback->code_row(row, weights, coding, type, out, back)))
          fits = false;
        losses[static_cast<size_t>(begin + i)] = loss_between(row, back);
      }
    });
    require(fits, info.file, ": tensor '", info.name, "' holds values that are too large for int",
            coding.bits);
    // Low bits first is what little-endian words of codes are.
    writer.write(std::as_bytes(std::span(codes).first(static_cast<size_t>(count * row_bytes))));
  }
  writer.write(std::as_bytes(std::span(scales)));
  if (coding.zero_points) {
    const std::vector<uint32_t> words = packed_along_rows(zeros, rows, groups, coding.bits);
    writer.write(std::as_bytes(std::span(words)));
  }
  const int64_t shape[] = {rows, cols};
  writer.write(std::as_bytes(std::span(shape)));
  load::Loss sum;
  for (const load::Loss& each : losses) sum += each;
  return sum;
}

std::string shard_name(size_t shard, size_t shards) {
  if (shards == 1) return "model.safetensors";
  std::string number = std::to_string(shard + 1);
  std::string total = std::to_string(shards);
  number.insert(0, 5 - std::min<size_t>(5, number.size()), '0');
  total.insert(0, 5 - std::min<size_t>(5, total.size()), '0');
  return "model-" + number + "-of-" + total + ".safetensors";
}

// A regular expression for a module, whatever stands before its layer's number: loaders of this
// format call the text model's modules differently.
std::string target_of(const std::string& weight) {
  const std::string module = weight.substr(0, weight.size() - kWeight.size());
  const size_t layers = module.rfind("layers.");
  std::string target = "re:.*";
  for (const char letter : layers == std::string::npos ? module : module.substr(layers)) {
    if (letter == '.') target += '\\';
    target += letter;
  }
  return target + "$";
}

base::Json weights_of(const Coding& coding) {
  return {{"num_bits", coding.bits},
          {"type", "int"},
          {"symmetric", !coding.zero_points},
          {"strategy", "group"},
          {"dynamic", false},
          {"group_size", coding.group},
          {"actorder", nullptr},
          {"observer", coding.bits == 4 ? "mse" : "minmax"}};
}

}  // namespace

std::span<const double> powers_for(const InputPowers& powers, const TensorInfo& info) {
  const auto found = powers.find(info.name);
  if (found == powers.end()) return {};
  const int64_t cols = info.shape.rank() < 2 ? 0 : info.shape[1];
  require(static_cast<int64_t>(found->second.size()) == cols, "calibration has ",
          found->second.size(), " inputs for tensor '", info.name, "' of ", cols);
  return found->second;
}

bool can_code(const TensorInfo& info, const Coding& coding) {
  return info.shape.rank() == 2 && info.shape[1] % coding.group == 0 &&
         info.name.ends_with(kWeight);
}

load::Loss ExportReport::loss() const {
  load::Loss sum;
  for (const ExportedTensor& each : quantised) sum += each.loss;
  return sum;
}

double ExportReport::bits_per_weight() const {
  double bits = 0;
  double values = 0;
  for (const ExportedTensor& each : quantised) {
    bits += each.coding.bits_per_weight() * static_cast<double>(each.values);
    values += static_cast<double>(each.values);
  }
  return values > 0 ? bits / values : 0;
}

void read_rows(const TensorSource& source, const TensorInfo& info, int64_t begin, int64_t end,
               int64_t cols, float* out) {
  bool finite = false;
  if (const checkpoint::EncodedTensor* encoded = source.encoded(info.name))
    finite = encoded->values(begin, end, out);
  else
    finite = load::widen(info.dtype,
                         source.read(info.name).data + begin * cols * tensor::size_of(info.dtype),
                         (end - begin) * cols, out);
  require(finite, info.file, ": tensor '", info.name, "' holds NaN or infinity");
}

ExportReport export_pack_quantized(const TensorSource& source, const Codings& codings,
                                   const InputPowers& powers, const std::filesystem::path& folder,
                                   base::ThreadPool& pool, const load::Progress& progress,
                                   int64_t shard_bytes, const MomentsOf& moments) {
  ExportReport report;
  std::vector<std::vector<Item>> shards(1);
  int64_t in_shard = 0;
  for (const TensorInfo& info : source.tensors()) {
    const auto coding = codings.find(info.name);
    require(coding == codings.end() || can_code(info, coding->second), info.file, ": tensor '",
            info.name, "' has shape ", info.shape.text(), ", which fits no groups of ",
            coding == codings.end() ? 0 : coding->second.group);
    Item item = plan(info, coding == codings.end() ? nullptr : &coding->second);
    if (in_shard > 0 && in_shard + item.bytes() > shard_bytes) {
      shards.emplace_back();
      in_shard = 0;
    }
    in_shard += item.bytes();
    report.bytes += item.bytes();
    shards.back().push_back(std::move(item));
  }

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
      if (item.coding != nullptr) {
        std::optional<Feedback> feedback;
        const std::vector<float> seen = moments ? moments(item.info->name) : std::vector<float>();
        if (!seen.empty()) feedback.emplace(seen, item.info->shape[1]);
        report.quantised.push_back({item.info->name, *item.coding, item.info->shape.elements(),
                                    write_coded(source, item, powers_for(powers, *item.info),
                                                feedback ? &*feedback : nullptr, writer, pool)});
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
  return report;
}

base::Json pack_quantized_config(const Codings& codings, const std::vector<std::string>& ignored) {
  std::vector<std::pair<Coding, std::vector<std::string>>> kinds;  // and their targets
  for (const auto& [name, coding] : codings) {
    const auto same = std::find_if(kinds.begin(), kinds.end(),
                                   [&](const auto& kind) { return kind.first == coding; });
    if (same == kinds.end())
      kinds.push_back({coding, {target_of(name)}});
    else
      same->second.push_back(target_of(name));
  }
  std::stable_sort(kinds.begin(), kinds.end(),
                   [](const auto& a, const auto& b) { return a.second.size() > b.second.size(); });
  base::Json groups = base::Json::object();
  for (size_t i = 0; i < kinds.size(); ++i)
    groups["group_" + std::to_string(i)] = {
        {"targets", i == 0 ? std::vector<std::string>{"Linear"} : kinds[i].second},
        {"weights", weights_of(kinds[i].first)},
        {"input_activations", nullptr},
        {"output_activations", nullptr}};
  return {{"quant_method", "compressed-tensors"},
          {"format", "pack-quantized"},
          {"quantization_status", "compressed"},
          {"global_compression_ratio", nullptr},
          {"kv_cache_scheme", nullptr},
          {"ignore", ignored},
          {"config_groups", groups}};
}

}  // namespace visavis::compress
