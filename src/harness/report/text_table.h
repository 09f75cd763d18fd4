// Tables for terminals and Markdown that line up Chinese and English alike.
#pragma once

#include <string>
#include <vector>

namespace visavis::report {

using Row = std::vector<std::string>;

/// Columns on a terminal that the text takes: East Asian wide characters count two, combining marks
/// none.
int display_width(const std::string& text);

/// Aligned columns, the first left and the others right; a rule below the head.
std::string terminal_table(const Row& head, const std::vector<Row>& rows);

/// A Markdown table; "|" in cells is escaped and line breaks become spaces.
std::string markdown_table(const Row& head, const std::vector<Row>& rows);

}  // namespace visavis::report
