// visavis models: the names that the other commands understand, which of them are here and what
// they take, the packed weights kept of them, and how to be rid of either.
#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/data_folders.h"
#include "cli/language.h"
#include "cli/verbs.h"
#include "engine/load/packed_writer.h"
#include "hub/cache.h"
#include "hub/catalogue.h"
#include "hub/formats.h"

namespace visavis::cli {
namespace {

namespace fs = std::filesystem;

// What pull would take, by the catalogue alone; null if no form can be loaded.
const hub::Form* first_form(const hub::CatalogueEntry& entry, const hub::Places& places) {
  const std::vector<const hub::Form*> forms = hub::loadable_forms(entry, places.for_card);
  return forms.empty() ? nullptr : forms.front();
}

base::Json number_or_null(double value) { return value > 0 ? base::Json(value) : base::Json(); }

base::Json text_or_null(const std::string& text) {
  return text.empty() ? base::Json() : base::Json(text);
}

base::Json described(const hub::CatalogueEntry& entry, const hub::Places& places) {
  const auto folder = hub::locate(entry, places);
  base::Json model = {{"name", entry.name},
                      {"family", entry.family},
                      {"license", text_or_null(entry.license)},
                      {"parameters_billion", number_or_null(entry.parameters_billion)},
                      {"memory_gb", number_or_null(entry.memory_gb)},
                      {"repository", nullptr},
                      {"format", nullptr},
                      {"download_gb", nullptr},
                      {"forms", base::Json::array()},
                      {"folder", nullptr},
                      {"folder_bytes", nullptr},
                      {"missing_files", base::Json::array()}};
  for (const hub::Form& form : entry.forms)
    model["forms"].push_back({{"format", form.format},
                              {"bits", form.bits},
                              {"loads", hub::find_format(form.format)->loads},
                              {"huggingface", text_or_null(form.repository.huggingface)},
                              {"modelscope", text_or_null(form.repository.modelscope)},
                              {"download_gb", number_or_null(form.download_gb)}});
  if (const hub::Form* form = first_form(entry, places)) {
    model["repository"] = text_or_null(form->repository.huggingface);
    model["format"] = form->format;
    model["download_gb"] = number_or_null(form->download_gb);
  }
  if (folder) {
    model["folder"] = folder->string();
    model["folder_bytes"] = hub::folder_bytes(*folder);
    model["missing_files"] = hub::missing_files(*folder);
  }
  return model;
}

struct Options {
  bool json = false;
  bool clear_cache = false;
  std::string cache_dir;
  std::string remove;
  bool yes = false;
  std::string lang;
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

// The repositories in the cache of which MODEL is made.
std::vector<std::string> repositories_of(const std::string& model, const hub::Places& places) {
  const std::vector<hub::CatalogueEntry> catalogue = hub::read_catalogue(places);
  const hub::CatalogueEntry* entry = hub::find_entry(catalogue, model);
  if (entry == nullptr) return {model};
  require(entry->demo_folder.empty(), "model '", model, "' comes with visavis and stays");
  std::vector<std::string> found;
  for (const hub::CachedRepository& cached : hub::cached_repositories(places.hub_cache))
    for (const hub::Form& form : entry->forms)
      if (cached.name == form.repository.huggingface || cached.name == form.repository.modelscope) {
        found.push_back(cached.name);
        break;
      }
  require(!found.empty(), "model '", model, "' is not in '", places.hub_cache.string(), "'");
  return found;
}

int remove_model(const Options& options) {
  const hub::Places places = model_places();
  const std::vector<std::string> repositories = repositories_of(options.remove, places);
  if (!options.yes) {
    require(::isatty(STDIN_FILENO) != 0, "removing '", options.remove,
            "' wants an answer or --yes");
    say(options.lang, "Remove {} with all its revisions from '{}'? [y/N] ",
        "从“{1}”删除 {0} 及其所有版本？[y/N] ", base::join(repositories, ", "),
        places.hub_cache.string());
    std::fflush(stdout);
    std::string answer;
    std::getline(std::cin, answer);
    if (answer != "y" && answer != "Y" && answer != "yes") return kStopped;
  }
  int64_t bytes = 0;
  for (const std::string& repository : repositories)
    bytes += hub::remove_repository(places.hub_cache, repository);
  say(options.lang, "{} removed from '{}': {}\n", "已从“{1}”删除 {0}：{2}\n",
      base::human_bytes(bytes), places.hub_cache.string(), base::join(repositories, ", "));
  return kDone;
}

std::string size_of(double gb) { return gb > 0 ? fmt::format("{} GB", gb) : std::string("?"); }

void print_catalogue(const Options& options, const hub::Places& places) {
  const bool chinese = options.lang == "zh";
  // Chinese characters are two columns wide.
  say(options.lang, "name           family     parameters  download    memory  licence     where\n",
      "名称           系列             参数      下载      内存  许可证      位置\n");
  for (const hub::CatalogueEntry& entry : hub::read_catalogue(places)) {
    const auto folder = hub::locate(entry, places);
    const hub::Form* form = first_form(entry, places);
    std::string where;
    if (folder)
      where =
          fmt::format("{} ({}){}", folder->string(), base::human_bytes(hub::folder_bytes(*folder)),
                      hub::missing_files(*folder).empty() ? ""
                      : chinese                           ? "，不完整"
                                                          : ", not complete");
    else if (!entry.demo_folder.empty())
      where = chinese ? "缺失" : "missing";
    else if (form == nullptr)
      where = chinese ? "没有可加载的形式" : "no form of it can be loaded yet";
    else
      where = fmt::format("visavis pull {} ({})", entry.name,
                          form->repository.huggingface.empty() ? form->repository.modelscope
                                                               : form->repository.huggingface);
    const bool small = entry.parameters_billion < 1;
    fmt::print("{:<14} {:<10} {:>8.3g}{:>2} {:>9} {:>9}  {:<11} {}\n", entry.name, entry.family,
               small ? entry.parameters_billion * 1000 : entry.parameters_billion,
               small ? "M" : "B", form == nullptr ? "" : size_of(form->download_gb),
               entry.memory_gb > 0 ? size_of(entry.memory_gb) : "", entry.license, where);
  }
}

int run(const Options& options) {
  if (!options.remove.empty()) return remove_model(options);
  const fs::path cache_folder =
      options.cache_dir.empty() ? user_cache_folder() : fs::path(options.cache_dir);
  if (options.clear_cache) return clear_cache(cache_folder);
  const hub::Places places = model_places();
  const base::Json cache = cache_of(cache_folder);
  const std::vector<hub::CachedRepository> cached = hub::cached_repositories(places.hub_cache);
  if (options.json) {
    base::Json models = base::Json::array();
    for (const hub::CatalogueEntry& entry : hub::read_catalogue(places))
      models.push_back(described(entry, places));
    base::Json repositories = base::Json::array();
    for (const hub::CachedRepository& each : cached)
      repositories.push_back({{"name", each.name},
                              {"bytes", each.bytes},
                              {"snapshots", each.snapshots},
                              {"partial", each.partial}});
    std::cout << base::dump_json({{"models", models},
                                  {"hub_cache", places.hub_cache.string()},
                                  {"repositories", repositories},
                                  {"cache", cache}},
                                 1)
              << "\n";
    return kDone;
  }
  print_catalogue(options, places);
  say(options.lang,
      "A folder with a checkpoint, or ORG/NAME of a repository in '{}', works as well.\n",
      "检查点文件夹，或“{}”中的仓库 ORG/NAME，同样可用。\n", places.hub_cache.string());
  for (const hub::CachedRepository& each : cached)
    say(options.lang, "there: {:>9}  {}{}\n", "已有：{:>9}  {}{}\n", base::human_bytes(each.bytes),
        each.name,
        !each.partial          ? ""
        : options.lang == "zh" ? "（不完整）"
                               : " (not complete)");
  if (!cached.empty())
    say(options.lang, "visavis models --remove NAME frees their space.\n",
        "visavis models --remove NAME 可释放空间。\n");
  for (const base::Json& file : cache["files"])
    say(options.lang, "packed weights: {}, {}\n", "打包后的权重：{}，{}\n",
        file["file"].get<std::string>(), base::human_bytes(file["bytes"].get<int64_t>()));
  if (!cache["files"].empty())
    say(options.lang, "They lie in '{}'; visavis models --clear-cache removes them.\n",
        "位于“{}”；visavis models --clear-cache 可删除。\n", cache_folder.string());
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
  verb->add_option("--remove", options->remove, "Remove a model (or ORG/NAME) from the disk");
  verb->add_flag("--yes", options->yes, "Do not ask before removing");
  add_language(*verb, options->lang);
  verb->footer(
      "Examples:\n"
      "  visavis models\n"
      "  visavis models --json\n"
      "  visavis models --remove qwen3-vl-8b\n"
      "Models of your own go into ~/.config/visavis/models.json (or $VISAVIS_CATALOGUE), written\n"
      "as models/catalogue.json is.");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace visavis::cli
