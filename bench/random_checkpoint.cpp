// Writes a checkpoint of a published model's shapes with random, non-zero weights, so that loading,
// memory and speed can be measured without downloading anything. Its answers are noise. Tokenizer
// and chat template are copied from a small model's folder, whose special token ids config.json
// then gets.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <vector>

#include "base/files.h"
#include "engine/bench/random_folder.h"
#include "engine/bench/random_shapes.h"
#include "engine/checkpoint/random_weights.h"

namespace visavis::bench {
namespace {

namespace fs = std::filesystem;
using base::Json;
using checkpoint::TensorSpec;

// Values of a tensor that are written at once, before their pages are given back.
constexpr int64_t kBlock = int64_t{64} << 20;

void write_tensor(const checkpoint::TensorSource& source, const TensorSpec& spec,
                  checkpoint::SafetensorsWriter& writer) {
  const tensor::View view = source.read(spec.name);
  for (int64_t begin = 0; begin < view.bytes(); begin += kBlock) {
    const int64_t end = std::min(begin + kBlock, view.bytes());
    writer.write({view.data + begin, static_cast<size_t>(end - begin)});
    source.drop(spec.name, 0, end);
  }
}

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
  const auto source = checkpoint::make_random_weights(tensors_of(shape), seed, "random weights");
  Json map = Json::object();
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string name =
        shards.size() == 1 ? "model.safetensors" : shard_name(i, shards.size());
    checkpoint::SafetensorsWriter writer(folder / name, shards[i], {{"format", "pt"}});
    for (const TensorSpec& spec : shards[i]) {
      write_tensor(*source, spec, writer);
      map[spec.name] = name;
    }
    writer.finish();
    std::cerr << name << " written\n";
  }
  if (shards.size() > 1) {
    const Json index = {{"metadata", {{"total_size", total}}}, {"weight_map", map}};
    base::write_file_atomically(folder / "model.safetensors.index.json", base::dump_json(index, 2));
  }
  std::cerr << total << " bytes of weights\n";
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
  int64_t layers = 0;
  bool light = false;
  app.add_option("OUT", out, "folder to write")->required();
  app.add_option("--shape", shape_name, "qwen3-vl-{tiny,2b,4b,8b}, llava-tiny, llava-1.5-{7b,13b}")
      ->required();
  app.add_option("--tokenizer", tokenizer,
                 "folder of a model of the same family whose tokenizer and template are copied "
                 "(default: the demo model)");
  app.add_option("--seed", seed, "seed of the weights");
  app.add_option("--shard-gb", shard_gb, "largest shard in GB")->check(CLI::PositiveNumber);
  app.add_option("--layers", layers, "fewer layers of the text model than the shape has")
      ->check(CLI::PositiveNumber);
  app.add_flag("--light", light,
               "list the weights in random_weights.json instead of writing them: a few kilobytes");
  CLI11_PARSE(app, argc, argv);
  try {
    bench::RandomShape shape = bench::random_shape(shape_name);
    if (layers != 0) shape.text.layers = std::min(shape.text.layers, layers);
    // Other families get a tokenizer of single characters.
    const std::string demo = std::string(VISAVIS_SOURCE_DIR) + "/models/demo/";
    if (tokenizer.empty() && shape.family == bench::Family::llava) tokenizer = demo + "llava";
    if (tokenizer.empty() && shape.family == bench::Family::qwen3_vl) tokenizer = demo + "qwen3-vl";
    bench::write_side_files(out, shape, tokenizer);
    if (light)
      checkpoint::write_random_weights(out, bench::tensors_of(shape), seed);
    else
      bench::write_weights(out, shape, seed, static_cast<int64_t>(shard_gb * 1e9));
  } catch (const std::exception& error) {
    std::cerr << "random_checkpoint: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
