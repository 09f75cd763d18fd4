#include "harness/store/vlmevalkit.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"

namespace visavis::store {
namespace {

// What VLMEvalKit writes where a model gave no answer, and looks for when it scores.
constexpr const char* kFailed = "Failed to obtain answer via API.";

std::string cell(const std::string& text) {
  if (text.find_first_of("\t\"\r\n") == std::string::npos) return text;
  return "\"" + base::replace_all(text, "\"", "\"\"") + "\"";
}

// Several right answers are a list literal there.
std::string answer_of(const suites::Key& key) {
  if (key.answers.size() <= 1) return key.answers.empty() ? "" : key.answers.front();
  return base::dump_json(base::Json(key.answers));
}

std::string letter(size_t option) { return std::string(1, static_cast<char>('A' + option)); }

std::string file_name(const std::string& label, const std::string& suite) {
  std::string name = label + "_" + suite;
  for (char& c : name)
    if (static_cast<unsigned char>(c) < ' ' ||
        std::string_view("/\\:*?\"<>|").find(c) != std::string_view::npos)
      c = '_';
  return name + ".tsv";
}

}  // namespace

std::string vlmevalkit_tsv(const RunData& data, int64_t model, int64_t suite) {
  const auto belongs = [&](const AnswerRow& answer) {
    const ItemRow& item = data.items.at(static_cast<size_t>(answer.item));
    return answer.model == model && item.suite == suite && item.sample == 0;
  };
  size_t options = 0;
  bool hints = false;
  for (const AnswerRow& answer : data.answers) {
    const suites::Question& question = data.items.at(static_cast<size_t>(answer.item)).question;
    if (!belongs(answer)) continue;
    options = std::max(options, question.key.options.size());
    hints = hints || !question.hint.empty();
  }
  std::vector<std::string> header = {"index", "question"};
  if (hints) header.emplace_back("hint");
  for (size_t i = 0; i < options; ++i) header.push_back(letter(i));
  for (const char* name : {"answer", "category", "prediction"}) header.emplace_back(name);
  std::string out = base::join(header, "\t") + "\n";
  for (const AnswerRow& answer : data.answers) {
    if (!belongs(answer)) continue;
    const suites::Question& question = data.items.at(static_cast<size_t>(answer.item)).question;
    std::vector<std::string> cells = {
        cell(question.id), cell(question.stem.empty() ? question.question : question.stem)};
    if (hints) cells.push_back(cell(question.hint));
    for (size_t i = 0; i < options; ++i)
      cells.push_back(i < question.key.options.size() ? cell(question.key.options[i]) : "");
    cells.push_back(cell(answer_of(question.key)));
    cells.push_back(cell(question.scenario));
    cells.push_back(cell(answer.failure.empty() ? answer.text : kFailed));
    out += base::join(cells, "\t") + "\n";
  }
  return out;
}

std::vector<std::filesystem::path> write_vlmevalkit(const std::filesystem::path& folder,
                                                    const RunData& data) {
  base::make_folder(folder);
  std::vector<std::filesystem::path> written;
  std::set<std::string> names;
  for (const ModelRow& model : data.models)
    for (const SuiteRow& suite : data.suites) {
      const std::string name = file_name(model.label, suite.name);
      require(names.insert(name).second, "two files of predictions would be called '", name, "'");
      written.push_back(folder / name);
      base::write_file_atomically(written.back(), vlmevalkit_tsv(data, model.id, suite.id));
    }
  return written;
}

}  // namespace visavis::store
