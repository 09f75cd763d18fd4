// The table of model families, keyed by the `architectures` string of config.json. A new family is
// a folder beside this file and one row in families.cpp.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/checkpoint/config_reader.h"
#include "engine/checkpoint/tensor_source.h"
#include "engine/load/loader.h"
#include "engine/load/weight_policy.h"
#include "engine/models/model.h"
#include "engine/vision/preprocessor.h"

namespace visavis::models {

struct OpenOptions {
  load::WeightPolicy weights = {};
  vision::Overrides pictures = {};
  int threads = 0;  // for loading; 0 = one per available CPU
  load::Progress progress = {};
  std::shared_ptr<load::WeightCache> cache = {};  // of packed weights; null: none
};

/// A checkpoint folder whose small files have been read.
struct Checkpoint {
  std::filesystem::path folder;
  checkpoint::ConfigReader config;
  std::unique_ptr<checkpoint::TensorSource> tensors;
  OpenOptions options;
};

struct Family {
  const char* architecture;
  std::unique_ptr<Model> (*open)(Checkpoint checkpoint);
  /// The tensors under the hub's names, whatever their container calls them.
  std::unique_ptr<checkpoint::TensorSource> (*with_hub_names)(
      std::unique_ptr<checkpoint::TensorSource> stored, const checkpoint::ConfigReader& config);
};

const std::vector<Family>& families();

/// The architecture that config.json names. Throws Error if there is none.
std::string architecture_of(const checkpoint::ConfigReader& config);

/// The tensors of a checkpoint folder in any container and format, under the hub's names. Throws
/// Error.
std::unique_ptr<checkpoint::TensorSource> open_tensors(const std::filesystem::path& folder);

/// Opens a checkpoint folder: configuration, tokenizer, template, preprocessing, and every tensor's
/// name, type and shape are checked; no weight is read. Throws Error; an unknown architecture lists
/// the known ones.
std::unique_ptr<Model> open_model(const std::filesystem::path& folder, OpenOptions options);

}  // namespace visavis::models
