#include "engine/checkpoint/pytorch.h"

#include <algorithm>
#include <map>
#include <system_error>

#include "base/error.h"
#include "base/mmap.h"
#include "engine/checkpoint/mapped_source.h"

namespace visavis::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr char kSingle[] = "pytorch_model.bin";
constexpr char kIndex[] = "pytorch_model.bin.index.json";

bool is_pytorch(const fs::path& path) {
  const fs::path ending = path.extension();
  return ending == ".bin" || ending == ".pth" || ending == ".pt";
}

std::vector<fs::path> pytorch_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored))
    if (is_pytorch(entry.path()) && entry.is_regular_file(ignored)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<MappedTensor> tensors_of(const base::MappedFile& file) {
  const std::string name = file.path().string();
  std::map<std::string, ZipEntry> entries;
  std::string folder;  // the one that all entries of the archive lie in
  for (ZipEntry& entry : parse_zip(file.bytes(), name)) {
    const size_t slash = entry.name.find('/');
    if (slash != std::string::npos && entry.name.substr(slash) == "/data.pkl")
      folder = entry.name.substr(0, slash + 1);
    const std::string key = entry.name;
    entries.emplace(key, std::move(entry));
  }
  const auto program = entries.find(folder + "data.pkl");
  require(program != entries.end(), name, ": the zip archive has no data.pkl");
  const auto bytes_of = [&file](const ZipEntry& entry) {
    return file.bytes().subspan(static_cast<size_t>(entry.begin),
                                static_cast<size_t>(entry.end - entry.begin));
  };
  if (const auto order = entries.find(folder + "byteorder"); order != entries.end()) {
    const auto text = bytes_of(order->second);
    require(std::string_view(reinterpret_cast<const char*>(text.data()), text.size()) == "little",
            name, ": its numbers are not little-endian");
  }
  std::vector<MappedTensor> tensors;
  for (PickledTensor& tensor : run_pickle(bytes_of(program->second), name)) {
    const auto entry = entries.find(folder + "data/" + tensor.storage);
    require(entry != entries.end(), name, ": tensor '", tensor.name, "' lies in storage '",
            tensor.storage, "', which is missing");
    const int64_t element = tensor::size_of(tensor.dtype);
    const int64_t held = entry->second.end - entry->second.begin;
    require(tensor.storage_count <= held / element, name, ": tensor '", tensor.name,
            "' lies in a storage of ", tensor.storage_count, " elements, which has ", held,
            " bytes");
    const int64_t begin = entry->second.begin + tensor.first * element;
    const int64_t end = begin + tensor.shape.elements() * element;
    tensors.push_back({tensor.name, tensor.dtype, tensor.shape, begin, end});
  }
  return tensors;
}

void add(MappedSource& source, const fs::path& path) {
  auto file = std::make_unique<base::MappedFile>(path);
  std::vector<MappedTensor> tensors = tensors_of(*file);
  source.add(std::move(file), std::move(tensors));
}

}  // namespace

bool has_pytorch(const fs::path& folder) {
  return fs::is_regular_file(folder / kIndex) || !pytorch_files(folder).empty();
}

std::unique_ptr<TensorSource> open_pytorch(const fs::path& folder) {
  if (fs::is_regular_file(folder / kIndex)) return open_shards(folder / kIndex, add);
  auto source = std::make_unique<MappedSource>();
  if (fs::is_regular_file(folder / kSingle)) {
    add(*source, folder / kSingle);
  } else {
    const std::vector<fs::path> files = pytorch_files(folder);
    require(files.size() == 1, "'", folder.string(), "': found ", files.size(),
            " *.bin, *.pth and *.pt files, wanted ", kSingle, " or ", kIndex);
    add(*source, files[0]);
  }
  source->finish();
  return source;
}

}  // namespace visavis::checkpoint
