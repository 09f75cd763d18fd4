// Writes a checkpoint with some of its matrices in codes as compressed-tensors' pack-quantized, the
// format that vLLM and transformers load and quant/compressed.cpp reads back. Not which matrices,
// and in what codes (mixed.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/threads.h"
#include "engine/checkpoint/tensor_source.h"
#include "engine/compress/coding.h"
#include "engine/load/loader.h"
#include "engine/load/loss.h"

namespace visavis::compress {

/// The matrices to code, by name.
using Codings = std::map<std::string, Coding>;

/// The mean square of every input of a matrix, by its name; a matrix that is not there counts all
/// inputs alike.
using InputPowers = std::map<std::string, std::vector<double>>;

/// The moments of one matrix's inputs (feedback.h); empty: not known.
using MomentsOf = std::function<std::vector<float>(const std::string& weight)>;

/// Of one matrix, empty if it is not there. Throws Error if they do not fit its columns.
std::span<const double> powers_for(const InputPowers& powers, const checkpoint::TensorInfo& info);

/// Whether this coding fits: a matrix whose inputs are a multiple of the group, called "...weight".
bool can_code(const checkpoint::TensorInfo& info, const Coding& coding);

inline constexpr int64_t kShardBytes = 4'000'000'000;

struct ExportedTensor {
  std::string name;
  Coding coding;
  int64_t values = 0;
  load::Loss loss;
};

struct ExportReport {
  std::vector<ExportedTensor> quantised;  // in the order of their names
  int64_t bytes = 0;                      // of all weight files written

  load::Loss loss() const;
  /// Over all coded values, scales and zero points included.
  double bits_per_weight() const;
};

/// Writes model.safetensors, or shards of at most `shard_bytes` (unless a layer is larger) and
/// their index, into an existing folder. Scales are stored as f16, or bf16 where the checkpoint is;
/// everything else is copied, what is in another format as its values. With `moments` errors are
/// handed on from column to column. Throws Error, also for a matrix that its coding does not fit.
ExportReport export_pack_quantized(const checkpoint::TensorSource& source, const Codings& codings,
                                   const InputPowers& powers, const std::filesystem::path& folder,
                                   base::ThreadPool& pool, const load::Progress& progress = {},
                                   int64_t shard_bytes = kShardBytes,
                                   const MomentsOf& moments = {});

/// The quantization_config of such a checkpoint: a group for every coding, the most frequent one of
/// all linear layers, the others naming theirs. `ignored`: modules that keep their weights.
base::Json pack_quantized_config(const Codings& codings, const std::vector<std::string>& ignored);

/// Rows [begin, end) of a tensor of `cols` columns as f32. Throws Error for NaN and infinity.
void read_rows(const checkpoint::TensorSource& source, const checkpoint::TensorInfo& info,
               int64_t begin, int64_t end, int64_t cols, float* out);

}  // namespace visavis::compress
