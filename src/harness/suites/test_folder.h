// A folder with the files of one test.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "base/temporary_folder.h"

namespace visavis::suites {

/// `path()` is named `name`, below a folder that no other test shares.
class TestFolder {
 public:
  explicit TestFolder(const std::string& name) : path_(parent_.path() / name) {
    std::filesystem::create_directory(path_);
  }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  base::TemporaryFolder parent_;
  std::filesystem::path path_;
};

}  // namespace visavis::suites
