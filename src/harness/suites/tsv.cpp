#include "harness/suites/tsv.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/mmap.h"
#include "base/text.h"
#include "harness/suites/circular.h"
#include "harness/suites/options.h"
#include "harness/suites/separated.h"

namespace visavis::suites {
namespace {

constexpr size_t kLongestReference = 64;  // of an image cell that is another row's index
constexpr size_t kMaxQuestions = 1'000'000;
constexpr size_t kMaxText = size_t{1} << 20;  // of a question, an option, an answer
constexpr size_t kMaxImages = 64;
constexpr int64_t kScannedAtOnce = int64_t{64} << 20;  // bytes of the file kept in memory

std::optional<int64_t> whole(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

class Reader {
 public:
  using Done = std::function<void(int64_t bytes)>;

  // `done` hears how much of the text is read and not looked at again.
  Reader(std::string_view text, const std::filesystem::path& path, Done done)
      : text_(text),
        path_(path),
        file_(path.string()),
        rows_(text, file_, '\t'),
        done_(std::move(done)) {}

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
      done_(rows_.position());
    }
    resolve_references();
    name_rotations();
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
    question.line = rows_.line();
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
    question.hint = text(cells, "hint");
    question.stem = std::move(asked);
    question.question = with_options({.hint = question.hint,
                                      .question = question.stem,
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
        question.images.push_back({.name = std::string(part), .path = picture_file(part)});
    }
    require(question.images.size() + references.size() <= kMaxImages, rows_.where(), "more than ",
            kMaxImages, " pictures");
    references_.push_back(std::move(references));
  }

  // Below the file's folder, or where VLMEvalKit unpacks pictures: images/<set>/ beside the file.
  std::filesystem::path picture_file(std::string_view name) const {
    const std::filesystem::path direct = base::resolve(path_.parent_path(), std::string(name));
    const std::filesystem::path unpacked =
        path_.parent_path() / "images" / path_.stem() / std::string(name);
    std::error_code ignored;
    const bool is_unpacked =
        !std::filesystem::exists(direct, ignored) && std::filesystem::exists(unpacked, ignored);
    return is_unpacked ? unpacked : direct;
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
        require(place != places_.end(), place_of(suite_, suite_.questions[i]),
                " takes its picture from row '", reference, "', which does not exist");
        const Question& other = suite_.questions[place->second];
        require(references_[place->second].empty(), place_of(suite_, suite_.questions[i]),
                " takes its picture from row '", reference, "', which has none of its own");
        suite_.questions[i].images.insert(suite_.questions[i].images.end(), other.images.begin(),
                                          other.images.end());
      }
    }
  }

  // Multiple-choice rows whose indices differ by the distance of rotated copies are such.
  void name_rotations() {
    std::map<int64_t, std::vector<size_t>> groups;
    for (size_t i = 0; i < suite_.questions.size(); ++i)
      if (const auto index = whole(suite_.questions[i].id))
        if (suite_.questions[i].grader == "choice" && *index >= 0)
          groups[*index % kRotation].push_back(i);
    for (const auto& [base, members] : groups)
      for (const size_t member : members)
        if (members.size() > 1) suite_.questions[member].rotation_of = std::to_string(base);
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
  Done done_;
};

}  // namespace

bool is_tsv(const std::filesystem::path& path) { return path.extension() == ".tsv"; }

Suite parse_tsv(std::string_view text, const std::filesystem::path& path) {
  return Reader(text, path, [](int64_t) {}).read();
}

Suite read_tsv(const std::filesystem::path& path) {
  const base::MappedFile file(path);
  const auto bytes = file.bytes();
  int64_t dropped = 0;
  const auto drop = [&](int64_t read) {
    if (read - dropped < kScannedAtOnce) return;
    file.drop(dropped, read - dropped);
    dropped = read;
  };
  return Reader({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path, drop).read();
}

}  // namespace visavis::suites
