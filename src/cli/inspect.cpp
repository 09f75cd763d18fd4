// visavis inspect: what a checkpoint is and what the engine would make of it: files, sizes, which
// rules run, the layout of every tensor and the memory plan. Reads headers, not weights.
#include "cli/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "base/threads.h"
#include "cli/devices.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "cli/wiring.h"
#include "engine/checkpoint/side_files.h"
#include "engine/generate/local_model.h"
#include "engine/generate/memory_plan.h"
#include "engine/load/loss.h"
#include "engine/models/families.h"
#include "engine/text/chat_template.h"
#include "engine/vision/preprocessor.h"
#include "machine/cpu.h"

namespace visavis::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string model;
  chat::ModelOptions model_options;
  bool tensors = false;
  bool loss = false;
  bool json = false;
};

// Tensors of one part and layout taken together.
struct LayoutGroup {
  bool vision = false;
  std::string layout;
  int64_t tensors = 0;
  int64_t values = 0;
  int64_t bytes = 0;
  load::Loss loss = {};
};

// The loss of each planned matrix by its name. Parts of fused matrices, and what is folded while it
// loads, are left out.
using Losses = std::map<std::string, load::Loss>;

Losses losses_of(const fs::path& folder, const std::vector<load::PlannedTensor>& planned,
                 int threads) {
  Losses losses;
  base::ThreadPool pool(threads);
  const auto source = models::open_tensors(folder);
  for (const load::PlannedTensor& tensor : planned)
    if (source->find(tensor.name) != nullptr && tensor.shape.rank() > 1 && !tensor.mapped)
      losses.emplace(tensor.name, load::loss_of(*source, tensor, pool));
  return losses;
}

std::vector<LayoutGroup> groups_of(const std::vector<load::PlannedTensor>& planned,
                                   const Losses& losses) {
  std::vector<LayoutGroup> groups;
  for (const load::PlannedTensor& tensor : planned) {
    const std::string layout = tensor.layout + (tensor.mapped ? " in the file"
                                                : tensor.kept ? " as stored"
                                                              : "");
    auto group = std::find_if(groups.begin(), groups.end(), [&](const LayoutGroup& each) {
      return each.vision == tensor.vision && each.layout == layout;
    });
    if (group == groups.end()) {
      groups.push_back({tensor.vision, layout, 0, 0, 0, {}});
      group = groups.end() - 1;
    }
    group->tensors += 1;
    group->values += tensor.shape.elements();
    group->bytes += tensor.bytes;
    if (const auto loss = losses.find(tensor.name); loss != losses.end())
      group->loss += loss->second;
  }
  return groups;
}

const char* part_of(bool vision) { return vision ? "vision" : "text"; }

base::Json files_of(const fs::path& folder) {
  const std::vector<fs::path> weights = checkpoint::weight_files(folder);
  std::set<fs::path> paths(weights.begin(), weights.end());
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file()) paths.insert(entry.path());
  base::Json files = base::Json::array();
  for (const fs::path& path : paths)
    files.push_back({{"name", path.lexically_relative(folder).generic_string()},
                     {"bytes", static_cast<int64_t>(fs::file_size(path))}});
  return files;
}

base::Json image_processor_of(const fs::path& folder, const vision::Overrides& overrides) {
  vision::Preprocessor processor = vision::read_preprocessor(folder);
  vision::apply_overrides(processor, overrides);
  base::Json json = {{"type", processor.type}};
  if (processor.scheme == vision::Scheme::merged_patches) {
    json["mode"] = "any size";
    json["min_pixels"] = processor.min_pixels;
    json["max_pixels"] = processor.max_pixels;
    json["patch"] = processor.patch_size;
    json["merge"] = processor.merge_size;
  } else if (processor.scheme == vision::Scheme::tiles) {
    json["mode"] = "tiles";
    json["tile"] = processor.crop_width;
    for (const vision::Extent& size : processor.pinpoints)
      json["sizes"].push_back({size.height, size.width});
  } else {
    const bool stretched = processor.shortest_edge == 0;
    json["mode"] = processor.pad_to_square ? "pad" : stretched ? "stretch" : "crop";
    json["width"] = processor.crop_width;
    json["height"] = processor.crop_height;
  }
  return json;
}

