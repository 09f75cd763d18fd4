// Reads the pictures of questions when they are needed, and names their content. Decoding is the
// answerer's business: a file that is no picture fails that question, not the run.
#pragma once

#include <string>

#include "chat/request.h"
#include "harness/suites/suite.h"

namespace visavis::suites {

struct LoadedPicture {
  chat::Image image;
  std::string sha256;  // of the file's bytes
};

/// The picture's bytes. Throws Error if they are missing, no base64 or larger than 64 MiB.
std::string picture_bytes(const Picture& picture);
/// The same with their hash.
LoadedPicture load_picture(const Picture& picture);

/// Throws Error that names the question and the first picture that is not a readable file.
void require_pictures(const Suite& suite);

}  // namespace visavis::suites
