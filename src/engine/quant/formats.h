// The table of published quantised formats that lie in safetensors or PyTorch files beside a
// `quantization_config`: which tensors mark a layer in such a format, and who reads it. A new
// format is a file beside this one and a row in formats.cpp. GGUF is a container
// (engine/checkpoint).
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "engine/quant/module.h"

namespace visavis::quant {

struct Format {
  const char* name;    // "AWQ", for people
  const char* method;  // `quant_method` of quantization_config
  const char* marker;  // ending of the tensor that marks a layer: ".weight_packed"
  std::initializer_list<tensor::DType> marker_types;
  std::initializer_list<const char*> parts;  // endings of all tensors that belong to it
  Opened (*open)(Module module, const checkpoint::ConfigReader& settings);
};

std::span<const Format> formats();

/// The quantization_config that a checkpoint folder states, in config.json or in the files that
/// older tools wrote; nothing if it states none. `quant_method` is always there. Throws Error, also
/// for a method that no row knows.
std::optional<checkpoint::ConfigReader> read_settings(const std::filesystem::path& folder);

/// The tensors of a folder (checkpoint::open_tensors), with every layer in a quantised format
/// appearing as its one matrix. Throws Error.
std::unique_ptr<checkpoint::TensorSource> open_tensors(const std::filesystem::path& folder);

/// The same for tensors and settings that are already read.
std::unique_ptr<checkpoint::TensorSource> with_formats(
    std::unique_ptr<checkpoint::TensorSource> stored, const checkpoint::ConfigReader& settings);

}  // namespace visavis::quant
