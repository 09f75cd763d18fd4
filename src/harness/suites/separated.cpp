#include "harness/suites/separated.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace visavis::suites {
namespace {

constexpr size_t kMaxColumns = 1000;

}  // namespace

std::string Cell::text() const {
  return quoted ? base::replace_all(raw, "\"\"", "\"") : std::string(raw);
}

Rows::Rows(std::string_view text, const std::string& file, char separator)
    : text_(text), file_(file), separator_(separator) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (text_.starts_with(kMark)) at_ = kMark.size();
}

std::string Rows::where() const { return file_ + ":" + std::to_string(line_) + ": "; }

bool Rows::next(std::vector<Cell>& cells) {
  cells.clear();
  for (; at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r'); ++at_)
    if (text_[at_] == '\n') ++next_line_;
  if (at_ >= text_.size()) return false;
  line_ = next_line_;
  while (true) {
    require(cells.size() < kMaxColumns, where(), "more than ", kMaxColumns, " columns");
    cells.push_back(cell());
    if (at_ >= text_.size()) return true;
    const char end = text_[at_++];
    if (end == separator_) continue;
    if (end == '\r' && at_ < text_.size() && text_[at_] == '\n') ++at_;
    ++next_line_;
    return true;
  }
}

Cell Rows::cell() {
  if (at_ < text_.size() && text_[at_] == '"') return quoted_cell();
  const size_t begin = at_;
  while (at_ < text_.size() && !ends_cell(text_[at_])) ++at_;
  return {text_.substr(begin, at_ - begin), false};
}

Cell Rows::quoted_cell() {
  const size_t begin = ++at_;
  while (true) {
    const size_t quote = text_.find('"', at_);
    require(quote != std::string_view::npos, where(), "a quoted cell does not end");
    next_line_ += std::count(text_.begin() + static_cast<int64_t>(at_),
                             text_.begin() + static_cast<int64_t>(quote), '\n');
    at_ = quote + 1;
    if (at_ < text_.size() && text_[at_] == '"') {
      ++at_;
      continue;
    }
    require(at_ >= text_.size() || ends_cell(text_[at_]), where(),
            "text after the end of a quoted cell");
    return {text_.substr(begin, quote - begin), true};
  }
}

bool is_list(std::string_view text) {
  text = base::trim(text);
  return text.size() >= 2 && text.front() == '[' && text.back() == ']';
}

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

}  // namespace visavis::suites
