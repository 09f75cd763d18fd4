// The sections of the written report (report.md and the terminal): one function per section, one
// row per section in sections.cpp.
#pragma once

#include <string>
#include <vector>

#include "harness/report/results.h"
#include "harness/report/text_table.h"

namespace visavis::report {

/// What a section says, independent of where it is printed. Without a heading: nothing.
struct Block {
  std::string heading;
  std::vector<std::string> paragraphs;
  Row head;  // no table if empty
  std::vector<Row> rows;
  std::vector<std::string> after;  // paragraphs below the table
};

struct Section {
  const char* name;
  Block (*make)(const Results& results, const std::string& lang);
  bool on_terminal;  // short enough to be printed when a run ends
  bool on_page;      // shown as it is on the page, which draws the others itself
};

const std::vector<Section>& sections();

/// The whole report as Markdown.
std::string markdown_report(const Results& results, const std::string& lang);
/// The short sections for a terminal.
std::string terminal_report(const Results& results, const std::string& lang);

}  // namespace visavis::report
