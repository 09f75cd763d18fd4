// visavis models: the names that the other commands understand, which of them are here, and the
// packed weights kept of them.
#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/data_folders.h"
#include "cli/verbs.h"
#include "engine/load/packed_writer.h"
#include "hub/catalogue.h"

namespace visavis::cli {
namespace {

namespace fs = std::filesystem;

base::Json described(const hub::CatalogueEntry& entry, const hub::Places& places) {
  const auto folder = hub::locate(entry, places);
  base::Json model = {{"name", entry.name},
                      {"family", entry.family},
                      {"parameters_billion", entry.parameters_billion},
                      {"repository", nullptr},
                      {"download_gb", entry.download_gb},
                      {"folder", nullptr},
                      {"folder_bytes", nullptr}};
  if (!entry.repository.empty()) model["repository"] = entry.repository;
  if (folder) {
    model["folder"] = folder->string();
    model["folder_bytes"] = hub::folder_bytes(*folder);
  }
  return model;
}

struct Options {
  bool json = false;
  bool clear_cache = false;
  std::string cache_dir;
};

// Packed weights of earlier loads, as `run` and `compare` keep them.
base::Json cache_of(const fs::path& folder) {
  base::Json files = base::Json::array();
  std::error_code gone;
  int64_t total = 0;
  for (const fs::path& path : load::packed_files(folder)) {
    const auto bytes = static_cast<int64_t>(fs::file_size(path, gone));
    if (gone) continue;
    total += bytes;
    files.push_back({{"file", path.filename().string()}, {"bytes", bytes}});
  }
  return {{"folder", folder.string()}, {"bytes", total}, {"files", files}};
}

int clear_cache(const fs::path& folder) {
  int64_t bytes = 0;
  for (const fs::path& path : load::packed_files(folder)) {
    std::error_code failed;
    const auto size = static_cast<int64_t>(fs::file_size(path, failed));
    fs::remove(path, failed);
    require(!failed, "cannot remove '", path.string(), "': ", failed.message());
    bytes += size;
  }
  fmt::print("{} of packed weights removed from '{}'\n", base::human_bytes(bytes), folder.string());
  return kDone;
}

int run(const Options& options) {
  const fs::path cache_folder =
      options.cache_dir.empty() ? user_cache_folder() : fs::path(options.cache_dir);
  if (options.clear_cache) return clear_cache(cache_folder);
  const hub::Places places = hub::default_places();
  const base::Json cache = cache_of(cache_folder);
  if (options.json) {
    base::Json models = base::Json::array();
    for (const hub::CatalogueEntry& entry : hub::catalogue())
      models.push_back(described(entry, places));
    std::cout << base::dump_json({{"models", models},
                                  {"hub_cache", places.hub_cache.string()},
                                  {"cache", cache}},
                                 1)
              << "\n";
    return kDone;
  }
  fmt::print("{:<14} {:<10} {:>10} {:>9}  {}\n", "name", "family", "parameters", "download",
             "where");
  for (const hub::CatalogueEntry& entry : hub::catalogue()) {
    const auto folder = hub::locate(entry, places);
    const std::string where = folder ? fmt::format("{} ({})", folder->string(),
                                                   base::human_bytes(hub::folder_bytes(*folder)))
                              : entry.repository.empty()
                                  ? "missing"
                                  : fmt::format("not here: {}", entry.repository);
    fmt::print(
        "{:<14} {:<10} {:>8}{:>2} {:>6} GB  {}\n", entry.name, entry.family,
        entry.parameters_billion < 1 ? entry.parameters_billion * 1000 : entry.parameters_billion,
        entry.parameters_billion < 1 ? "M" : "B", entry.download_gb, where);
  }
  fmt::print("A folder with a checkpoint, or ORG/NAME of a repository in '{}', works as well.\n",
             places.hub_cache.string());
  for (const base::Json& file : cache["files"])
    fmt::print("packed weights: {}, {}\n", file["file"].get<std::string>(),
               base::human_bytes(file["bytes"].get<int64_t>()));
  if (!cache["files"].empty())
    fmt::print("They lie in '{}'; visavis models --clear-cache removes them.\n",
               cache_folder.string());
  return kDone;
}

}  // namespace

void add_models(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      app.add_subcommand("models", "Lists the models known by name and where they are");
  verb->add_flag("--json", options->json, "Print JSON");
  verb->add_flag("--clear-cache", options->clear_cache, "Remove all packed weights");
  verb->add_option("--cache-dir", options->cache_dir, "Where they lie (default ~/.cache/visavis)");
  verb->footer("Example: visavis models --json");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace visavis::cli
