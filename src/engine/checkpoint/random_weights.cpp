#include "engine/checkpoint/random_weights.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/threads.h"
#include "engine/checkpoint/config_reader.h"

namespace visavis::checkpoint {
namespace {

using tensor::DType;

constexpr const char* kFile = "random_weights.json";
// Of the largest tile; odd, so that its end meets no row's end of a usual width.
constexpr int64_t kTilePages = 16411;
constexpr int64_t kPage = 4096;
constexpr size_t kMostTensors = 100'000;
constexpr int64_t kMostBytes = int64_t{1} << 40;

// What a tensor's values look like.
struct Kind {
  DType dtype = DType::f32;
  double mean = 0;
  double deviation = 0;
  friend auto operator<=>(const Kind&, const Kind&) = default;
};

Kind kind_of(const TensorSpec& spec) {
  if (spec.shape.rank() > 1 || spec.name.ends_with("class_embedding")) return {spec.dtype, 0, 0.02};
  if (spec.name.ends_with(".bias")) return {spec.dtype, 0, 0.01};
  return {spec.dtype, 1, 0.02};
}

// 65536 equally likely values of a normal distribution: one 16-bit random number then gives one
// weight. Quantiles by bisection of erfc: slow, but done once a kind.
std::vector<float> normal_values(const Kind& kind) {
  std::vector<float> values(65536);
  for (size_t i = 0; i < values.size(); ++i) {
    const double wanted = (static_cast<double>(i) + 0.5) / 65536;
    double low = -6;
    double high = 6;
    for (int step = 0; step < 40; ++step) {
      const double middle = (low + high) / 2;
      (0.5 * std::erfc(-middle / std::sqrt(2.0)) < wanted ? low : high) = middle;
    }
    values[i] = static_cast<float>(kind.mean + kind.deviation * low);
  }
  return values;
}

// The bytes of one value, in the lowest of 32 bits.
uint32_t bits_of(float value, DType dtype) {
  if (dtype == DType::bf16) return tensor::to_bf16(value).bits;
  if (dtype == DType::f16) return tensor::to_f16(value).bits;
  return std::bit_cast<uint32_t>(value);
}

// Random bytes in memory that any number of mappings may show.
class Tile {
 public:
  Tile(const Kind& kind, int64_t pages, uint64_t seed) : pages_(pages) {
    file_ = memfd_create("visavis-random-weights", MFD_CLOEXEC);
    require(file_ >= 0, "random weights: no memory file: ", std::strerror(errno));
    const auto bytes = static_cast<size_t>(pages * kPage);
    void* data = MAP_FAILED;
    if (ftruncate(file_, static_cast<off_t>(bytes)) == 0)
      data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
    if (data == MAP_FAILED) {
      const int error = errno;
      close(file_);
      fail("random weights: no memory for ", bytes, " bytes: ", std::strerror(error));
    }
    fill(kind, seed, static_cast<std::byte*>(data));
    munmap(data, bytes);
  }
  Tile(const Tile&) = delete;
  Tile& operator=(const Tile&) = delete;
  ~Tile() { close(file_); }

  // Shows `bytes` at `address` (whole pages, reserved before), beginning with page `first`.
  void show(std::byte* address, int64_t bytes, int64_t first) const {
    while (bytes > 0) {
      const int64_t piece = std::min(bytes, (pages_ - first) * kPage);
      void* mapped = mmap(address, static_cast<size_t>(piece), PROT_READ, MAP_SHARED | MAP_FIXED,
                          file_, static_cast<off_t>(first * kPage));
      require(mapped != MAP_FAILED, "random weights: cannot map: ", std::strerror(errno));
      address += piece;
      bytes -= piece;
      first = 0;
    }
  }
  int64_t pages() const { return pages_; }

