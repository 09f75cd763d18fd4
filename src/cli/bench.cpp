// visavis bench: how fast a model loads, reads prompts, generates and sees on this machine, beside
// the machine's own ceilings. The measuring is engine/bench's; this is options, progress, tables.
#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/devices.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "cli/wiring.h"
#include "engine/bench/measure.h"
#include "engine/bench/random_folder.h"

namespace visavis::cli {
namespace {

std::atomic<bool> stop_requested{false};  // signal handlers reach nothing else

void on_stop_signal(int) { stop_requested = true; }

// The first ctrl-C ends after the step that runs, with what there is; the second one at once.
void catch_stop_signal() {
  struct sigaction action {};
  action.sa_handler = &on_stop_signal;
  action.sa_flags = SA_RESETHAND;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

struct BenchOptions {
  std::string model;
  std::string shape;
  chat::ModelOptions model_options;
  bench::Options measured;
  bool json = false;
};

// What is wrong with the options, or nothing.
std::optional<std::string> complaint(const BenchOptions& options) {
  if (options.model.empty() == options.shape.empty())
    return "bench wants a MODEL or --shape NAME, one of them";
  for (const auto& [key, value] : options.model_options) {
    if (key == "ctx" || key == "max_batch_size")
      return "bench takes --context and --batch, not --ctx and --max-batch-size";
    if (key == "cache" && value == "on")
      return "bench measures loading from the checkpoint, without packed weights: no --cache";
  }
  if (options.measured.batches.empty() || options.measured.contexts.empty())
    return "--batch and --context want at least one number";
  return std::nullopt;
}

std::string text_of(const base::Json& json) { return json.get<std::string>(); }
std::string human(const base::Json& bytes) { return base::human_bytes(bytes.get<int64_t>()); }
double giga(const base::Json& rate) { return rate.get<double>() / 1e9; }

// "0.52 s (0.51 to 0.60, 5 runs)"
std::string seconds_of(const base::Json& spread) {
  if (spread["runs"] == 1) return fmt::format("{:.3g} s (1 run)", spread["median"].get<double>());
  return fmt::format("{:.3g} s ({:.3g} to {:.3g}, {} runs)", spread["median"].get<double>(),
                     spread["min"].get<double>(), spread["max"].get<double>(),
                     spread["runs"].get<int>());
}

void print_head(const base::Json& json) {
  const base::Json& options = json["options"];
  fmt::print("{}: {}, {:.4g} million parameters; weights {}, activations {}, KV {}\n{}, {}\n\n",
             text_of(json["model"]), text_of(json["architecture"]),
             static_cast<double>(json["parameters"].get<int64_t>()) / 1e6,
             text_of(options["weights"]), text_of(options["activations"]), text_of(options["kv"]),
             text_of(json["device"]), text_of(json["cpu"]));
  const base::Json& found = json["ceilings"];
  const base::Json& reads = found["read_bytes_per_s_spread"];
  fmt::print("ceilings    reads {:.1f} GB/s (median {:.1f}, least {:.1f} of {} times)\n",
             giga(found["read_bytes_per_s"]), giga(reads["median"]), giga(reads["min"]),
             reads["runs"].get<int>());
  fmt::print("            int8 {:.0f} Gop/s ({}), f32 {:.0f} Gflop/s", giga(found["int8_op_per_s"]),
             text_of(found["int8_instruction"]), giga(found["f32_flop_per_s"]));
  if (found["bf16_flop_per_s"] > 0)
    fmt::print(", bf16 {:.0f} Gflop/s", giga(found["bf16_flop_per_s"]));
  std::vector<std::string> kernels;
  for (const auto& [operation, name] : json["kernels"].items())
    kernels.push_back(operation + " " + text_of(name));
  fmt::print("\nkernels     {}\n", base::join(kernels, ", "));
  const base::Json& load = json["load"];
  fmt::print("load        {}, {:.2f} GB/s of {}; opening {}\n", seconds_of(load["load_s"]),
             load["source_gb_per_s"].get<double>(), human(load["source_bytes"]),
             seconds_of(load["open_s"]));
  const base::Json& memory = json["memory"];
  fmt::print("memory      planned {}; most resident {} while loading, {} afterwards\n",
             human(memory["planned_bytes"]), human(memory["load_peak_bytes"]),
             human(memory["peak_bytes"]));
  if (memory["device_allocated_bytes"] > 0)
    fmt::print("            on the card at most {} in use, {} allocated\n",
               human(memory["device_peak_bytes"]), human(memory["device_allocated_bytes"]));
}

// The part of a row that every table has: spread, runs, rate, shares.
std::string ending_of(const base::Json& row) {
  const base::Json& s = row["s"];
  return fmt::format("{:>9.4g} {:>9.4g} {:>9.4g} {:>4} {:>8.1f} {:>6.0f}% {:>6.0f}%",
                     s["median"].get<double>(), s["min"].get<double>(), s["max"].get<double>(),
                     s["runs"].get<int>(), row["gop_per_s"].get<double>(),
                     100 * row["share_of_read"].get<double>(),
                     100 * row["share_of_compute"].get<double>());
}

constexpr const char* kEndingHead = "        s       min       max runs    Gop/s   read compute";

void print_text_part(const base::Json& cases, const std::string& part) {
  bool first = true;
  for (const base::Json& row : cases) {
    if (row["part"] != part) continue;
    if (first)
      fmt::print("\n{:<11} {:>5} {:>7} {:>6} {:>8} {:>8} {:>7}  {}\n", part, "batch", "context",
                 "tokens", "tok/s", "MB/step", "GB/s", kEndingHead);
    first = false;
    fmt::print("{:<11} {:>5} {:>7} {:>6} ", "", row["batch"].get<int64_t>(),
               row["context"].get<int64_t>(), row["tokens"].get<int64_t>());
    if (row.contains("left_out"))
      fmt::print("left out: {}\n", text_of(row["left_out"]));
    else
      fmt::print("{:>8.4g} {:>8.5g} {:>7.2f}  {}\n", row["tok_per_s"].get<double>(),
                 static_cast<double>(row["bytes_per_step"].get<int64_t>()) / 1e6,
                 row["gb_per_s"].get<double>(), ending_of(row));
  }
}

void print_vision(const base::Json& cases) {
  bool first = true;
  for (const base::Json& row : cases) {
    if (row["part"] != "vision") continue;
    if (first)
      fmt::print("\n{:<11} {:>6} {:>7} {:>6} {:>9} {:>8} {}\n", "vision", "pixels", "patches",
                 "tokens", "prepare s", "extra MB", kEndingHead);
    first = false;
    fmt::print("{:<11} {:>6} {:>7} {:>6} {:>9.3g} ", "", row["picture"].get<int64_t>(),
               row["patches"].get<int64_t>(), row["image_tokens"].get<int64_t>(),
               row["prepare_s"].get<double>());
    if (row.contains("left_out"))
      fmt::print("left out: {}\n", text_of(row["left_out"]));
    else
      fmt::print("{:>8.4g} {}\n", static_cast<double>(row["extra_bytes"].get<int64_t>()) / 1e6,
                 ending_of(row));
  }
}

void print_estimates(const base::Json& estimates) {
  fmt::print("\nestimates   seconds = {}; here the formula is off by",
             text_of(estimates["formula"]));
  for (const auto& [part, error] : estimates["error_here"].items())
    fmt::print(" {:+.0f}% ({})", 100 * error.get<double>(), part);
  fmt::print("\n");
  for (const base::Json& card : estimates["cards"]) {
    fmt::print("  {} (reads {:.0f} GB/s, f16 {:.0f} Tflop/s; {})\n", text_of(card["card"]),
               giga(card["read_bytes_per_s"]), giga(card["f16_flop_per_s"]) / 1e3,
               text_of(card["source"]));
    if (!card["fits"].get<bool>()) fmt::print("    the plan does not fit its memory\n");
    for (const base::Json& row : card["cases"]) {
      if (row["part"] == "vision")
        fmt::print("    vision {} pixels: {:.3g} s\n", row["picture"].get<int64_t>(),
                   row["s"].get<double>());
      else
        fmt::print("    {} batch {} context {}: {:.4g} tok/s\n", text_of(row["part"]),
                   row["batch"].get<int64_t>(), row["context"].get<int64_t>(),
                   row["tok_per_s"].get<double>());
    }
  }
}

void print(const base::Json& json) {
  print_head(json);
  for (const char* part : {"prompt", "generation"}) print_text_part(json["cases"], part);
  print_vision(json["cases"]);
  fmt::print(
      "\nread: share of a run's time that reading weights and cache once takes at the rate that "
      "was\n"
      "measured beside the run; compute: that multiplying takes at the ceiling of its format;\n"
      "extra: workspace, features, and what the process grew by beyond the loaded model\n");
  if (json.contains("estimates")) print_estimates(json["estimates"]);
  if (json["stopped"].get<bool>()) fmt::print("Stopped on request before the end.\n");
}

int run(BenchOptions options) {
  if (const auto wrong = complaint(options)) {
    std::cerr << "visavis: " << *wrong << "\n";
    return kUsage;
  }
  catch_stop_signal();
  std::optional<bench::RandomFolder> folder;
  if (!options.shape.empty()) folder.emplace(bench::random_shape(options.shape), 1);
  const std::string model = folder ? folder->path().string() : options.model;
  options.measured.model = local_options(model, options.model_options);
  generate::LocalModelOptions& model_settings = options.measured.model;
  const OpenDevice device = open_device(
      place_of(model, options.model_options), model_settings.open.threads,
      [](const std::string& line) { std::cerr << "visavis bench: " << line << std::endl; });
  const int card = device.place.cuda;
  suit_device(device.place, model_settings);
  options.measured.memory = device.memory.get();
  options.measured.kernels = [card] {
    return card < 0 ? ops::cpu_kernels() : ops::cuda_kernels(card);
  };
  options.measured.make_ops = [&model_settings, card, context = device.context_bytes] {
    if (card < 0) return ops::make_cpu_ops({.threads = model_settings.open.threads});
    std::unique_ptr<ops::Ops> made = ops::make_cuda_ops({.device = card});
    limit_memory(*made, model_settings.vram_budget, context);
    return made;
  };
  options.measured.name = folder ? options.shape + " (random weights)" : options.model;
  const bench::Report report = bench::measure(
      options.measured, stop_requested,
      [](const std::string& line) { std::cerr << "visavis bench: " << line << std::endl; });
  base::Json json = bench::as_json(report);
  json["build"] = {{"version", kVersion}, {"compiler", __VERSION__}};
  if (options.json)
    std::cout << base::dump_json(json, 1) << "\n";
  else
    print(json);
  return report.stopped ? kStopped : kDone;
}

std::string known_shapes() {
  std::vector<std::string> names;
  for (const bench::RandomShape& shape : bench::random_shapes()) names.emplace_back(shape.name);
  return base::join(names, ", ");
}

}  // namespace

void add_bench(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<BenchOptions>();
  bench::Options& measured = options->measured;
  CLI::App* verb = app.add_subcommand(
      "bench", "Measures a model's speed and memory beside the ceilings of this machine");
  verb->add_option("MODEL", options->model, "A checkpoint folder or a name (visavis models)");
  verb->add_option("--shape", options->shape,
                   "Random weights of a published size instead: " + known_shapes());
  verb->add_option("--only", measured.parts, "Parts to measure, with commas (default: all)")
      ->delimiter(',')
      ->check(CLI::IsMember(bench::part_names()));
  verb->add_option("--batch", measured.batches, "Sequences at once (default 1,2,4)")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024));
  verb->add_option("--context", measured.contexts,
                   "Tokens in the cache before the first step (default 0,1024,4096); the cache is "
                   "filled with random keys and values, which costs attention the same")
      ->delimiter(',')
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--prompt", measured.prompt, "Tokens of a prompt (default 512)")
      ->check(CLI::PositiveNumber);
  verb->add_option("--tokens", measured.tokens, "Tokens generated in one run (default 32)")
      ->check(CLI::PositiveNumber);
  verb->add_option("--pictures", measured.pictures,
                   "Sides of square pictures in pixels (default 448,1024,2048)")
      ->delimiter(',')
      ->check(CLI::Range(1, 16384));
  verb->add_option("--repeat", measured.repeat, "Runs of each case (default 5)")
      ->check(CLI::Range(1, 1000));
  verb->add_option("--seconds", measured.seconds,
                   "Begin no further run of a case after this time (default 20)")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--longest", measured.longest,
                   "Leave out a case whose one run would take longer (default 900)")
      ->check(CLI::PositiveNumber);
  verb->add_flag("--json", options->json, "Print JSON");
  add_model_options(*verb, options->model_options);
  verb->footer(
      "Examples:\n"
      "  visavis bench demo-qwen3-vl\n"
      "  visavis bench --shape qwen3-vl-8b --only generation --batch 1 --context 0,4096\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 stopped by ctrl-C with what there was.");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace visavis::cli
