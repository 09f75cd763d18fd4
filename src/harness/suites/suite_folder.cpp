#include "harness/suites/suite_folder.h"

#include <utility>

#include "base/files.h"
#include "base/text.h"
#include "harness/suites/document.h"
#include "harness/suites/items.h"

namespace visavis::suites {
namespace {

constexpr int64_t kMaxBytes = int64_t{4} << 20;

// Either one text for both languages or {en, zh}; a language that is not given uses the other.
Titles read_titles(const Fields& fields, std::string_view key, std::string_view fallback) {
  const Node* node = fields.find(key);
  if (node == nullptr) return {std::string(fallback), std::string(fallback)};
  if (node->kind == Node::Kind::scalar) return {node->scalar, node->scalar};
  const Fields languages(*node, fields.file(), key, {"en", "zh"});
  Titles titles{languages.text("en"), languages.text("zh")};
  if (titles.en.empty()) titles.en = titles.zh;
  if (titles.zh.empty()) titles.zh = titles.en;
  return titles;
}

}  // namespace

bool is_suite_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  return path.filename() == "suite.yaml" || std::filesystem::exists(path / "suite.yaml", ignored);
}

Suite parse_suite_yaml(const std::string& text, const std::string& file, std::string& tests) {
  const Node root = parse_yaml(text, file);
  const Fields fields(root, file, "suite",
                      {"name", "title", "description", "tests", "scenarios", "generation"});
  Suite suite;
  suite.name = fields.required_text("name");
  suite.title = read_titles(fields, "title", suite.name);
  suite.description = read_titles(fields, "description", "");
  tests = base::replace_all(fields.required_text("tests"), "file://", "");
  const Node& scenarios = fields.require("scenarios");
  if (scenarios.kind != Node::Kind::list || scenarios.items.empty())
    fields.fail_at(scenarios, "'scenarios' is not a list of at least one scenario");
  for (const Node& node : scenarios.items) {
    const Fields entry(node, file, "scenario", {"id", "title", "graded"});
    Scenario scenario;
    scenario.id = entry.required_text("id");
    scenario.title = read_titles(entry, "title", scenario.id);
    scenario.graded = entry.boolean("graded", true);
    for (const Scenario& earlier : suite.scenarios)
      if (earlier.id == scenario.id)
        entry.fail_at(node, "scenario '" + scenario.id + "' stands here twice");
    suite.scenarios.push_back(std::move(scenario));
  }
  if (const Node* generation = fields.find("generation")) {
    const Fields entry(*generation, file, "generation", {"max_tokens"});
    if (entry.find("max_tokens") != nullptr)
      suite.max_tokens = static_cast<int>(entry.integer("max_tokens", 0, 1, 1 << 20));
  }
  return suite;
}

Suite read_suite_folder(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.filename() == "suite.yaml" ? path.parent_path() : path;
  const std::filesystem::path file = folder / "suite.yaml";
  std::string tests;
  Suite suite = parse_suite_yaml(base::read_file(file, kMaxBytes), file.string(), tests);
  suite.questions = read_items(base::resolve(folder, tests), folder);
  suite.source = base::resolve(folder, tests);
  return suite;
}

}  // namespace visavis::suites
