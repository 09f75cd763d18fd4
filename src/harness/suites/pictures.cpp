#include "harness/suites/pictures.h"

#include <unistd.h>

#include <memory>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"

namespace visavis::suites {
namespace {

constexpr int64_t kMaxPictureBytes = int64_t{64} << 20;

}  // namespace

LoadedPicture load_picture(const Picture& picture) {
  auto bytes = std::make_shared<const std::string>(base::read_file(picture.path, kMaxPictureBytes));
  std::string sha256 = base::sha256_hex(*bytes);
  return {{std::move(bytes), picture.name}, std::move(sha256)};
}

void require_pictures(const Suite& suite) {
  for (const Question& question : suite.questions) {
    for (const Picture& picture : question.images) {
      std::error_code ignored;
      require(std::filesystem::is_regular_file(picture.path, ignored) &&
                  ::access(picture.path.c_str(), R_OK) == 0,
              suite.source.string(), ": question '", question.id, "' of suite '", suite.name,
              "' names picture '", picture.name, "', but there is no readable file '",
              picture.path.string(), "'");
    }
  }
}

}  // namespace visavis::suites
