// The items of a JSONL file: one question per line. Shared by the suite folder and by bare JSONL.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "harness/suites/suite.h"

namespace visavis::suites {

/// Parses items.jsonl text: the short form (question, images, video: a file or a folder of frames,
/// frame_rate of folders), or OpenAI's messages with text and
/// image_url parts (path, file://, data:). `file` names it in errors and pictures lie relative to
/// `folder`. Blank lines are skipped. Throws Error with file and line (unknown or missing key, bad
/// value).
std::vector<Question> parse_items(std::string_view text, const std::string& file,
                                  const std::filesystem::path& folder);

std::vector<Question> read_items(const std::filesystem::path& path,
                                 const std::filesystem::path& folder);

}  // namespace visavis::suites
