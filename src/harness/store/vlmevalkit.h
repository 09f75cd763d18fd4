// The answers of a run as VLMEvalKit keeps predictions, so that its own scorers can be run on them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/store/rows.h"

namespace visavis::store {

/// One model's answers to one suite as VLMEvalKit's TSV of predictions: the columns of its question
/// files without pictures, then `prediction`. Cells are quoted as pandas does. Of several samples
/// only the first; questions without an answer yet are left out; a failed one has VLMEvalKit's own
/// text for that. `model` and `suite` are ids.
std::string vlmevalkit_tsv(const RunData& data, int64_t model, int64_t suite);

/// Writes LABEL_SUITE.tsv for every model and suite into the folder, which is made if need be, and
/// returns the names. What a file name cannot hold becomes '_'; throws Error if two names are then
/// the same, or the folder cannot be written to.
std::vector<std::filesystem::path> write_vlmevalkit(const std::filesystem::path& folder,
                                                    const RunData& data);

}  // namespace visavis::store
