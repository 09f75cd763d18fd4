// The web page as built from web/, inside the program: what the server sends, and what report.html
// is made of. It knows names and bytes, neither HTTP nor reports.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace visavis::page {

struct File {
  std::string bytes;
  std::string_view mime;  // with its charset
};

/// The file of that name: "index.html", "page.js", "page.css", "favicon.svg", and "report.html"
/// with the places @CSS@, @JS@ and @DATA@. Nothing for any other name; folders do not exist here,
/// so that no path leads anywhere else. Thread-safe.
std::optional<File> file(std::string_view name);

/// report.html with its style, its script and this JSON inside: one file that asks for nothing
/// more.
std::string report(std::string_view data_json);

}  // namespace visavis::page
