// Reads the pictures of questions when they are needed, and names their content. Decoding is the
// answerer's business: a file that is no picture fails that question, not the run.
#pragma once

#include <string>

#include "chat/request.h"
#include "harness/suites/suite.h"

namespace visavis::suites {

struct LoadedPicture {
  chat::Part part;     // chat::Image or chat::Video
  std::string sha256;  // of the file's bytes; of a folder, of its frames' names and bytes
};

/// The picture's bytes (not of a video). Throws Error if they are missing, no base64 or larger than
/// 64 MiB.
std::string picture_bytes(const Picture& picture);
/// The picture or video with its hash. Throws Error.
LoadedPicture load_picture(const Picture& picture);

/// A video file's bytes, or the pictures (.jpg, .jpeg, .png, .webp) directly in a folder in the
/// order of their names, `frame_rate` of them a second. `name` is how errors call it. Throws Error
/// (missing, no pictures, more than 1 GiB or 100,000 pictures).
chat::Video load_video(const std::filesystem::path& path, const std::string& name,
                       double frame_rate);

/// Throws Error that names the question and the first picture that is not a readable file.
void require_pictures(const Suite& suite);

}  // namespace visavis::suites
