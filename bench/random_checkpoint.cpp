// Writes a checkpoint of a published model's shapes with random, non-zero weights, so that loading,
// memory and speed can be measured without downloading anything. Its answers are noise. Tokenizer
// and chat template are copied from a small model's folder, whose special token ids config.json
// then gets.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/rng.h"
#include "base/threads.h"
#include "random_shapes.h"

namespace visavis::bench {
namespace {

namespace fs = std::filesystem;
using base::Json;
using checkpoint::TensorSpec;
using tensor::DType;

constexpr int64_t kValueBytes = 2;  // bf16 and f16

// 65536 equally likely values of a normal distribution as 16-bit patterns: one 16-bit random number
// then gives one weight. Quantiles by bisection of erfc: slow, but done once a tensor kind.
std::vector<uint16_t> normal_table(DType dtype, double mean, double sigma) {
  std::vector<uint16_t> table(65536);
  for (size_t i = 0; i < table.size(); ++i) {
    const double wanted = (static_cast<double>(i) + 0.5) / 65536;
    double low = -6;
    double high = 6;
    for (int step = 0; step < 40; ++step) {
      const double middle = (low + high) / 2;
      (0.5 * std::erfc(-middle / std::sqrt(2.0)) < wanted ? low : high) = middle;
    }
    const auto value = static_cast<float>(mean + sigma * low);
    table[i] = dtype == DType::bf16 ? tensor::to_bf16(value).bits : tensor::to_f16(value).bits;
  }
  return table;
}

class Generator {
 public:
  Generator(uint64_t seed, DType dtype)
      : seed_(seed),
        matrix_(normal_table(dtype, 0, 0.02)),
        norm_(normal_table(dtype, 1, 0.02)),
        bias_(normal_table(dtype, 0, 0.01)) {}

  // The same bytes for the same seed and tensor, whatever the number of threads.
  void write(const TensorSpec& spec, checkpoint::SafetensorsWriter& writer) {
    const std::vector<uint16_t>& table = table_for(spec);
    const int64_t count = spec.shape.elements();
    for (int64_t begin = 0; begin < count; begin += kBlock * kBlocks) {
      const int64_t size = std::min(kBlock * kBlocks, count - begin);
      values_.resize(static_cast<size_t>(size));
      pool_.parallel_for((size + kBlock - 1) / kBlock, 1, [&](int64_t first, int64_t last) {
        for (int64_t block = first; block < last; ++block)
          fill(spec, begin / kBlock + block, table,
               std::span(values_).subspan(
                   static_cast<size_t>(block * kBlock),
                   static_cast<size_t>(std::min(kBlock, size - block * kBlock))));
      });
      writer.write(std::as_bytes(std::span(values_)));
    }
  }

 private:
  static constexpr int64_t kBlock = 1 << 18;
  static constexpr int64_t kBlocks = 32;

  const std::vector<uint16_t>& table_for(const TensorSpec& spec) const {
    if (spec.shape.rank() > 1) return matrix_;
    const bool embedding = spec.name.ends_with("class_embedding");
    return spec.name.ends_with(".bias") ? bias_ : embedding ? matrix_ : norm_;
  }

  void fill(const TensorSpec& spec, int64_t block, const std::vector<uint16_t>& table,
            std::span<uint16_t> out) const {
    base::Rng rng(seed_ + static_cast<uint64_t>(block), spec.name);
    for (size_t i = 0; i < out.size(); i += 4) {
      const uint64_t four = rng.next();
      for (size_t k = i; k < std::min(i + 4, out.size()); ++k)
        out[k] = table[(four >> (16 * (k - i))) & 0xFFFF];
    }
  }

