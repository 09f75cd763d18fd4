#include "harness/suites/tsv.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/mmap.h"
#include "base/text.h"
#include "harness/suites/options.h"

namespace visavis::suites {
namespace {

constexpr int64_t kRotation = 1'000'000;  // added to the index of rotated copies of a row
constexpr size_t kLongestReference = 64;  // of an image cell that is another row's index
constexpr size_t kMaxQuestions = 1'000'000;
constexpr size_t kMaxText = size_t{1} << 20;  // of a question, an option, an answer
constexpr size_t kMaxColumns = 1000;
constexpr size_t kMaxImages = 64;

// One cell: where its content stands in the file, without the quotes around it.
struct Cell {
  std::string_view raw;
  bool quoted = false;

  bool empty() const { return raw.empty() || raw == "nan" || raw == "NaN"; }
  // With doubled quotes undone.
  std::string text() const {
    return quoted ? base::replace_all(raw, "\"\"", "\"") : std::string(raw);
  }
};

// Splits the text into rows of cells as pandas does: a cell that begins with a quote ends with one,
// and may hold tabs and line ends.
class Rows {
 public:
  Rows(std::string_view text, const std::string& file) : text_(text), file_(file) {
    constexpr std::string_view kMark = "\xEF\xBB\xBF";
    if (text_.starts_with(kMark)) at_ = kMark.size();
  }

