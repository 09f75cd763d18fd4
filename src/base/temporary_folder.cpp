#include "base/temporary_folder.h"

#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "base/error.h"

namespace visavis::base {

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "visavis-XXXXXX").string();
  require(mkdtemp(name.data()) != nullptr, "cannot make folder '", name,
          "': ", std::strerror(errno));
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // a leftover is no reason to end the program
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace visavis::base