base::Json tensors_of(const std::vector<load::PlannedTensor>& planned, const Losses& losses) {
  base::Json tensors = base::Json::array();
  for (const load::PlannedTensor& tensor : planned) {
    base::Json shape = base::Json::array();
    for (int axis = 0; axis < tensor.shape.rank(); ++axis) shape.push_back(tensor.shape[axis]);
    tensors.push_back({{"name", tensor.name},
                       {"shape", shape},
                       {"stored", tensor::name_of(tensor.stored)},
                       {"stored_bytes", tensor.stored_bytes},
                       {"format", tensor.format},
                       {"kept", tensor.kept},
                       {"layout", tensor.layout},
                       {"bytes", tensor.bytes},
                       {"part", part_of(tensor.vision)},
                       {"mapped", tensor.mapped}});
    if (const auto loss = losses.find(tensor.name); loss != losses.end())
      tensors.back()["relative_error"] = loss->second.relative();
  }
  return tensors;
}

// The packed weights of an earlier load: whether the next one will use them.
base::Json cache_of(const generate::LocalModelOptions& local, const std::string& content) {
  const auto cache = load::open_cache(local.cache, local.folder, content, local.open.weights);
  if (cache == nullptr) return nullptr;
  std::error_code ignored;
  const bool exists = fs::exists(cache->file(), ignored);
  return {{"file", cache->file().string()},
          {"state", cache->found() ? "ready"
                    : exists       ? "refused"
                                   : "none"},
          {"reason", cache->refusal()},
          {"bytes", exists ? static_cast<int64_t>(fs::file_size(cache->file(), ignored)) : 0}};
}

// Everything that both the JSON and the text show.
base::Json describe(const Options& options) {
  generate::LocalModelOptions local = local_options(options.model, options.model_options);
  const OpenDevice device = open_device(
      place_of(options.model, options.model_options), 1,
      [](const std::string& line) { std::cerr << "visavis inspect: " << line << "\n"; });
  const bool own_memory = device.ops->has_own_memory();
  suit_device(device.place, local);
  limit_memory(*device.ops, local.vram_budget, device.context_bytes);
  const auto model = models::open_model(local.folder, local.open);
  const models::Dimensions& sizes = model->dimensions();
  const models::Limits limits = generate::limits_of(local, *model);
  const generate::MemoryPlan plan =
      generate::plan_memory(*model, limits, local.vision_cache, *device.ops);
  const auto chat_template = text::find_chat_template(local.folder);

  const std::string content = checkpoint::content_id(local.folder);
  const Losses losses =
      options.loss ? losses_of(local.folder, model->planned(), local.open.threads) : Losses();
  base::Json layouts = base::Json::array();
  for (const LayoutGroup& group : groups_of(model->planned(), losses)) {
    layouts.push_back({{"part", part_of(group.vision)},
                       {"layout", group.layout},
                       {"tensors", group.tensors},
                       {"values", group.values},
                       {"bytes", group.bytes}});
    if (options.loss) layouts.back()["relative_error"] = group.loss.relative();
  }
  base::Json json = {
      {"model", options.model},
      {"folder", local.folder.string()},
      {"architecture", model->architecture()},
      {"parameters", model->parameters()},
      {"checkpoint_bytes", model->checkpoint_bytes()},
      {"weights_sha256", content},
      {"cache", cache_of(local, content)},
      {"files", files_of(local.folder)},
      {"text",
       {{"vocabulary", sizes.vocabulary},
        {"hidden", sizes.hidden},
        {"layers", sizes.layers},
        {"kv_heads", sizes.kv_heads},
        {"head_dim", sizes.head_dim},
        {"max_positions", sizes.max_positions}}},
      {"tokenizer", {{"rule", model->tokenizer().rule()}, {"size", model->tokenizer().size()}}},
      {"stop_ids", model->stop_ids()},
      {"chat_template", chat_template ? chat_template->origin : "the family's built-in template"},
      {"image_processor", image_processor_of(local.folder, local.open.pictures)},
      {"multi_image_trained", model->multi_image_trained()},
      {"layouts", layouts},
      {"limits",
       {{"context", limits.context},
        {"batch", limits.batch},
        {"chunk", limits.chunk},
        {"kv", tensor::name_of(limits.kv)}}},
      {"memory",
       {{"weights_bytes", plan.weights},
        {"vision_bytes", plan.vision},
        {"kv_bytes", plan.kv},
        {"workspace_bytes", plan.workspace},
        {"image_features_bytes", plan.image_features},
        {"vision_cache_bytes", plan.vision_cache},
        {"step_buffers_bytes", plan.step_buffers},
        {"total_bytes", plan.total()},
        {"available_bytes",
         own_memory ? device.ops->memory().free : machine::memory_facts().available_bytes}}}};
  if (own_memory) {
    json["device"] = device.ops->description();
    json["memory"]["scratch_bytes"] = plan.scratch;
    json["memory"]["context_bytes"] = device.context_bytes;
    json["memory"]["host_table_bytes"] = plan.host_table;
  }
  if (options.tensors) json["tensors"] = tensors_of(model->planned(), losses);
  return json;
}

