// The tab-separated files of VLMEvalKit, unchanged: one row a question, pictures as base64 inside
// the file. The file is only scanned; pictures are read from it when they are asked for, so that
// its size does not matter.
#pragma once

#include <filesystem>
#include <string_view>

#include "harness/suites/suite.h"

namespace visavis::suites {

bool is_tsv(const std::filesystem::path& path);

/// Columns: index (unique), question, image (base64, a list of them, or another row's index),
/// image_path (a file or a list of them, below the file's folder), A ... Z (options), answer, hint,
/// category, l2-category, split; others are left alone. Rows without a picture in a file that has a
/// picture column are left out and counted in `notes`. Questions with options A and B are graded by
/// `choice`, lists of references by `vqa`, others by `contains`. Rotated copies (index + k
/// 1,000,000) and rows that share a picture are one cluster. Throws Error with file and row.
Suite read_tsv(const std::filesystem::path& path);

/// The same of a text that is the content of `path`.
Suite parse_tsv(std::string_view text, const std::filesystem::path& path);

}  // namespace visavis::suites
