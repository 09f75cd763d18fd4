#include "harness/report/report.h"

#include "base/files.h"
#include "harness/report/results_json.h"
#include "harness/report/sections.h"
#include "page/page.h"

namespace visavis::report {

std::string html_report(const Results& results, const std::string& lang) {
  return page::report(base::dump_json(page_json(results, lang)));
}

void write_report(const Results& results, const std::filesystem::path& folder,
                  const std::string& lang) {
  base::write_file_atomically(folder / "summary.json",
                              base::dump_json(summary_json(results), 2) + "\n");
  base::write_file_atomically(folder / "report.md", markdown_report(results, lang));
  base::write_file_atomically(folder / "report.html", html_report(results, lang));
}

}  // namespace visavis::report
