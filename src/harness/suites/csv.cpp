#include "harness/suites/csv.h"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "harness/suites/options.h"
#include "harness/suites/separated.h"

namespace visavis::suites {
namespace {

constexpr int64_t kMaxBytes = int64_t{256} << 20;
constexpr size_t kMaxQuestions = 1'000'000;
constexpr size_t kMaxImages = 64;
constexpr size_t kLetters = 26;

constexpr std::array<const char*, 11> kColumns = {"id",      "image",   "question", "answer",
                                                  "aliases", "options", "category", "lang",
                                                  "cluster", "hint",    "grader"};

bool is_option_letter(std::string_view column) {
  return column.size() == 1 && column[0] >= 'A' && column[0] <= 'Z';
}

// The separator that the header uses most; commas win when there is none.
char separator_of(std::string_view text) {
  const std::string_view header = text.substr(0, text.find('\n'));
  char best = ',';
  for (const char c : {';', '\t'})
    if (std::count(header.begin(), header.end(), c) >
        std::count(header.begin(), header.end(), best))
      best = c;
  return best;
}

std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts;
  for (const std::string& part : base::split(text, ';'))
    if (const std::string_view trimmed = base::trim(part); !trimmed.empty())
      parts.emplace_back(trimmed);
  return parts;
}

class Reader {
 public:
  Reader(std::string_view text, const std::filesystem::path& file)
      : path_(file), file_(file.string()), rows_(text, file_, separator_of(text)) {}

  Suite read() {
    suite_.name = path_.stem().string();
    suite_.title = {suite_.name, suite_.name};
    suite_.source = path_;
    read_header();
    std::vector<Cell> cells;
    while (rows_.next(cells)) {
      require(suite_.questions.size() < kMaxQuestions, rows_.where(), "more than ", kMaxQuestions,
              " questions");
      read_row(cells);
    }
    require(!suite_.questions.empty(), file_, ": holds no question");
    return std::move(suite_);
  }

 private:
  void read_header() {
    std::vector<Cell> cells;
    require(rows_.next(cells), file_, ": is empty, wanted a row of column names");
    width_ = cells.size();
    for (size_t i = 0; i < cells.size(); ++i) {
      const std::string column(base::trim(cells[i].text()));
      const bool known = is_option_letter(column) ||
                         std::find(kColumns.begin(), kColumns.end(), column) != kColumns.end();
      require(known, rows_.where(), "unknown column '", base::valid_utf8(column),
              "'; known: ", base::join({kColumns.begin(), kColumns.end()}, ", "), ", A to Z");
      require(columns_.emplace(column, i).second, rows_.where(), "two columns '", column, "'");
    }
    require(columns_.contains("question"), rows_.where(), "no column 'question'");
    for (const auto& [column, place] : columns_)
      require(!is_option_letter(column) || !columns_.contains("options"), rows_.where(),
              "both a column 'options' and a column '", column, "', wanted one of them");
  }

  std::string text(const std::vector<Cell>& cells, const std::string& column) const {
    const auto found = columns_.find(column);
    if (found == columns_.end()) return "";
    const std::string whole = cells[found->second].text();
    return std::string(base::trim(whole));
  }

  void read_row(const std::vector<Cell>& cells) {
    require(cells.size() == width_, rows_.where(), "found ", cells.size(), " cells, wanted ",
            width_, " as in the header (a cell with a separator needs quotes around it)");
    for (const Cell& cell : cells)
      require(base::valid_utf8(cell.raw) == cell.raw, rows_.where(),
              "is not UTF-8 (Excel: save as 'CSV UTF-8')");
    Question question;
    question.line = rows_.line();
    question.id = text(cells, "id");
    if (question.id.empty()) {
      require(!columns_.contains("id"), rows_.where(), "column 'id' is empty");
      question.id = std::to_string(suite_.questions.size() + 1);
    }
    question.stem = text(cells, "question");
    require(!question.stem.empty(), rows_.where(), "column 'question' is empty");
    question.hint = text(cells, "hint");
    question.scenario = text(cells, "category");
    if (question.scenario.empty()) question.scenario = "all";
    question.lang = text(cells, "lang");
    if (question.lang.empty()) question.lang = has_cjk(question.stem) ? "zh" : "en";
    require(question.lang == "en" || question.lang == "zh", rows_.where(), "column 'lang' is '",
            question.lang, "', wanted en or zh");
    for (const std::string& name : parts_of(text(cells, "image")))
      question.images.push_back({.name = name, .path = base::resolve(path_.parent_path(), name)});
    require(question.images.size() <= kMaxImages, rows_.where(), "more than ", kMaxImages,
            " pictures");
    question.cluster = text(cells, "cluster");
    if (question.cluster.empty())
      question.cluster = question.images.empty() ? question.id : question.images.front().name;
    read_key(cells, question);
    question.question = with_options({.hint = question.hint,
                                      .question = question.stem,
                                      .options = question.key.options,
                                      .lang = question.lang});
    add_scenario(question.scenario);
    suite_.questions.push_back(std::move(question));
  }

  void read_key(const std::vector<Cell>& cells, Question& question) const {
    Key& key = question.key;
    if (const std::string answer = text(cells, "answer"); !answer.empty())
      key.answers.push_back(answer);
    for (std::string& alias : parts_of(text(cells, "aliases"))) key.answers.push_back(alias);
    key.options = parts_of(text(cells, "options"));
    require(key.options.size() <= kLetters, rows_.where(), "found ", key.options.size(),
            " options, wanted at most ", kLetters);
    if (!columns_.contains("options")) {
      for (char letter = 'A'; letter <= 'Z'; ++letter)
        key.options.push_back(text(cells, std::string(1, letter)));
      while (!key.options.empty() && key.options.back().empty()) key.options.pop_back();
    }
    question.grader = text(cells, "grader");
    if (question.grader.empty())
      question.grader = key.answers.empty() ? "shown" : key.options.empty() ? "contains" : "choice";
  }

  void add_scenario(const std::string& id) {
    const auto same = [&](const Scenario& scenario) { return scenario.id == id; };
    if (std::none_of(suite_.scenarios.begin(), suite_.scenarios.end(), same))
      suite_.scenarios.push_back({id, {id, id}, true});
  }

  std::filesystem::path path_;
  std::string file_;
  Rows rows_;
  Suite suite_;
  std::map<std::string, size_t> columns_;
  size_t width_ = 0;
};

bool has_csv_name(const std::filesystem::path& path) { return path.extension() == ".csv"; }

std::vector<std::filesystem::path> csv_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  std::error_code failed;
  for (std::filesystem::directory_iterator it(folder, failed), end; !failed && it != end;
       it.increment(failed))
    if (has_csv_name(it->path())) found.push_back(it->path());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

bool is_csv(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return !csv_files(path).empty();
  return has_csv_name(path);
}

Suite parse_csv(std::string_view text, const std::filesystem::path& file) {
  return Reader(text, file).read();
}

Suite read_csv(const std::filesystem::path& path) {
  std::filesystem::path file = path;
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(path, ignored);
  if (is_folder) {
    const std::vector<std::filesystem::path> files = csv_files(path);
    require(files.size() == 1, "'", path.string(), "' holds ", files.size(),
            " CSV files, wanted one; name the file itself");
    file = files.front();
  }
  Suite suite = parse_csv(base::read_file(file, kMaxBytes), file);
  if (!is_folder) return suite;
  const std::filesystem::path named = path.has_filename() ? path : path.parent_path();
  suite.name = named.filename().string();
  suite.title = {suite.name, suite.name};
  return suite;
}

}  // namespace visavis::suites
