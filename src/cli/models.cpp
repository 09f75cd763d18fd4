// visavis models: the names that the other commands understand, and which of them are here.
#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "base/json.h"
#include "base/text.h"
#include "cli/verbs.h"
#include "hub/catalogue.h"

namespace visavis::cli {
namespace {

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

int run(bool json) {
  const hub::Places places = hub::default_places();
  if (json) {
    base::Json models = base::Json::array();
    for (const hub::CatalogueEntry& entry : hub::catalogue())
      models.push_back(described(entry, places));
    std::cout << base::dump_json({{"models", models}, {"hub_cache", places.hub_cache.string()}}, 1)
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
  return kDone;
}

}  // namespace

void add_models(CLI::App& app, int& exit_code) {
  auto json = std::make_shared<bool>(false);
  CLI::App* verb =
      app.add_subcommand("models", "Lists the models known by name and where they are");
  verb->add_flag("--json", *json, "Print JSON");
  verb->footer("Example: visavis models --json");
  verb->callback([json, &exit_code] { exit_code = run(*json); });
}

}  // namespace visavis::cli
