// Writes a checkpoint with its decoder linears in 4 bit as compressed-tensors' pack-quantized, the
// format that vLLM and transformers load and quant/compressed.cpp reads back. Not what happens to
// weights while they load (loader.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/threads.h"
#include "engine/checkpoint/tensor_source.h"
#include "engine/load/loader.h"

namespace visavis::load {

struct ExportOptions {
  int64_t group = 128;                           // inputs per scale: 32, 64 or 128
  int64_t shard_bytes = int64_t{4'000'000'000};  // of one file, unless a layer is larger
};

struct ExportedTensor {
  std::string name;
  double relative_error = 0;  // root of (sum of squared differences / sum of squares)
};

struct ExportReport {
  std::vector<ExportedTensor> quantised;  // in the order of their names
  std::vector<std::string> kept;          // matrices that were to be quantised and do not fit
  int64_t bytes = 0;                      // of all weight files written
  double relative_error = 0;              // over all quantised values
};

/// Writes model.safetensors, or shards and their index, into an existing folder. `linears` names
/// the matrices to quantise: symmetric codes, a scale per group by search for the smallest squared
/// error, stored as f16, or bf16 where the checkpoint is; one whose inputs are no multiple of the
/// group stays as it is. Everything else is copied, what is in another format as its values. Throws
/// Error.
ExportReport export_pack_quantized(const checkpoint::TensorSource& source,
                                   const std::set<std::string>& linears,
                                   const std::filesystem::path& folder,
                                   const ExportOptions& options, base::ThreadPool& pool,
                                   const Progress& progress = {});

/// The quantization_config of such a checkpoint. `ignored`: modules that keep their weights.
base::Json pack_quantized_config(const ExportOptions& options,
                                 const std::vector<std::string>& ignored);

}  // namespace visavis::load