 private:
  void fill(const Kind& kind, uint64_t seed, std::byte* data) const {
    const std::vector<float> values = normal_values(kind);
    std::vector<uint32_t> bits(values.size());
    std::transform(values.begin(), values.end(), bits.begin(),
                   [&](float value) { return bits_of(value, kind.dtype); });
    const int64_t size = tensor::size_of(kind.dtype);
    base::ThreadPool pool;
    pool.parallel_for(pages_, 1, [&](int64_t first, int64_t last) {
      for (int64_t page = first; page < last; ++page) {
        base::Rng rng(seed, "page " + std::to_string(page));
        std::byte* to = data + page * kPage;
        uint64_t four = 0;
        for (int64_t i = 0; i < kPage / size; ++i, four >>= 16) {
          if (i % 4 == 0) four = rng.next();
          std::memcpy(to + i * size, &bits[four & 0xFFFF], static_cast<size_t>(size));
        }
      }
    });
  }

  int file_ = -1;
  int64_t pages_;
};

int64_t whole_pages(int64_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

// Address space for all tensors, each at the start of a page.
class Region {
 public:
  explicit Region(int64_t bytes) : bytes_(static_cast<size_t>(std::max(bytes, kPage))) {
    void* data =
        mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    require(data != MAP_FAILED, "random weights: no address space for ", bytes_,
            " bytes: ", std::strerror(errno));
    data_ = static_cast<std::byte*>(data);
  }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  ~Region() { munmap(data_, bytes_); }

  std::byte* data() { return data_; }

 private:
  size_t bytes_;
  std::byte* data_;
};

class RandomWeights : public TensorSource {
 public:
  RandomWeights(std::vector<TensorSpec> specs, uint64_t seed, const std::string& name) {
    std::sort(specs.begin(), specs.end(),
              [](const TensorSpec& a, const TensorSpec& b) { return a.name < b.name; });
    std::map<Kind, int64_t> largest;  // tensor of each kind, in bytes
    int64_t pages_bytes = 0;
    for (const TensorSpec& spec : specs) {
      require(tensors_.empty() || tensors_.back().name != spec.name, name, ": tensor '", spec.name,
              "' appears twice");
      int64_t& most = largest[kind_of(spec)];
      most = std::max(most, whole_pages(spec.bytes()));
      tensors_.push_back(
          {.name = spec.name, .dtype = spec.dtype, .shape = spec.shape, .file = name});
      bytes_ += spec.bytes();
      pages_bytes += whole_pages(spec.bytes());
      require(pages_bytes <= kMostBytes, name, ": more than ", kMostBytes, " bytes of tensors");
    }
    region_ = std::make_shared<Region>(pages_bytes);
    std::map<Kind, Tile> tiles;
    std::byte* at = region_->data();
    for (const TensorSpec& spec : specs) {
      const Kind kind = kind_of(spec);
      const int64_t pages = std::min(largest[kind] / kPage + 1, kTilePages);
      const Tile& tile = tiles.try_emplace(kind, kind, pages, seed).first->second;
      const uint64_t first = base::Rng(seed, spec.name).below(static_cast<uint64_t>(pages));
      tile.show(at, whole_pages(spec.bytes()), static_cast<int64_t>(first));
      places_.push_back(at);
      at += whole_pages(spec.bytes());
    }
  }

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }

  const TensorInfo* find(const std::string& name) const override {
    const auto at = std::lower_bound(
        tensors_.begin(), tensors_.end(), name,
        [](const TensorInfo& info, const std::string& key) { return info.name < key; });
    return at != tensors_.end() && at->name == name ? &*at : nullptr;
  }

  tensor::View read(const std::string& name) const override {
    const TensorInfo* info = find(name);
    require(info != nullptr, "random weights: no tensor '", name, "'");
    return {info->dtype, info->shape, places_[static_cast<size_t>(info - tensors_.data())]};
  }

  std::optional<FilePlace> place(const std::string&) const override { return std::nullopt; }

  void drop(const std::string& name, int64_t begin, int64_t end) const override {
    std::byte* data = const_cast<std::byte*>(read(name).data);
    const int64_t first = whole_pages(begin);
    const int64_t last = end / kPage * kPage;
    if (last > first)
      madvise(data + first, static_cast<size_t>(last - first), MADV_DONTNEED);  // the tile stays
  }

  std::shared_ptr<void> keep_alive() const override { return region_; }
  int64_t file_bytes() const override { return bytes_; }

 private:
  std::vector<TensorInfo> tensors_;  // sorted by name
  std::vector<std::byte*> places_;   // of each in the region
  std::shared_ptr<Region> region_;
  int64_t bytes_ = 0;
};

constexpr DType kTypes[] = {DType::f32, DType::bf16, DType::f16};

DType type_named(const std::string& word, const std::string& file, const std::string& name) {
  for (const DType type : kTypes)
    if (tensor::name_of(type) == word) return type;
  fail(file, ": tensor '", name, "' has dtype '", word, "', wanted f32, bf16 or f16");
}

TensorSpec read_spec(const base::Json& entry, const std::string& file) {
  const ConfigReader reader(entry, file);
  TensorSpec spec;
  spec.name = reader.require_string("name");
  spec.dtype = type_named(reader.require_string("dtype"), file, spec.name);
  const std::vector<int64_t> extents = reader.ints("shape", 1);
  require(extents.size() <= static_cast<size_t>(tensor::Shape::kMaxRank), file, ": tensor '",
          spec.name, "' has ", extents.size(), " dimensions, wanted at most ",
          tensor::Shape::kMaxRank);
  int64_t bytes = tensor::size_of(spec.dtype);
  for (const int64_t extent : extents) {
    bytes *= extent;  // at most 2^40 * 2^20: no overflow
    require(bytes <= kMostBytes, file, ": tensor '", spec.name, "' has more than ", kMostBytes,
            " bytes");
    spec.shape.push_back(extent);
  }
  return spec;
}

}  // namespace

void write_random_weights(const std::filesystem::path& folder,
                          const std::vector<TensorSpec>& tensors, uint64_t seed) {
  base::Json list = base::Json::array();
  for (const TensorSpec& spec : tensors) {
    base::Json shape = base::Json::array();
    for (int axis = 0; axis < spec.shape.rank(); ++axis) shape.push_back(spec.shape[axis]);
    list.push_back({{"name", spec.name}, {"dtype", tensor::name_of(spec.dtype)}, {"shape", shape}});
  }
  base::write_file_atomically(folder / kFile,
                              base::dump_json({{"seed", seed}, {"tensors", list}}, 1));
}

bool has_random_weights(const std::filesystem::path& folder) {
  return std::filesystem::is_regular_file(folder / kFile);
}

RandomWeightsList parse_random_weights(std::string_view json, const std::string& file) {
  const base::Json document = base::parse_json(json, file);
  const ConfigReader reader(document, file);
  RandomWeightsList found;
  found.seed = static_cast<uint64_t>(reader.require_int("seed", 0, int64_t{1} << 53));
  if (!document.contains("tensors") || !document["tensors"].is_array())
    reader.reject("tensors", "a list of {name, dtype, shape}");
  const base::Json& list = document["tensors"];
  require(list.size() <= kMostTensors, file, ": ", list.size(), " tensors, wanted at most ",
          kMostTensors);
  for (const base::Json& entry : list) found.tensors.push_back(read_spec(entry, file));
  return found;
}

std::unique_ptr<TensorSource> open_random_weights(const std::filesystem::path& folder) {
  const std::string file = (folder / kFile).string();
  const RandomWeightsList list = parse_random_weights(base::read_file(folder / kFile), file);
  return make_random_weights(list.tensors, list.seed, file);
}

std::unique_ptr<TensorSource> make_random_weights(const std::vector<TensorSpec>& tensors,
                                                  uint64_t seed, const std::string& name) {
  return std::make_unique<RandomWeights>(tensors, seed, name);
}

}  // namespace visavis::checkpoint
