#include "harness/suites/pictures.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"

namespace visavis::suites {
namespace {

constexpr int64_t kMaxPictureBytes = int64_t{64} << 20;
constexpr int64_t kMaxVideoBytes = int64_t{1} << 30;
constexpr size_t kMaxFrames = 100'000;

bool is_picture_name(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  for (char& each : ending)
    if (each >= 'A' && each <= 'Z') each = static_cast<char>(each - 'A' + 'a');
  return ending == ".jpg" || ending == ".jpeg" || ending == ".png" || ending == ".webp";
}

std::vector<std::filesystem::path> frames_in(const std::filesystem::path& folder,
                                             const std::string& name) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (!is_picture_name(entry->path())) continue;
    paths.push_back(entry->path());
    require(paths.size() <= kMaxFrames, "video '", name, "': the folder holds more than ",
            kMaxFrames, " pictures");
  }
  require(!error, "video '", name, "': the folder cannot be read (", error.message(), ")");
  require(!paths.empty(), "video '", name,
          "': found no frames in the folder, wanted .jpg, .png or .webp pictures");
  std::sort(paths.begin(), paths.end());
  return paths;
}

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
  if (picture.frame_rate > 0) {
    chat::Video video = load_video(picture.path, picture.name, picture.frame_rate);
    if (video.bytes != nullptr) {
      std::string sha256 = base::sha256_hex(*video.bytes);
      return {std::move(video), std::move(sha256)};
    }
    base::Sha256 hash;
    for (const chat::Image& frame : video.frames) hash.update(frame.name + "\n" + *frame.bytes);
    return {std::move(video), hash.finish()};
  }
  auto bytes = std::make_shared<const std::string>(picture_bytes(picture));
  std::string sha256 = base::sha256_hex(*bytes);
  return {chat::Image{std::move(bytes), picture.name}, std::move(sha256)};
}

chat::Video load_video(const std::filesystem::path& path, const std::string& name,
                       double frame_rate) {
  chat::Video video{.frame_rate = frame_rate, .name = name};
  if (!std::filesystem::is_directory(path)) {
    video.bytes = std::make_shared<const std::string>(base::read_file(path, kMaxVideoBytes));
    return video;
  }
  int64_t bytes = 0;
  for (const std::filesystem::path& frame : frames_in(path, name)) {
    video.frames.push_back(
        {std::make_shared<const std::string>(base::read_file(frame, kMaxPictureBytes)),
         (std::filesystem::path(name) / frame.filename()).string()});
    bytes += static_cast<int64_t>(video.frames.back().bytes->size());
    require(bytes <= kMaxVideoBytes, "video '", name, "': its frames have more than ",
            kMaxVideoBytes, " bytes");
  }
  return video;
}

void require_pictures(const Suite& suite) {
  for (const Question& question : suite.questions) {
    for (const Picture& picture : question.images) {
      std::error_code ignored;
      const bool is_folder =
          picture.frame_rate > 0 && std::filesystem::is_directory(picture.path, ignored);
      require((is_folder || std::filesystem::is_regular_file(picture.path, ignored)) &&
                  ::access(picture.path.c_str(), R_OK) == 0,
              place_of(suite, question), " of suite '", suite.name, "' names ",
              picture.frame_rate > 0 ? "video" : "picture", " '", picture.name,
              "', but there is no readable file '", picture.path.string(), "'");
    }
  }
}

}  // namespace visavis::suites
