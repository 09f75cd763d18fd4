// Rows of separated values as pandas and spreadsheets write them: a cell that begins with a quote
// ends with one and may hold separators and line ends. Cells are parts of the text, not copies, so
// that a file of gigabytes is only scanned.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::suites {

/// One cell: its content without the quotes around it.
struct Cell {
  std::string_view raw;
  bool quoted = false;

  /// Nothing there, also as pandas writes it.
  bool empty() const { return raw.empty() || raw == "nan" || raw == "NaN"; }
  /// With doubled quotes undone.
  std::string text() const;
};

class Rows {
 public:
  /// `file` names the text in errors. Borrows both.
  Rows(std::string_view text, const std::string& file, char separator);

  /// The next row that is not blank; false at the end. Throws Error with file and line for a quoted
  /// cell that does not end or goes on behind its quote, or for more than 1000 cells.
  bool next(std::vector<Cell>& cells);

  /// "file:line: " of the row that next() gave.
  std::string where() const;
  int64_t line() const { return line_; }
  /// Bytes of the text that are done with.
  int64_t position() const { return static_cast<int64_t>(at_); }

 private:
  Cell cell();
  Cell quoted_cell();
  bool ends_cell(char c) const { return c == separator_ || c == '\n' || c == '\r'; }

  std::string_view text_;
  const std::string& file_;
  char separator_;
  size_t at_ = 0;
  int64_t line_ = 0;       // where the row begins, from 1
  int64_t next_line_ = 1;  // where the text at at_ stands
};

/// Whether the text is a Python or JSON list literal.
bool is_list(std::string_view text);

/// The strings of such a literal, as parts of it; escapes are left as they are. Nothing if it does
/// not end.
std::optional<std::vector<std::string_view>> list_items(std::string_view text);

/// Whether the text holds Chinese characters.
bool has_cjk(std::string_view text);

}  // namespace visavis::suites
