#include "harness/report/report.h"

#include "base/files.h"
#include "base/text.h"
#include "harness/report/page_files.h"
#include "harness/report/results_json.h"
#include "harness/report/sections.h"

namespace visavis::report {
namespace {

// JSON inside <script>: "</script>" and "<!--" must not end it, so "<" is written as an escape.
std::string for_script(const base::Json& json) {
  return base::replace_all(base::dump_json(json), "<", "\\u003c");
}

}  // namespace

std::string html_report(const Results& results, const std::string& lang) {
  // The data comes last, so that nothing inside it is taken for a placeholder.
  std::string html = base::replace_all(page_html(), "@CSS@", page_css());
  html = base::replace_all(html, "@JS@", page_js());
  return base::replace_all(html, "@DATA@", for_script(page_json(results, lang)));
}

void write_report(const Results& results, const std::filesystem::path& folder,
                  const std::string& lang) {
  base::write_file_atomically(folder / "summary.json",
                              base::dump_json(summary_json(results), 2) + "\n");
  base::write_file_atomically(folder / "report.md", markdown_report(results, lang));
  base::write_file_atomically(folder / "report.html", html_report(results, lang));
}

}  // namespace visavis::report
