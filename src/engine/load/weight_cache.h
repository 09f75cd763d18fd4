// Packed weights kept from one start to the next: after a load from the checkpoint one file holds
// every buffer as it lies in memory, and the next load maps it. A file that is damaged, cut off,
// out of date or somebody else's is not used, and replaced. Nothing here fails a load: what went
// wrong is told in words.
//
// One load: open the cache, give it to the WeightLoader, which takes what is there and keeps what
// it had to make; then write(), on any thread, if wants_writing().
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/mmap.h"
#include "base/threads.h"
#include "engine/load/packed_header.h"
#include "engine/load/weight_policy.h"
#include "engine/tensor/buffer.h"

namespace visavis::load {

struct CacheOptions {
  bool use = true;
  std::filesystem::path folder;                   // empty: no cache
  int64_t least_bytes = int64_t{64} << 20;        // models below are not worth a file
  int64_t most_bytes = int64_t{100'000'000'000};  // of all files; the least recently used go
};

class WeightCache;

/// The cache of a checkpoint's packed weights; null if the options name no folder or the checkpoint
/// has no files that a cache could be compared with. `content`: checkpoint::content_id. Throws
/// Error only if the checkpoint cannot be looked at.
std::shared_ptr<WeightCache> open_cache(const CacheOptions& options,
                                        const std::filesystem::path& checkpoint,
                                        const std::string& content, const WeightPolicy& policy);

class WeightCache {
 public:
  /// Opens the file if it is there and was made from `source`: one line that identifies name, size
  /// and time of every weight file, their content, the policy and the version of the packing.
  WeightCache(CacheOptions options, std::filesystem::path file, std::string source);
  ~WeightCache();

  /// Whether there is a file to take from.
  bool found() const { return file_ != nullptr; }
  /// Whether everything that was asked for was there.
  bool served() const { return found() && missed_ == 0; }
  /// Why the file is not (all) used; empty if it is or there is none.
  const std::string& refusal() const { return refusal_; }
  const std::filesystem::path& file() const { return path_; }

  /// The buffers of a weight, mapped, if the file holds it with exactly these sizes and undamaged.
  std::optional<std::vector<tensor::Buffer>> take(const std::string& key,
                                                  const std::vector<int64_t>& bytes,
                                                  base::ThreadPool& pool);
  /// Remembers a weight for write(); its buffers lie in host memory.
  void keep(const std::string& key, const std::vector<const tensor::Buffer*>& buffers);

  /// Nothing will be kept, and why.
  void forgo(const std::string& why);
  /// Lets go of what was taken and kept, after everything was copied to where it is used.
  void release();

  /// Whether write() has something to do: something had to be made, and it is large enough.
  bool wants_writing() const;
  /// Bytes that write() will write.
  int64_t kept_bytes() const;
  /// Replaces the file in one step and lets go of what was kept. Returns why there is none, or
  /// nothing. Two processes never write the same file at once: the second one leaves it.
  std::optional<std::string> write();

 private:
  struct Kept {
    std::string key;
    std::vector<tensor::Buffer> buffers;
  };

  void open();
  void read_ahead(const std::stop_token& stop) const;

  CacheOptions options_;
  std::filesystem::path path_;
  std::string source_;
  std::string refusal_;
  std::shared_ptr<base::MappedFile> file_;
  int64_t data_begin_ = 0;
  std::map<std::string, PackedWeight> weights_;
  int64_t missed_ = 0;
  bool forgone_ = false;
  std::vector<Kept> kept_;
  std::jthread reader_;  // from the first take() on
};

}  // namespace visavis::load
