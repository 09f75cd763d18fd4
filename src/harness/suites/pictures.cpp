#include "harness/suites/pictures.h"

#include <unistd.h>

#include <fstream>
#include <memory>
#include <utility>

#include "base/base64.h"
#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"

namespace visavis::suites {
namespace {

constexpr int64_t kMaxPictureBytes = int64_t{64} << 20;

}  // namespace

std::string picture_bytes(const Picture& picture) {
  if (picture.length == 0) return base::read_file(picture.path, kMaxPictureBytes);
  require(picture.length <= kMaxPictureBytes / 3 * 4, picture.name, " is larger than ",
          kMaxPictureBytes, " bytes");
  std::string text(static_cast<size_t>(picture.length), '\0');
  std::ifstream file(picture.path, std::ios::binary);
  file.seekg(picture.offset);
  file.read(text.data(), picture.length);
  require(file.gcount() == picture.length, picture.path.string(), ": found ", file.gcount(),
          " bytes of ", picture.name, " at ", picture.offset, ", wanted ", picture.length);
  auto bytes = base::from_base64(text);
  require(bytes.has_value(), picture.path.string(), ": ", picture.name, " is not base64");
  return std::move(*bytes);
}

LoadedPicture load_picture(const Picture& picture) {
  auto bytes = std::make_shared<const std::string>(picture_bytes(picture));
  std::string sha256 = base::sha256_hex(*bytes);
  return {{std::move(bytes), picture.name}, std::move(sha256)};
}

void require_pictures(const Suite& suite) {
  for (const Question& question : suite.questions) {
    for (const Picture& picture : question.images) {
      std::error_code ignored;
      require(std::filesystem::is_regular_file(picture.path, ignored) &&
                  ::access(picture.path.c_str(), R_OK) == 0,
              place_of(suite, question), " of suite '", suite.name, "' names picture '",
              picture.name, "', but there is no readable file '", picture.path.string(), "'");
    }
  }
}

}  // namespace visavis::suites
