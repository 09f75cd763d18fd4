// The files of web/dist as CMake writes them into the program (cmake/embed.cmake); ask page.h.
#pragma once

#include <span>
#include <string_view>

namespace visavis::page {

struct EmbeddedFile {
  std::string_view name;
  std::span<const std::string_view> pieces;  // the content, in order
};

std::span<const EmbeddedFile> embedded_files();

}  // namespace visavis::page
