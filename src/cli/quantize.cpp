// visavis quantize: writes a checkpoint in 4 bit that vLLM and transformers load, too.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "base/threads.h"
#include "cli/verbs.h"
#include "cli/wiring.h"
#include "engine/load/export_packed.h"
#include "engine/models/families.h"

namespace visavis::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string model;
  std::string output;
  int64_t group = 128;
  int threads = 0;
  bool json = false;
};

// The decoder's linears: what the engine itself would hold in 4 bit.
std::set<std::string> linears_of(const fs::path& folder) {
  const auto model = models::open_model(folder, {});
  std::set<std::string> names;
  for (const load::PlannedTensor& tensor : model->planned())
    if (!tensor.vision && !tensor.table && tensor.shape.rank() == 2 &&
        (tensor.layout.starts_with("int4") || !tensor.format.empty()))
      names.insert(tensor.name);
  return names;
}

// Modules that keep their weights, by name and by what every loader's own names contain.
std::vector<std::string> ignored_modules(const checkpoint::TensorSource& source,
                                         const std::set<std::string>& linears,
                                         const std::vector<std::string>& kept) {
  std::vector<std::string> ignored = {"lm_head", "re:.*lm_head.*", "re:.*visual.*",
                                      "re:.*vision_tower.*", "re:.*multi_modal_projector.*"};
  constexpr std::string_view kWeight = ".weight";
  for (const checkpoint::TensorInfo& info : source.tensors()) {
    const bool stays = linears.count(info.name) == 0 ||
                       std::find(kept.begin(), kept.end(), info.name) != kept.end();
    if (stays && info.shape.rank() == 2 && info.name.ends_with(kWeight))
      ignored.push_back(info.name.substr(0, info.name.size() - kWeight.size()));
  }
  return ignored;
}

void copy_side_files(const fs::path& from, const fs::path& to) {
  for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
    const fs::path ending = entry.path().extension();
    const std::string name = entry.path().filename().string();
    const bool text = ending == ".json" || ending == ".jinja" || ending == ".txt" ||
                      ending == ".model" || ending == ".tiktoken";
    if (!text || name == "config.json" || name.ends_with(".index.json") ||
        name == "quantize_config.json" || name == "quant_config.json" || !entry.is_regular_file())
      continue;
    fs::copy_file(entry.path(), to / name);
  }
}

base::Json run(const Options& options) {
  const fs::path from = model_folder(options.model);
  const fs::path to = options.output;
  require(!fs::exists(to) || (fs::is_directory(to) && fs::is_empty(to)), "--output: '",
          options.output, "' is there and not an empty folder");
  const std::set<std::string> linears = linears_of(from);
  require(!linears.empty(), "model '", options.model, "' has no linear layer to quantise");
  const auto source = models::open_tensors(from);
  fs::create_directories(to);

  base::ThreadPool pool(options.threads);
  const load::ExportOptions settings = {.group = options.group};
  const load::ExportReport report =
      load::export_pack_quantized(*source, linears, to, settings, pool);
  base::Json config = base::read_json(from / "config.json");
  config.erase("compression_config");
  config["quantization_config"] =
      load::pack_quantized_config(settings, ignored_modules(*source, linears, report.kept));
  copy_side_files(from, to);
  base::write_file_atomically(to / "config.json", base::dump_json(config));

  base::Json tensors = base::Json::array();
  for (const load::ExportedTensor& each : report.quantised)
    tensors.push_back({{"name", each.name}, {"relative_error", each.relative_error}});
  return {{"model", options.model}, {"output", options.output},
          {"group", options.group}, {"source_bytes", source->file_bytes()},
          {"bytes", report.bytes},  {"relative_error", report.relative_error},
          {"tensors", tensors},     {"kept", report.kept}};
}

void print(const base::Json& json) {
  fmt::print("{}: {} of weights ({} before)\n", json["output"].get<std::string>(),
             base::human_bytes(json["bytes"].get<int64_t>()),
             base::human_bytes(json["source_bytes"].get<int64_t>()));
  const base::Json& tensors = json["tensors"];
  fmt::print("{} matrices in 4 bit, groups of {}: relative error {:.2f} %\n", tensors.size(),
             json["group"].get<int64_t>(), 100 * json["relative_error"].get<double>());
  const auto worst = std::max_element(
      tensors.begin(), tensors.end(), [](const base::Json& a, const base::Json& b) {
        return a["relative_error"].get<double>() < b["relative_error"].get<double>();
      });
  if (worst != tensors.end())
    fmt::print("worst: {}, {:.2f} %\n", (*worst)["name"].get<std::string>(),
               100 * (*worst)["relative_error"].get<double>());
  for (const base::Json& name : json["kept"])
    fmt::print("kept as it is (its inputs are no multiple of the group): {}\n",
               name.get<std::string>());
}

}  // namespace

void add_quantize(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("quantize", "write a checkpoint in 4 bit for other engines");
  verb->footer(
      "Writes the decoder's linear layers as compressed-tensors (pack-quantized): symmetric 4-bit\n"
      "codes with a scale per group, found by search for the smallest squared error. Everything\n"
      "else, tokenizer and templates included, is copied.\n\n"
      "Examples:\n"
      "  visavis quantize demo-qwen3-vl -o demo-qwen3-vl-int4\n"
      "  visavis quantize ~/models/Qwen3-VL-8B-Instruct -o ~/models/Qwen3-VL-8B-int4 --json");
  verb->add_option("MODEL", options->model, "checkpoint folder or a name of `visavis models`")
      ->required();
  verb->add_option("-o,--output", options->output, "folder to write, new or empty")->required();
  verb->add_option("--group", options->group, "inputs per scale")
      ->check(CLI::IsMember({32, 64, 128}))
      ->capture_default_str();
  verb->add_option("--threads", options->threads, "CPU threads, 0 = one per available CPU")
      ->check(CLI::Range(0, 4096));
  verb->add_flag("--json", options->json, "print everything measured");
  verb->callback([options, &exit_code] {
    const base::Json result = run(*options);
    if (options->json)
      std::cout << base::dump_json(result) << "\n";
    else
      print(result);
    exit_code = kDone;
  });
}

}  // namespace visavis::cli
