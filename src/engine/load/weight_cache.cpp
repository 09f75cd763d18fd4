#include "engine/load/weight_cache.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "engine/checkpoint/side_files.h"
#include "engine/load/packed_writer.h"

namespace visavis::load {
namespace {

namespace fs = std::filesystem;
using tensor::Buffer;

// Grows with every change of what a policy makes of the same checkpoint: the search for scales,
// interleaving, folds.
constexpr int64_t kPacking = 1;
constexpr int64_t kReadAhead = int64_t{16} << 20;

std::string words_of(const WeightPolicy& policy) {
  std::string words(name_of(policy.body));
  if (policy.vision) words += "-vision-" + std::string(name_of(*policy.vision));
  if (!policy.round_input) words += "-f32-activations";
  if (!policy.interleave) words += "-rows";
  return words;
}

// Name, size and time of every weight file, without the folder: a checkpoint may move.
base::Json files_of(const fs::path& checkpoint) {
  base::Json files = base::Json::array();
  for (const fs::path& path : checkpoint::weight_files(checkpoint)) {
    struct stat info {};
    require(::stat(path.c_str(), &info) == 0, "cannot look at '", path.string(),
            "': ", std::strerror(errno));
    files.push_back({path.lexically_relative(checkpoint).generic_string(),
                     static_cast<int64_t>(info.st_size),
                     static_cast<int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 +
                         static_cast<int64_t>(info.st_mtim.tv_nsec)});
  }
  return files;
}

// For people the checkpoint's name and the policy, then what tells equal names apart.
std::string file_name(const fs::path& checkpoint, const std::string& content,
                      const std::string& words) {
  const fs::path whole = fs::absolute(checkpoint).lexically_normal();
  const fs::path last = whole.has_filename() ? whole.filename() : whole.parent_path().filename();
  return last.string() + "-" + words + "-" +
         base::sha256_hex(content + "\n" + words).substr(0, 16) + ".packed";
}

}  // namespace

std::shared_ptr<WeightCache> open_cache(const CacheOptions& options, const fs::path& checkpoint,
                                        const std::string& content, const WeightPolicy& policy) {
  if (!options.use || options.folder.empty()) return nullptr;
  const base::Json files = files_of(checkpoint);
  if (files.empty()) return nullptr;
  const std::string words = words_of(policy);
  const std::string source = base::dump_json(
      {{"files", files}, {"content", content}, {"weights", words}, {"packing", kPacking}});
  return std::make_shared<WeightCache>(
      options, options.folder / file_name(checkpoint, content, words), source);
}

WeightCache::WeightCache(CacheOptions options, fs::path file, std::string source)
    : options_(std::move(options)), path_(std::move(file)), source_(std::move(source)) {
  std::error_code ignored;
  if (!fs::exists(path_, ignored)) return;
  try {
    open();
  } catch (const Error& error) {
    refusal_ = error.what();
    file_.reset();
    weights_.clear();
  }
}

WeightCache::~WeightCache() = default;

void WeightCache::open() {
  file_ = std::make_shared<base::MappedFile>(path_);
  ReadPackedHeader read = parse_packed_header(file_->bytes(), path_.string());
  require(read.header.source == source_, path_.string(), ": made from ", read.header.source,
          ", wanted ", source_);
  data_begin_ = read.data_begin;
  for (PackedWeight& weight : read.header.weights) {
    const std::string key = weight.key;
    weights_.emplace(key, std::move(weight));
  }
}

// The whole file will be used: the disk starts now and works in large pieces.
void WeightCache::read_ahead(const std::stop_token& stop) const {
  const auto size = static_cast<int64_t>(file_->bytes().size());
  for (int64_t at = 0; at < size && !stop.stop_requested(); at += kReadAhead)
    file_->prefetch(at, std::min(kReadAhead, size - at));
}

std::optional<std::vector<Buffer>> WeightCache::take(const std::string& key,
                                                     const std::vector<int64_t>& bytes,
                                                     base::ThreadPool& pool) {
  if (!found()) return std::nullopt;
  if (!reader_.joinable()) {
    reader_ = std::jthread([this](const std::stop_token& stop) { read_ahead(stop); });
    ::utimensat(AT_FDCWD, path_.c_str(), nullptr, 0);  // what was used long ago goes first
  }
  const auto weight = weights_.find(key);
  const auto refuse = [&](const char* why) {
    ++missed_;
    refusal_ = path_.string() + ": '" + key + "' " + why;
    return std::nullopt;
  };
  if (weight == weights_.end()) return refuse("is not there");
  const std::vector<PackedPart>& parts = weight->second.parts;
  const bool fits =
      std::equal(parts.begin(), parts.end(), bytes.begin(), bytes.end(),
                 [](const PackedPart& part, int64_t wanted) { return part.bytes == wanted; });
  if (!fits) return refuse("has another size");
  std::vector<Buffer> buffers;
  for (const PackedPart& part : parts) {
    const auto place = file_->bytes().subspan(static_cast<size_t>(data_begin_ + part.offset),
                                              static_cast<size_t>(part.bytes));
    if (packed_checksum(place, &pool) != part.checksum) return refuse("is damaged");
    buffers.push_back(Buffer::adopt(file_, const_cast<std::byte*>(place.data()), part.bytes, true));
  }
  return buffers;
}

void WeightCache::keep(const std::string& key, const std::vector<const Buffer*>& buffers) {
  Kept kept{.key = key, .buffers = {}};
  for (const Buffer* buffer : buffers) {
    assert(buffer->bytes() == 0 || buffer->on_host());
    kept.buffers.push_back(buffer->share());
  }
  if (!found()) ++missed_;
  kept_.push_back(std::move(kept));
}

void WeightCache::forgo(const std::string& why) {
  forgone_ = true;
  refusal_ = why;
}

void WeightCache::release() {
  kept_.clear();
  if (file_) file_->drop(0, static_cast<int64_t>(file_->bytes().size()));
}

int64_t WeightCache::kept_bytes() const {
  int64_t bytes = 0;
  for (const Kept& kept : kept_)
    for (const Buffer& buffer : kept.buffers) bytes += buffer.bytes();
  return bytes;
}

bool WeightCache::wants_writing() const {
  return !forgone_ && missed_ > 0 && kept_bytes() >= options_.least_bytes;
}

std::optional<std::string> WeightCache::write() {
  const int64_t bytes = kept_bytes();
  const std::vector<Kept> kept = std::exchange(kept_, {});
  std::vector<PackedSource> weights;
  for (const Kept& each : kept) {
    PackedSource weight{.key = each.key, .buffers = {}};
    for (const Buffer& buffer : each.buffers)
      weight.buffers.emplace_back(buffer.data(), static_cast<size_t>(buffer.bytes()));
    const bool again = std::any_of(weights.begin(), weights.end(), [&](const PackedSource& known) {
      return known.key == each.key;
    });
    if (!again) weights.push_back(std::move(weight));
  }
  try {
    remove_least_recent(path_.parent_path(), path_, options_.most_bytes - bytes);
    return write_packed(path_, source_, weights);
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace visavis::load
