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
#include "cli/compare.h"
#include "cli/data_folders.h"
#include "cli/verbs.h"
#include "cli/wiring.h"
#include "engine/compress/awq.h"
#include "engine/compress/calibration.h"
#include "engine/compress/export_packed.h"
#include "engine/compress/fold.h"
#include "engine/compress/mixed.h"
#include "engine/models/families.h"
#include "engine/models/split_source.h"
#include "harness/runner/ask.h"
#include "harness/runner/schedule.h"

namespace visavis::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string model;
  std::string output;
  std::string method = "nearest";
  int64_t group = 128;
  bool feedback = false;    // errors are handed on
  double mixed = 0;         // bits per weight; 0: all matrices alike
  std::string calibration;  // a suite; empty: none
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
      names.insert(models::SplitSource::whole_name(tensor.name));
  return names;
}

// Modules that keep their weights, by name and by what every loader's own names contain.
std::vector<std::string> ignored_modules(const checkpoint::TensorSource& source,
                                         const compress::Codings& codings) {
  std::vector<std::string> ignored = {"lm_head", "re:.*lm_head.*", "re:.*visual.*",
                                      "re:.*vision_tower.*", "re:.*multi_modal_projector.*"};
  constexpr std::string_view kWeight = ".weight";
  for (const checkpoint::TensorInfo& info : source.tensors())
    if (codings.count(info.name) == 0 && info.shape.rank() == 2 && info.name.ends_with(kWeight))
      ignored.push_back(info.name.substr(0, info.name.size() - kWeight.size()));
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

// The matrices that are coded, all alike; `kept` gets those that the coding does not fit.
compress::Codings codings_of(const checkpoint::TensorSource& source,
                             const std::set<std::string>& linears, const compress::Coding& coding,
                             std::vector<std::string>& kept) {
  compress::Codings codings;
  for (const std::string& name : linears) {
    const checkpoint::TensorInfo* info = source.find(name);
    if (info != nullptr && compress::can_code(*info, coding))
      codings[name] = coding;
    else
      kept.push_back(name);
  }
  return codings;
}

constexpr std::string_view kCalibration = "calibration";  // a suite that comes with visavis

bool scales_inputs(const Options& options) { return options.method.starts_with("awq"); }

// What the model is let answer.
std::vector<chat::Request> calibration_requests(const Options& options) {
  CompareOptions compare;
  compare.suites = {options.calibration.empty() ? std::string(kCalibration) : options.calibration};
  compare.what = {options.model};
  const runner::Experiment experiment = make_experiment(compare, data_folders("suites"));
  const runner::Schedule schedule = runner::make_schedule(experiment);
  std::vector<chat::Request> requests;
  for (const store::ItemRow& item : schedule.items) {
    const runner::Pictures pictures = runner::load_pictures(item);
    if (const auto* failure = std::get_if<chat::Failure>(&pictures))
      fail("--calibration: ", failure->message);
    requests.push_back(runner::make_request(item, std::get<std::vector<chat::Part>>(pictures),
                                            experiment.generation, experiment.seed));
  }
  require(!requests.empty(), "--calibration: suite '", compare.suites.front(), "' is empty");
  return requests;
}

// What a calibration found.
struct Calibrated {
  std::vector<compress::ScaleChoice> choices;
  compress::Fold fold;
  compress::InputPowers powers;
  compress::MomentsOf moments = {};
};

Calibrated calibrate(const Options& options, const fs::path& folder,
                     const checkpoint::TensorSource& source, const compress::Codings& codings,
                     base::ThreadPool& pool) {
  const int64_t head_dim = models::open_model(folder, {})->dimensions().head_dim;
  const std::vector<compress::FoldPlace> places = compress::fold_places(source, codings, head_dim);
  require(!places.empty(), "model '", options.model,
          "' has no layers that scales can be folded between");
  std::set<std::string> seen;
  for (const compress::FoldPlace& place : places) seen.insert(place.after.front());
  compress::CalibrationOptions settings;
  settings.threads = options.threads;
  settings.moments = options.feedback;
  settings.progress = [](int64_t done, int64_t total) {
    std::cerr << "calibration: " << done << " of " << total << "\n";
  };
  compress::InputSamples samples =
      compress::collect_inputs(folder, calibration_requests(options), seen, settings);
  Calibrated found;
  if (scales_inputs(options)) {
    const auto ops = ops::make_cpu_ops({.threads = options.threads});
    found.choices = compress::search_scales(source, codings, places, samples, *ops, pool);
    found.fold = compress::fold_of(found.choices);
  }
  found.powers = compress::powers_of(places, samples, found.fold);
  if (options.feedback)
    found.moments = [places, fold = found.fold,
                     samples = std::move(samples)](const std::string& weight) {
      return compress::moments_of(places, samples, fold, weight);
    };
  return found;
}

base::Json run(const Options& options) {
  const fs::path from = model_folder(options.model);
  const fs::path to = options.output;
  require(!fs::exists(to) || (fs::is_directory(to) && fs::is_empty(to)), "--output: '",
          options.output, "' is there and not an empty folder");
  const std::set<std::string> linears = linears_of(from);
  require(!linears.empty(), "model '", options.model, "' has no linear layer to quantise");
  const compress::Coding few = {
      .bits = 4, .group = options.group, .zero_points = options.method.ends_with("hqq")};
  const compress::Coding many = {.bits = 8, .group = options.group};
  require(options.mixed == 0 ||
              (options.mixed >= few.bits_per_weight() && options.mixed <= many.bits_per_weight()),
          "--mixed: found ", options.mixed, " bits per weight, wanted ", few.bits_per_weight(),
          " to ", many.bits_per_weight(), " with groups of ", options.group);
  auto source = models::open_tensors(from);
  const int64_t source_bytes = source->file_bytes();
  std::vector<std::string> kept;
  compress::Codings codings = codings_of(*source, linears, few, kept);

  base::ThreadPool pool(options.threads);
  Calibrated calibrated;
  if (scales_inputs(options) || options.feedback || !options.calibration.empty()) {
    calibrated = calibrate(options, from, *source, codings, pool);
    source = compress::folded(std::move(source), calibrated.fold);
  }
  if (options.mixed > 0)
    codings =
        compress::widen_within(*source, codings, few, many, options.mixed, calibrated.powers, pool);
  fs::create_directories(to);
  const compress::ExportReport report = compress::export_pack_quantized(
      *source, codings, calibrated.powers, to, pool, {}, compress::kShardBytes, calibrated.moments);
  base::Json config = base::read_json(from / "config.json");
  config.erase("compression_config");
  config["quantization_config"] =
      compress::pack_quantized_config(codings, ignored_modules(*source, codings));
  copy_side_files(from, to);
  base::write_file_atomically(to / "config.json", base::dump_json(config));

  base::Json scaled = base::Json::array();
  for (const compress::ScaleChoice& choice : calibrated.choices)
    scaled.push_back({{"after", choice.place.before},
                      {"exponent", choice.exponent},
                      {"output_error", choice.error},
                      {"unscaled_output_error", choice.unscaled_error}});
  base::Json tensors = base::Json::array();
  for (const compress::ExportedTensor& each : report.quantised)
    tensors.push_back({{"name", each.name},
                       {"bits", each.coding.bits},
                       {"relative_error", each.loss.relative()}});
  return {{"model", options.model},
          {"output", options.output},
          {"method", options.method},
          {"group", options.group},
          {"source_bytes", source_bytes},
          {"bytes", report.bytes},
          {"bits_per_weight", report.bits_per_weight()},
          {"relative_error", report.loss().relative()},
          {"tensors", tensors},
          {"scaled", scaled},
          {"kept", kept}};
}

void print(const base::Json& json) {
  fmt::print("{}: {} of weights ({} before)\n", json["output"].get<std::string>(),
             base::human_bytes(json["bytes"].get<int64_t>()),
             base::human_bytes(json["source_bytes"].get<int64_t>()));
  const base::Json& tensors = json["tensors"];
  fmt::print(
      "{} matrices in codes, groups of {}: {:.3f} bits per weight, relative error {:.2f} %\n",
      tensors.size(), json["group"].get<int64_t>(), json["bits_per_weight"].get<double>(),
      100 * json["relative_error"].get<double>());
  double before = 0;
  double after = 0;
  for (const base::Json& place : json["scaled"]) {
    before += place["unscaled_output_error"].get<double>();
    after += place["output_error"].get<double>();
  }
  if (!json["scaled"].empty())
    fmt::print(
        "inputs scaled at {} places: mean relative error of outputs {:.2f} % (unscaled {:.2f} %)\n",
        json["scaled"].size(), 100 * after / static_cast<double>(json["scaled"].size()),
        100 * before / static_cast<double>(json["scaled"].size()));
  for (const base::Json& tensor : tensors)
    if (tensor["bits"].get<int>() != 4)
      fmt::print("in {} bits: {}\n", tensor["bits"].get<int>(), tensor["name"].get<std::string>());
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
      "Writes the decoder's linear layers as compressed-tensors (pack-quantized). Everything "
      "else,\n"
      "tokenizer and templates included, is copied. --method:\n"
      "  nearest  symmetric 4-bit codes, a scale per group, found by search for the smallest "
      "squared\n"
      "           error\n"
      "  hqq      4-bit codes with a scale and a zero point per group, by half-quadratic "
      "splitting\n"
      "  awq, awq-hqq  the same two with a calibration: what inputs a matrix gets says how much "
      "each\n"
      "           column's error counts, and inputs that are large are scaled up in the weights "
      "and\n"
      "           down in the norm or layer before; how far, a search over the error of the "
      "outputs\n"
      "           says. The model must follow LLaMA's names of layers.\n"
      "--calibration SUITE is what the model answers meanwhile, on the CPU with its weights as\n"
      "stored (default with awq: calibration, which comes with visavis). The other methods use "
      "it,\n"
      "too, if it is given, and scale nothing.\n"
      "--feedback takes what rounding a column leaves off the columns behind it, as far as their\n"
      "inputs go together (GPTQ inside blocks of 128 columns). It calibrates, too, and goes with "
      "every\n"
      "method.\n"
      "--mixed BITS gives 8 bits to the matrices that lose most per byte in 4, until so many bits\n"
      "per weight (scales and zero points included) are spent; q, k and v, and gate and up, which\n"
      "other engines hold as one, stay alike.\n\n"
      "Examples:\n"
      "  visavis quantize demo-qwen3-vl -o demo-qwen3-vl-int4\n"
      "  visavis quantize demo-llava -o demo-llava-int4 --method hqq --group 64 --mixed 4.5\n"
      "  visavis quantize demo-llava -o demo-llava-awq --method awq --calibration "
      "my-questions.jsonl\n"
      "  visavis quantize ~/models/Qwen3-VL-8B-Instruct -o ~/models/Qwen3-VL-8B-int4 --json");
  verb->add_option("MODEL", options->model, "checkpoint folder or a name of `visavis models`")
      ->required();
  verb->add_option("-o,--output", options->output, "folder to write, new or empty")->required();
  verb->add_option("--method", options->method, "how codes are found")
      ->check(CLI::IsMember({"nearest", "hqq", "awq", "awq-hqq"}))
      ->capture_default_str();
  verb->add_option("--calibration", options->calibration,
                   "a suite (folder, JSONL file or name) to measure inputs with");
  verb->add_flag("--feedback", options->feedback,
                 "hand rounding errors on from column to column, by a calibration");
  verb->add_option("--mixed", options->mixed,
                   "bits per weight to spend, 8 bits where they help most")
      ->check(CLI::Range(4.0, 9.0));
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
