#include "page/page.h"

#include "base/error.h"
#include "base/text.h"
#include "page/files.h"

namespace visavis::page {
namespace {

struct Kind {
  std::string_view ending;
  std::string_view mime;
};
constexpr Kind kKinds[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
};

std::string bytes_of(std::string_view name) {
  auto found = file(name);
  require(found.has_value(), "page: found no ", name, " in the program");
  return std::move(found->bytes);
}

}  // namespace

std::optional<File> file(std::string_view name) {
  for (const EmbeddedFile& embedded : embedded_files()) {
    if (embedded.name != name) continue;
    File out{.bytes = {}, .mime = "application/octet-stream"};
    for (const std::string_view piece : embedded.pieces) out.bytes += piece;
    for (const Kind& kind : kKinds)
      if (name.ends_with(kind.ending)) out.mime = kind.mime;
    return out;
  }
  return std::nullopt;
}

std::string report(std::string_view data_json) {
  std::string html = base::replace_all(bytes_of("report.html"), "@CSS@", bytes_of("page.css"));
  html = base::replace_all(html, "@JS@", bytes_of("page.js"));
  // JSON inside <script>: "</script>" and "<!--" must not end it, so "<" is written as an escape.
  // The data comes last, so that nothing inside it is taken for a place.
  return base::replace_all(html, "@DATA@",
                           base::replace_all(std::string(data_json), "<", "\\u003c"));
}

}  // namespace visavis::page
