#include "hub/catalogue.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <system_error>

#include "base/error.h"
#include "base/text.h"

namespace visavis::hub {
namespace {

namespace fs = std::filesystem;

constexpr CatalogueEntry kEntries[] = {
    {"demo-qwen3-vl", "Qwen3-VL", "", "demo/qwen3-vl", 0.007, 0.015},
    {"demo-llava", "LLaVA-1.5", "", "demo/llava", 0.007, 0.014},
    {"qwen3-vl-2b", "Qwen3-VL", "Qwen/Qwen3-VL-2B-Instruct", "", 2.1, 4.3},
    {"qwen3-vl-4b", "Qwen3-VL", "Qwen/Qwen3-VL-4B-Instruct", "", 4.4, 8.9},
    {"qwen3-vl-8b", "Qwen3-VL", "Qwen/Qwen3-VL-8B-Instruct", "", 8.8, 17.5},
    {"qwen3-vl-32b", "Qwen3-VL", "Qwen/Qwen3-VL-32B-Instruct", "", 33.4, 66.7},
    {"llava-1.5-7b", "LLaVA-1.5", "llava-hf/llava-1.5-7b-hf", "", 7.1, 14.1},
    {"llava-1.5-13b", "LLaVA-1.5", "llava-hf/llava-1.5-13b-hf", "", 13.4, 26.7},
};

bool is_checkpoint(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / "config.json", ignored);
}

fs::path environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? fs::path() : fs::path(value);
}

// models--ORG--NAME/snapshots/COMMIT: the commit that refs/main names, else the only snapshot.
std::optional<fs::path> cached_snapshot(std::string_view repository, const fs::path& cache) {
  if (cache.empty() || repository.empty()) return std::nullopt;
  const fs::path folder = cache / ("models--" + base::replace_all(repository, "/", "--"));
  std::ifstream ref(folder / "refs" / "main");
  std::string commit;
  if (ref >> commit && commit.find('/') == std::string::npos &&
      is_checkpoint(folder / "snapshots" / commit))
    return folder / "snapshots" / commit;
  std::vector<fs::path> snapshots;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder / "snapshots", ignored))
    if (is_checkpoint(entry.path())) snapshots.push_back(entry.path());
  if (snapshots.size() != 1) return std::nullopt;
  return snapshots[0];
}

// ORG/NAME with nothing that could leave the cache folder.
bool is_repository(std::string_view model) {
  const size_t slash = model.find('/');
  return slash != std::string_view::npos && slash > 0 && slash + 1 < model.size() &&
         model.find('/', slash + 1) == std::string_view::npos &&
         model.find("..") == std::string_view::npos && model[0] != '.';
}

std::string known_names() {
  std::vector<std::string> names;
  for (const CatalogueEntry& entry : kEntries) names.emplace_back(entry.name);
  return base::join(names, ", ");
}

}  // namespace

std::span<const CatalogueEntry> catalogue() { return kEntries; }

const CatalogueEntry* find_entry(std::string_view name) {
  const auto* entry = std::find_if(std::begin(kEntries), std::end(kEntries),
                                   [&](const CatalogueEntry& each) { return each.name == name; });
  return entry == std::end(kEntries) ? nullptr : entry;
}

Places default_places() {
  Places places;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error)
    places.models.push_back(program.parent_path().parent_path() / "share" / "visavis" / "models");
  places.models.emplace_back(VISAVIS_MODELS_DIR);
  const fs::path cache = environment("HF_HUB_CACHE");
  const fs::path home = environment("HF_HOME");
  if (!cache.empty())
    places.hub_cache = cache;
  else if (!home.empty())
    places.hub_cache = home / "hub";
  else if (!environment("HOME").empty())
    places.hub_cache = environment("HOME") / ".cache" / "huggingface" / "hub";
  return places;
}

std::optional<fs::path> locate(const CatalogueEntry& entry, const Places& places) {
  if (entry.demo_folder.empty()) return cached_snapshot(entry.repository, places.hub_cache);
  for (const fs::path& models : places.models)
    if (is_checkpoint(models / entry.demo_folder)) return models / entry.demo_folder;
  return std::nullopt;
}

fs::path resolve_model_folder(const std::string& model, const Places& places) {
  require(!model.empty(), "no model given; known names: ", known_names());
  std::error_code ignored;
  if (fs::is_directory(model, ignored)) return model;
  if (const CatalogueEntry* entry = find_entry(model)) {
    if (const auto folder = locate(*entry, places)) return *folder;
    if (entry->demo_folder.empty())
      fail("model '", model, "' is not on this machine: looked for repository ", entry->repository,
           " in '", places.hub_cache.string(), "'; download it (", entry->download_gb,
           " GB) with the hub's own tools, or give the checkpoint's folder");
    std::vector<std::string> looked;
    for (const fs::path& models : places.models) {
      std::string& place = looked.emplace_back("'");
      place.append((models / entry->demo_folder).string()).append("'");
    }
    fail("model '", model, "' is not on this machine: looked in ", base::join(looked, ", "));
  }
  if (is_repository(model))
    if (const auto folder = cached_snapshot(model, places.hub_cache)) return *folder;
  fail("no model '", model, "': found no such folder, and no such repository in '",
       places.hub_cache.string(), "'; known names: ", known_names());
}

int64_t folder_bytes(const fs::path& folder) {
  int64_t bytes = 0;
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(folder, error);
       !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    std::error_code unreadable;
    const auto size = fs::file_size(at->path(), unreadable);
    if (!unreadable) bytes += static_cast<int64_t>(size);
  }
  return bytes;
}

}  // namespace visavis::hub