std::string human(const base::Json& bytes) { return base::human_bytes(bytes.get<int64_t>()); }

void print_row(std::string_view label, const std::string& value) {
  fmt::print("{:<16} {}\n", label, value);
}

std::string words(const base::Json& object) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : object.items())
    parts.push_back(key + " " + (value.is_string() ? value.get<std::string>() : value.dump()));
  return base::join(parts, ", ");
}

void print(const base::Json& json) {
  print_row("folder", json["folder"].get<std::string>());
  print_row("architecture", json["architecture"].get<std::string>());
  print_row("parameters", fmt::format("{:.4g} million, {} in {} files",
                                      static_cast<double>(json["parameters"].get<int64_t>()) / 1e6,
                                      human(json["checkpoint_bytes"]), json["files"].size()));
  print_row("content", json["weights_sha256"].get<std::string>());
  if (const base::Json& cache = json["cache"]; cache.is_object()) {
    const std::string state = cache["state"].get<std::string>();
    print_row("packed weights",
              state == "ready"  ? cache["file"].get<std::string>() + ", " + human(cache["bytes"])
              : state == "none" ? "none kept"
                                : "not used: " + cache["reason"].get<std::string>());
  }
  print_row("text model", words(json["text"]));
  print_row("tokenizer", words(json["tokenizer"]));
  print_row("chat template", json["chat_template"].get<std::string>());
  print_row("image processor", words(json["image_processor"]));
  print_row("several images", json["multi_image_trained"].get<bool>()
                                  ? "trained on them"
                                  : "run, but the model was not trained on them");
  const auto loss_of = [](const base::Json& entry) {
    return entry.contains("relative_error")
               ? fmt::format("  {:.4f} %", 100 * entry["relative_error"].get<double>())
               : std::string();
  };
  const bool loss = !json["layouts"].empty() && json["layouts"][0].contains("relative_error");
  fmt::print("\n{:<7} {:<26} {:>7} {:>14} {:>10}{}\n", "part", "layout", "tensors", "values",
             "memory", loss ? "  relative error" : "");
  for (const base::Json& group : json["layouts"])
    fmt::print("{:<7} {:<26} {:>7} {:>14} {:>10}{}\n", group["part"].get<std::string>(),
               group["layout"].get<std::string>(), group["tensors"].get<int64_t>(),
               group["values"].get<int64_t>(), human(group["bytes"]), loss_of(group));
  if (json.contains("device")) print_row("device", json["device"].get<std::string>());
  fmt::print("\nmemory plan ({})\n", words(json["limits"]));
  for (const auto& [key, value] : json["memory"].items())
    fmt::print("  {:<15} {:>10}\n", base::replace_all(key.substr(0, key.size() - 6), "_", " "),
               human(value));
  if (!json.contains("tensors")) return;
  fmt::print("\n{:<64} {:<22} {:>6}  {:<14} {:>10}\n", "tensor", "shape", "stored", "layout",
             "memory");
  for (const base::Json& tensor : json["tensors"])
    fmt::print("{:<64} {:<22} {:>6}  {:<14} {:>10}{}\n", tensor["name"].get<std::string>(),
               tensor["shape"].dump(), tensor["stored"].get<std::string>(),
               tensor["layout"].get<std::string>(), human(tensor["bytes"]), loss_of(tensor));
}

int run(const Options& options) {
  const base::Json json = describe(options);
  if (options.json)
    std::cout << base::dump_json(json, 1) << "\n";
  else
    print(json);
  return kDone;
}

}  // namespace

base::Json inspect_json(const std::string& model, const chat::ModelOptions& options) {
  return describe({.model = model, .model_options = options});
}

void add_inspect(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "inspect", "Shows what a checkpoint is, the layout of its weights and the memory plan");
  verb->add_option("MODEL", options->model, "A checkpoint folder or a name (visavis models)")
      ->required();
  add_model_options(*verb, options->model_options);
  verb->add_flag("--tensors", options->tensors, "List every tensor");
  verb->add_flag("--loss", options->loss,
                 "Read the weights and tell what their layouts lose against the stored values");
  verb->add_flag("--json", options->json, "Print JSON");
  verb->footer(
      "Examples:\n"
      "  visavis inspect demo-qwen3-vl --weights int4 --tensors\n"
      "  visavis inspect ~/models/llava-1.5-7b-awq --loss");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace visavis::cli
