#include "harness/report/text_table.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace visavis::report {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Blocks that terminals draw two columns wide (Unicode East Asian Width W and F, merged).
constexpr std::array<Range, 10> kWide = {{{0x1100, 0x115F},
                                          {0x2E80, 0x303E},
                                          {0x3041, 0x33FF},
                                          {0x3400, 0x4DBF},
                                          {0x4E00, 0x9FFF},
                                          {0xAC00, 0xD7A3},
                                          {0xF900, 0xFAFF},
                                          {0xFE30, 0xFE6F},
                                          {0xFF00, 0xFF60},
                                          {0x1F300, 0x1FAFF}}};
constexpr std::array<Range, 3> kNoWidth = {{{0x0300, 0x036F}, {0x200B, 0x200F}, {0xFE00, 0xFE0F}}};

template <size_t n>
bool in_any(char32_t c, const std::array<Range, n>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [c](const Range& range) { return c >= range.first && c <= range.last; });
}

std::string spaces(int count) { return std::string(static_cast<size_t>(std::max(0, count)), ' '); }

std::string markdown_cell(const std::string& text) {
  return base::replace_all(base::replace_all(base::replace_all(text, "|", "\\|"), "\n", " "), "\r",
                           " ");
}

}  // namespace

int display_width(const std::string& text) {
  int width = 0;
  for (const char32_t c : base::to_code_points(text))
    width += in_any(c, kNoWidth) ? 0 : in_any(c, kWide) ? 2 : 1;
  return width;
}

std::string terminal_table(const Row& head, const std::vector<Row>& rows) {
  std::vector<int> widths;
  for (const std::string& cell : head) widths.push_back(display_width(cell));
  for (const Row& row : rows)
    for (size_t i = 0; i < row.size() && i < widths.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i]));
  std::string out;
  const auto add = [&](const Row& row) {
    for (size_t i = 0; i < widths.size(); ++i) {
      const std::string cell = i < row.size() ? row[i] : "";
      const std::string pad = spaces(widths[i] - display_width(cell));
      out += i == 0 ? cell + pad : "  " + pad + cell;
    }
    while (!out.empty() && out.back() == ' ') out.pop_back();
    out += '\n';
  };
  add(head);
  int total = 0;
  for (const int width : widths) total += width + 2;
  out += std::string(static_cast<size_t>(std::max(0, total - 2)), '-') + "\n";
  for (const Row& row : rows) add(row);
  return out;
}

std::string markdown_table(const Row& head, const std::vector<Row>& rows) {
  std::string out = "|";
  for (const std::string& cell : head) out += " " + markdown_cell(cell) + " |";
  out += "\n|";
  for (size_t i = 0; i < head.size(); ++i) out += i == 0 ? "---|" : "---:|";
  out += "\n";
  for (const Row& row : rows) {
    out += "|";
    for (const std::string& cell : row) out += " " + markdown_cell(cell) + " |";
    out += "\n";
  }
  return out;
}

}  // namespace visavis::report