  uint64_t seed_;
  std::vector<uint16_t> matrix_;
  std::vector<uint16_t> norm_;
  std::vector<uint16_t> bias_;
  std::vector<uint16_t> values_;
  base::ThreadPool pool_;
};

std::string shard_name(size_t index, size_t count) {
  std::array<char, 64> name{};
  std::snprintf(name.data(), name.size(), "model-%05zu-of-%05zu.safetensors", index + 1, count);
  return name.data();
}

void write_weights(const fs::path& folder, const RandomShape& shape, uint64_t seed,
                   int64_t shard_bytes) {
  std::vector<std::vector<TensorSpec>> shards(1);
  int64_t held = 0;
  int64_t total = 0;
  for (const TensorSpec& spec : tensors_of(shape)) {
    if (held > 0 && held + spec.bytes() > shard_bytes) {
      shards.emplace_back();
      held = 0;
    }
    shards.back().push_back(spec);
    held += spec.bytes();
    total += spec.bytes();
  }
  Generator generator(seed, shards[0][0].dtype);
  Json map = Json::object();
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string name =
        shards.size() == 1 ? "model.safetensors" : shard_name(i, shards.size());
    checkpoint::SafetensorsWriter writer(folder / name, shards[i], {{"format", "pt"}});
    for (const TensorSpec& spec : shards[i]) {
      generator.write(spec, writer);
      map[spec.name] = name;
    }
    writer.finish();
    std::cerr << name << " written\n";
  }
  if (shards.size() > 1) {
    const Json index = {{"metadata", {{"total_size", total}}}, {"weight_map", map}};
    base::write_file_atomically(folder / "model.safetensors.index.json", base::dump_json(index, 2));
  }
  std::cerr << total / kValueBytes << " parameters, " << total << " bytes of weights\n";
}

// The ids that belong to the copied tokenizer replace the published ones.
void take_token_ids(const fs::path& tokenizer, Json& config) {
  const Json small = base::read_json(tokenizer / "config.json");
  for (const char* key : {"image_token_id", "image_token_index", "video_token_id",
                          "vision_start_token_id", "vision_end_token_id"})
    if (config.contains(key) && small.contains(key)) config[key] = small[key];
  require(small.value("model_type", "") == config["model_type"],
          (tokenizer / "config.json").string(), ": model_type is '", small.value("model_type", ""),
          "', wanted ", config["model_type"]);
  config["pad_token_id"] = nullptr;
}

void write_checkpoint(const fs::path& folder, const RandomShape& shape, const fs::path& tokenizer,
                      uint64_t seed, int64_t shard_bytes) {
  base::make_folder(folder);
  Json config = config_of(shape);
  take_token_ids(tokenizer, config);
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "generation_config.json",
                           "chat_template.jinja", "chat_template.json"})
    if (fs::exists(tokenizer / name))
      base::write_file_atomically(folder / name, base::read_file(tokenizer / name));
  base::write_file_atomically(folder / "config.json", base::dump_json(config, 2));
  base::write_file_atomically(folder / "preprocessor_config.json",
                              base::dump_json(preprocessor_of(shape), 2));
  if (shape.family == Family::llava) {
    const Json processor = {{"image_token", "<image>"},
                            {"num_additional_image_tokens", 1},
                            {"patch_size", 14},
                            {"processor_class", "LlavaProcessor"},
                            {"vision_feature_select_strategy", "default"}};
    base::write_file_atomically(folder / "processor_config.json", base::dump_json(processor, 2));
  }
  write_weights(folder, shape, seed, shard_bytes);
}

}  // namespace
}  // namespace visavis::bench

int main(int argc, char** argv) {
  using namespace visavis;
  CLI::App app("Writes a checkpoint of published shapes with random weights.", "random_checkpoint");
  std::string out;
  std::string shape_name;
  std::string tokenizer;
  uint64_t seed = 1;
  double shard_gb = 5;
  app.add_option("OUT", out, "folder to write")->required();
  app.add_option("--shape", shape_name, "qwen3-vl-{tiny,2b,4b,8b}, llava-tiny, llava-1.5-{7b,13b}")
      ->required();
  app.add_option("--tokenizer", tokenizer,
                 "folder of a model of the same family whose tokenizer and template are copied "
                 "(default: the demo model)");
  app.add_option("--seed", seed, "seed of the weights");
  app.add_option("--shard-gb", shard_gb, "largest shard in GB")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    const bench::RandomShape& shape = bench::random_shape(shape_name);
    if (tokenizer.empty())
      tokenizer =
          std::string(VISAVIS_SOURCE_DIR) +
          (shape.family == bench::Family::llava ? "/models/demo/llava" : "/models/demo/qwen3-vl");
    bench::write_checkpoint(out, shape, tokenizer, seed, static_cast<int64_t>(shard_gb * 1e9));
  } catch (const std::exception& error) {
    std::cerr << "random_checkpoint: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
