// A folder of one's own for as long as an object lives.
#pragma once

#include <filesystem>

namespace visavis::base {

/// A new empty folder below the system's folder for temporary files; its name is taken by nobody
/// else, in this process or another. It goes, with all it holds, when the object goes. Throws Error
/// if it cannot be made.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace visavis::base
