#include "engine/checkpoint/side_files.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/mmap.h"
#include "engine/checkpoint/config_reader.h"
#include "engine/checkpoint/parts.h"

namespace visavis::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMaxTokenId = INT32_MAX - 1;
constexpr int64_t kMaxStops = 64;

std::vector<int32_t> ids_at(const ConfigReader& config, std::string_view key) {
  std::vector<int32_t> ids;
  for (const int64_t id : config.ints(key, 0, kMaxTokenId)) ids.push_back(static_cast<int32_t>(id));
  require(static_cast<int64_t>(ids.size()) <= kMaxStops, config.file(), ": key '", key, "' has ",
          ids.size(), " ids, wanted at most ", kMaxStops);
  return ids;
}

std::optional<int32_t> id_at(const ConfigReader& config, std::string_view key) {
  if (!config.has(key)) return std::nullopt;
  return static_cast<int32_t>(config.require_int(key, 0, kMaxTokenId));
}

std::optional<double> number_at(const ConfigReader& config, std::string_view key, double least,
                                double most) {
  if (!config.has(key)) return std::nullopt;
  return config.require_number(key, least, most);
}

bool is_weight_file(const fs::path& path) {
  const fs::path ending = path.extension();
  return ending == ".safetensors" || ending == ".gguf" || ending == ".bin" || ending == ".pth" ||
         ending == ".pt";
}

void add_weight_files(const fs::path& folder, std::vector<fs::path>& files) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (is_weight_file(entry.path()) && entry.is_regular_file()) files.push_back(entry.path());
}

// A size and a content cannot be mistaken for each other: every field is preceded by its length.
void add_field(base::Sha256& hash, std::span<const std::byte> bytes) {
  const uint64_t size = bytes.size();
  hash.update(std::as_bytes(std::span(&size, 1)));
  hash.update(bytes);
}

void add_sampled(base::Sha256& hash, const base::MappedFile& file) {
  constexpr int64_t kSamples = 64;
  constexpr int64_t kPiece = int64_t{64} << 10;
  constexpr int64_t kHead = int64_t{1} << 20;
  const std::span<const std::byte> bytes = file.bytes();
  const auto size = static_cast<int64_t>(bytes.size());
  uint64_t header = 0;
  if (size >= 8) std::memcpy(&header, bytes.data(), 8);
  const auto head =
      static_cast<int64_t>(std::min<uint64_t>(header + 8, static_cast<uint64_t>(size)));
  const uint64_t whole = bytes.size();
  hash.update(std::as_bytes(std::span(&whole, 1)));
  add_field(hash, bytes.first(static_cast<size_t>(std::max(head, std::min(kHead, size)))));
  for (int64_t i = 0; i < kSamples && size > kPiece; ++i) {
    const int64_t at = (size - kPiece) / (kSamples - 1) * i;
    const int64_t begin = i == kSamples - 1 ? size - kPiece : at;
    hash.update(bytes.subspan(static_cast<size_t>(begin), static_cast<size_t>(kPiece)));
    file.drop(begin, kPiece);
  }
  file.drop(0, size);
}

}  // namespace

GenerationDefaults read_generation_defaults(const fs::path& folder) {
  GenerationDefaults defaults;
  const fs::path generation = folder / "generation_config.json";
  if (fs::exists(generation)) {
    const ConfigReader config = ConfigReader::open(generation);
    defaults.eos_ids = ids_at(config, "eos_token_id");
    defaults.bos_id = id_at(config, "bos_token_id");
    defaults.pad_id = id_at(config, "pad_token_id");
    if (config.has("do_sample")) defaults.do_sample = config.bool_or("do_sample", false);
    defaults.temperature = number_at(config, "temperature", 0, 100);
    defaults.top_p = number_at(config, "top_p", 0, 1);
    if (config.has("top_k")) defaults.top_k = config.require_int("top_k", 0, kMaxTokenId);
    defaults.repetition_penalty = number_at(config, "repetition_penalty", 0, 100);
  }
  const fs::path model = folder / "config.json";
  if (defaults.eos_ids.empty() && fs::exists(model)) {
    const ConfigReader config = ConfigReader::open(model);
    defaults.eos_ids = ids_at(config, "text_config.eos_token_id");
    if (defaults.eos_ids.empty()) defaults.eos_ids = ids_at(config, "eos_token_id");
  }
  return defaults;
}

std::vector<fs::path> weight_files(const fs::path& folder) {
  std::vector<fs::path> files;
  add_weight_files(folder, files);
  if (files.empty())
    for (const fs::path& part : part_folders(folder)) add_weight_files(part, files);
  std::sort(files.begin(), files.end());
  return files;
}

std::string content_id(const fs::path& folder) {
  require(fs::is_directory(folder), "'", folder.string(), "' is not a checkpoint folder");
  std::vector<fs::path> files = weight_files(folder);
  int64_t weight_bytes = 0;
  for (const fs::path& path : files) weight_bytes += static_cast<int64_t>(fs::file_size(path));
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const fs::path ending = entry.path().extension();
    const bool small = ending == ".json" || ending == ".jinja" || ending == ".tiktoken";
    if (small && entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  const bool sampled = weight_bytes > kFullHashBytes;
  base::Sha256 hash;
  for (const fs::path& path : files) {
    const std::string name = path.lexically_relative(folder).generic_string();
    add_field(hash, std::as_bytes(std::span(name)));
    const base::MappedFile file(path);
    if (sampled && is_weight_file(path))
      add_sampled(hash, file);
    else
      add_field(hash, file.bytes());
  }
  return (sampled ? "s:" : "") + hash.finish();
}

}  // namespace visavis::checkpoint
