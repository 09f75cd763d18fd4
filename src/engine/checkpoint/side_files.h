// The small files beside the weights that more than one part of the engine asks for: which token
// ids end an answer and how the checkpoint likes to be sampled, and what identifies its content.
// Not tokenizers and chat templates (engine/text), not image processors (engine/vision).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace visavis::checkpoint {

/// generation_config.json; keys that are absent stay empty.
struct GenerationDefaults {
  std::vector<int32_t> eos_ids;  // a single id or a list in the file; falls back to config.json's
  std::optional<int32_t> bos_id = {};
  std::optional<int32_t> pad_id = {};
  std::optional<bool> do_sample = {};
  std::optional<double> temperature = {};
  std::optional<double> top_p = {};
  std::optional<int64_t> top_k = {};
  std::optional<double> repetition_penalty = {};
};

/// Reads generation_config.json; eos ids that it lacks come from config.json (text_config first).
/// Both files may be absent. Throws Error, naming file and key, for values of a wrong type or
/// range.
GenerationDefaults read_generation_defaults(const std::filesystem::path& folder);

/// What a stored result calls the model's content: SHA-256 over, in this order, every *.json,
/// *.jinja and *.tiktoken directly in the folder and every weight file, sorted by name: name, size,
/// content.
/// Weight files of a checkpoint above kFullHashBytes count by their header and 64 evenly spaced
/// pieces of 64 KiB (the last one at the end), so that 16 GB cost 4 MB a file of reading; such an
/// id starts with "s:". Two checkpoints that differ only between the samples get the same id.
/// Throws Error.
std::string content_id(const std::filesystem::path& folder);

/// The files with weights, sorted: those in the folder, or if there are none those in its parts
/// (parts.h).
std::vector<std::filesystem::path> weight_files(const std::filesystem::path& folder);

inline constexpr int64_t kFullHashBytes = int64_t{256} << 20;

}  // namespace visavis::checkpoint