  // False at the end.
  bool next(std::vector<Cell>& cells) {
    cells.clear();
    while (at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
    if (at_ >= text_.size()) return false;
    ++row_;
    while (true) {
      require(cells.size() < kMaxColumns, where(), "more than ", kMaxColumns, " columns");
      cells.push_back(cell());
      if (at_ >= text_.size()) return true;
      const char end = text_[at_++];
      if (end == '\t') continue;
      if (end == '\r' && at_ < text_.size() && text_[at_] == '\n') ++at_;
      return true;
    }
  }

  std::string where() const { return fmt::format("{}: row {}: ", file_, row_); }

 private:
  Cell cell() {
    if (at_ < text_.size() && text_[at_] == '"') return quoted_cell();
    const size_t end = std::min(text_.find_first_of("\t\r\n", at_), text_.size());
    const Cell found{text_.substr(at_, end - at_)};
    at_ = end;
    return found;
  }

  Cell quoted_cell() {
    const size_t begin = ++at_;
    while (true) {
      const size_t quote = text_.find('"', at_);
      require(quote != std::string_view::npos, where(), "a quoted cell does not end");
      at_ = quote + 1;
      if (at_ < text_.size() && text_[at_] == '"') {
        ++at_;
        continue;
      }
      require(at_ >= text_.size() ||
                  std::string_view("\t\r\n").find(text_[at_]) != std::string_view::npos,
              where(), "text after the end of a quoted cell");
      return {text_.substr(begin, quote - begin), true};
    }
  }

  std::string_view text_;
  const std::string& file_;
  size_t at_ = 0;
  int64_t row_ = 0;
};

std::optional<int64_t> whole(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_list(std::string_view text) {
  text = base::trim(text);
  return text.size() >= 2 && text.front() == '[' && text.back() == ']';
}

// The strings of a Python or JSON list literal, as parts of it; escapes are left as they are.
std::optional<std::vector<std::string_view>> list_items(std::string_view text) {
  text = base::trim(text);
  text = text.substr(1, text.size() - 2);
  std::vector<std::string_view> items;
  size_t at = 0;
  const auto skip_spaces = [&] {
    while (at < text.size() && std::string_view(" \n\r\t").find(text[at]) != std::string_view::npos)
      ++at;
  };
  skip_spaces();
  while (at < text.size()) {
    const char quote = text[at];
    if (quote == '\'' || quote == '"') {
      size_t end = at + 1;
      while (end < text.size() && text[end] != quote) end += text[end] == '\\' ? 2 : 1;
      if (end >= text.size()) return std::nullopt;
      items.push_back(text.substr(at + 1, end - at - 1));
      at = end + 1;
    } else {
      const size_t end = std::min(text.find(',', at), text.size());
      items.push_back(base::trim(text.substr(at, end - at)));
      at = end;
    }
    skip_spaces();
    if (at < text.size() && text[at] != ',') return std::nullopt;
    if (at < text.size()) ++at;
    skip_spaces();
  }
  return items;
}

bool has_cjk(std::string_view text) {
  const std::u32string points = base::to_code_points(text);
  return std::any_of(points.begin(), points.end(),
                     [](char32_t c) { return c >= U'\u4E00' && c <= U'\u9FFF'; });
}

class Reader {
 public:
  Reader(std::string_view text, const std::filesystem::path& path)
      : text_(text), path_(path), file_(path.string()), rows_(text, file_) {}

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
    resolve_references();
    name_clusters();
    if (without_picture_ > 0)
      suite_.notes.push_back(
          {fmt::format("{} rows of {} have no picture and are left out.", without_picture_,
                       suite_.name),
           fmt::format("{} 中有 {} 行没有图片，未使用。", suite_.name, without_picture_)});
    require(!suite_.questions.empty(), file_, ": holds no question");
    return std::move(suite_);
  }

 private:
  void read_header() {
    std::vector<Cell> cells;
    require(rows_.next(cells), file_, ": is empty, wanted a row of column names");
    for (size_t i = 0; i < cells.size(); ++i)
      require(columns_.emplace(std::string(base::trim(cells[i].text())), i).second, rows_.where(),
              "two columns '", cells[i].text(), "'");
    for (const char* needed : {"index", "question"})
      require(columns_.contains(needed), file_, ": has no column '", needed, "'");
  }

  const Cell* find(const std::vector<Cell>& cells, const std::string& column) const {
    const auto found = columns_.find(column);
    if (found == columns_.end() || found->second >= cells.size()) return nullptr;
    const Cell& cell = cells[found->second];
    return cell.empty() ? nullptr : &cell;
  }

  std::string text(const std::vector<Cell>& cells, const std::string& column) const {
    const Cell* cell = find(cells, column);
    if (cell == nullptr) return "";
    require(cell->raw.size() <= kMaxText, rows_.where(), "column '", column, "' has ",
            cell->raw.size(), " bytes, wanted at most ", kMaxText);
    return cell->text();
  }

  void read_row(const std::vector<Cell>& cells) {
    Question question;
    question.id = base::trim(text(cells, "index"));
    require(!question.id.empty(), rows_.where(), "column 'index' is empty");
    require(places_.emplace(question.id, suite_.questions.size()).second, rows_.where(), "index '",
            question.id, "' stands here twice");
    std::string asked = text(cells, "question");
    require(!base::trim(asked).empty(), rows_.where(), "column 'question' is empty");
    question.scenario = text(cells, columns_.contains("category") ? "category" : "l2-category");
    if (question.scenario.empty()) question.scenario = "all";
    question.lang = has_cjk(asked) ? "zh" : "en";
    read_pictures(cells, question);
    read_key(cells, question);
    question.question = with_options({.hint = text(cells, "hint"),
                                      .question = std::move(asked),
                                      .options = question.key.options,
                                      .lang = question.lang});
    if (question.images.empty() && references_.back().empty() && has_picture_column()) {
      ++without_picture_;
      places_.erase(question.id);
      references_.pop_back();
      return;
    }
    add_scenario(question.scenario);
    suite_.questions.push_back(std::move(question));
  }

  bool has_picture_column() const {
    return columns_.contains("image") || columns_.contains("image_path");
  }

  void add_scenario(const std::string& id) {
    if (scenarios_.insert(id).second) suite_.scenarios.push_back({id, {id, id}, true});
  }

  void read_pictures(const std::vector<Cell>& cells, Question& question) {
    std::vector<std::string> references;
    if (const Cell* cell = find(cells, "image")) {
      std::vector<std::string_view> parts = {base::trim(cell->raw)};
      if (is_list(cell->raw)) parts = items_of("image", cell->raw);
      for (const std::string_view part : parts) {
        if (part.size() <= kLongestReference)
          references.emplace_back(part);
        else
          question.images.push_back(
              {.name = fmt::format("{}#{}", question.id, question.images.size()),
               .path = path_,
               .offset = part.data() - text_.data(),
               .length = static_cast<int64_t>(part.size())});
      }
      require(references.empty() || question.images.empty(), rows_.where(),
              "column 'image' mixes pictures and indices");
    } else if (const Cell* files = find(cells, "image_path")) {
      const std::string names = files->text();
      std::vector<std::string_view> parts = {base::trim(names)};
      if (is_list(names)) parts = items_of("image_path", names);
      for (const std::string_view part : parts)
        question.images.push_back({.name = std::string(part),
                                   .path = base::resolve(path_.parent_path(), std::string(part))});
    }
    require(question.images.size() + references.size() <= kMaxImages, rows_.where(), "more than ",
            kMaxImages, " pictures");
    references_.push_back(std::move(references));
  }

  std::vector<std::string_view> items_of(const char* column, std::string_view list) const {
    auto items = list_items(list);
    require(items.has_value(), rows_.where(), "column '", column,
            "' holds a list that does not end");
    return std::move(*items);
  }

  void read_key(const std::vector<Cell>& cells, Question& question) const {
    Key& key = question.key;
    for (char letter = 'A'; letter <= 'Z'; ++letter)
      key.options.push_back(text(cells, std::string(1, letter)));
    while (!key.options.empty() && key.options.back().empty()) key.options.pop_back();
    const bool choice =
        key.options.size() >= 2 && !key.options[0].empty() && !key.options[1].empty();
    if (!choice) key.options.clear();
    const std::string answer = text(cells, "answer");
    const bool several = is_list(answer);
    if (several)
      for (const std::string_view item : items_of("answer", answer)) key.answers.emplace_back(item);
    else if (!base::trim(answer).empty())
      key.answers.push_back(answer);
    question.grader = key.answers.empty() ? "shown"
                      : choice            ? "choice"
                      : several           ? "vqa"
                                          : "contains";
  }

  // Pictures that stand in other rows.
  void resolve_references() {
    for (size_t i = 0; i < suite_.questions.size(); ++i) {
      for (const std::string& reference : references_[i]) {
        const auto place = places_.find(reference);
        require(place != places_.end(), file_, ": question '", suite_.questions[i].id,
                "' takes its picture from row '", reference, "', which does not exist");
        const Question& other = suite_.questions[place->second];
        require(references_[place->second].empty(), file_, ": question '", suite_.questions[i].id,
                "' takes its picture from row '", reference, "', which has none of its own");
        suite_.questions[i].images.insert(suite_.questions[i].images.end(), other.images.begin(),
                                          other.images.end());
      }
    }
  }

  // Rows about the same first picture, and rotated copies of a row, belong together.
  void name_clusters() {
    std::map<Picture, std::string> firsts;
    for (Question& question : suite_.questions) {
      std::string name = question.id;
      if (const auto index = whole(question.id)) name = std::to_string(*index % kRotation);
      question.cluster = name;
      if (question.images.empty()) continue;
      question.cluster = firsts.emplace(question.images.front(), name).first->second;
    }
    std::map<std::string, std::string> bases;  // of rotated copies whose pictures are copies, too
    for (Question& question : suite_.questions) {
      std::string base = question.id;
      if (const auto index = whole(question.id)) base = std::to_string(*index % kRotation);
      question.cluster = bases.emplace(base, question.cluster).first->second;
    }
  }

  std::string_view text_;
  std::filesystem::path path_;
  std::string file_;
  Rows rows_;
  Suite suite_;
  std::map<std::string, size_t> columns_;
  std::map<std::string, size_t> places_;              // of rows, by index
  std::vector<std::vector<std::string>> references_;  // of each question: rows with its pictures
  std::set<std::string> scenarios_;
  int64_t without_picture_ = 0;
};

}  // namespace

bool is_tsv(const std::filesystem::path& path) { return path.extension() == ".tsv"; }

Suite parse_tsv(std::string_view text, const std::filesystem::path& path) {
  return Reader(text, path).read();
}

Suite read_tsv(const std::filesystem::path& path) {
  const base::MappedFile file(path);
  const auto bytes = file.bytes();
  return parse_tsv({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

}  // namespace visavis::suites
