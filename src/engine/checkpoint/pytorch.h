// PyTorch's own files (*.bin, *.pth): a zip archive of stored entries, one of which (data.pkl) is a
// pickle program that builds a dictionary of tensors over the others. The program is run by a
// machine that knows a few opcodes and can build nothing but dictionaries, tuples, texts, numbers
// and tensors: no name outside a short list is ever looked up, and nothing is called.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/checkpoint/tensor_source.h"

namespace visavis::checkpoint {

/// Longer pickles are refused; one of 30,000 tensors has 6 MB. The machine's memory is at most
/// 256 times the program's length.
inline constexpr int64_t kMaxPickle = int64_t{16} << 20;

/// An entry of a zip archive, stored without compression; offsets from the archive's start.
struct ZipEntry {
  std::string name;
  int64_t begin = 0;
  int64_t end = 0;
};

/// The entries of an archive, 64-bit sizes included. `file` is how errors call it. Throws Error,
/// also for compressed entries.
std::vector<ZipEntry> parse_zip(std::span<const std::byte> bytes, const std::string& file);

/// A tensor as a pickle describes it.
struct PickledTensor {
  std::string name;
  tensor::DType dtype = tensor::DType::f32;
  tensor::Shape shape;
  std::string storage;        // "data/<storage>" is the entry with its elements
  int64_t storage_count = 0;  // elements there
  int64_t first = 0;          // element of the storage at which it begins
};

/// Runs a pickle and returns the tensors of the dictionary that it builds, or of the dictionary
/// under its one key "state_dict" or "model". Throws Error: an opcode or a name that is not
/// allowed, a tensor that is not contiguous or larger than its storage.
std::vector<PickledTensor> run_pickle(std::span<const std::byte> program, const std::string& file);

/// Whether the folder has weights in such files.
bool has_pytorch(const std::filesystem::path& folder);
/// Opens the shards of pytorch_model.bin.index.json, or pytorch_model.bin, or the folder's only
/// *.bin, *.pth or *.pt file. Throws Error.
std::unique_ptr<TensorSource> open_pytorch(const std::filesystem::path& folder);

}  // namespace visavis::checkpoint
