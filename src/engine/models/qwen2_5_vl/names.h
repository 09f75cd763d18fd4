// The names under which other containers keep this family's tensors.
#pragma once

#include <memory>

#include "engine/checkpoint/config_reader.h"
#include "engine/checkpoint/tensor_source.h"

namespace visavis::models::qwen2_5_vl {

/// The tensors under the hub's names, which are theirs already. GGUF's are refused. Throws Error.
std::unique_ptr<checkpoint::TensorSource> with_hub_names(
    std::unique_ptr<checkpoint::TensorSource> stored, const checkpoint::ConfigReader& config);

}  // namespace visavis::models::qwen2_5_vl
