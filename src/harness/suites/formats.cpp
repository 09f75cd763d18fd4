#include "harness/suites/formats.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "harness/suites/csv.h"
#include "harness/suites/items.h"
#include "harness/suites/pictures.h"
#include "harness/suites/promptfoo.h"
#include "harness/suites/suite_folder.h"
#include "harness/suites/tsv.h"

namespace visavis::suites {
namespace {

bool is_jsonl(const std::filesystem::path& path) { return path.extension() == ".jsonl"; }

// A bare JSONL file is a suite named after the file; its scenarios are those that its items name.
Suite read_jsonl(const std::filesystem::path& path) {
  Suite suite;
  suite.name = path.stem().string();
  suite.title = {suite.name, suite.name};
  suite.questions = read_items(path, path.parent_path());
  suite.source = path;
  for (const Question& question : suite.questions) {
    const auto same = [&](const Scenario& s) { return s.id == question.scenario; };
    if (std::none_of(suite.scenarios.begin(), suite.scenarios.end(), same))
      suite.scenarios.push_back({question.scenario, {question.scenario, question.scenario}, true});
  }
  return suite;
}

}  // namespace

const std::vector<Format>& formats() {
  static const std::vector<Format> table = {
      {"suite folder", &is_suite_folder, &read_suite_folder},
      {"JSONL", &is_jsonl, &read_jsonl},
      {"TSV of VLMEvalKit", &is_tsv, &read_tsv},
      {"YAML of promptfoo", &is_promptfoo, &read_promptfoo},
      {"CSV, alone or in a folder of pictures", &is_csv, &read_csv},
  };
  return table;
}

void check_suite(const Suite& suite) {
  std::set<std::string> ids;
  std::vector<std::string> scenarios;
  for (const Scenario& scenario : suite.scenarios) scenarios.push_back(scenario.id);
  for (const Question& question : suite.questions) {
    require(ids.insert(question.id).second, place_of(suite, question),
            " has the id of an earlier one");
    require(std::find(scenarios.begin(), scenarios.end(), question.scenario) != scenarios.end(),
            place_of(suite, question), " names scenario '", question.scenario,
            "'; known: ", base::join(scenarios, ", "));
  }
  require_pictures(suite);
}

Suite load_suite(const std::filesystem::path& path) {
  std::error_code ignored;
  require(std::filesystem::exists(path, ignored), "no suite at '", path.string(), "'");
  std::vector<std::string> names;
  for (const Format& format : formats()) {
    names.push_back(format.name);
    if (!format.accepts(path)) continue;
    Suite suite = format.read(path);
    check_suite(suite);
    return suite;
  }
  fail("'", path.string(),
       "' is no suite that visavis can read; known formats: ", base::join(names, ", "));
}

std::filesystem::path find_suite(const std::string& name, const std::filesystem::path& folder,
                                 const std::vector<std::filesystem::path>& libraries) {
  std::error_code ignored;
  const std::filesystem::path direct =
      base::resolve(folder, base::replace_all(name, "file://", ""));
  const bool exists = std::filesystem::exists(direct, ignored);
  const bool readable = std::any_of(formats().begin(), formats().end(),
                                    [&](const Format& format) { return format.accepts(direct); });
  if (exists && readable) return direct;
  std::vector<std::string> known;
  for (const std::filesystem::path& library : libraries) {
    if (is_suite_folder(library / name)) return library / name;
    std::error_code code;
    for (std::filesystem::directory_iterator it(library, code), end; !code && it != end;
         it.increment(code))
      if (is_suite_folder(it->path())) known.push_back(it->path().filename().string());
  }
  if (exists) return direct;  // load_suite() says what is wrong with it
  std::sort(known.begin(), known.end());
  fail("no suite '", name, "': it is no path", folder.empty() ? "" : " below '", folder.string(),
       folder.empty() ? "" : "'",
       " and none of the known names: ", known.empty() ? "(none found)" : base::join(known, ", "));
}

}  // namespace visavis::suites
