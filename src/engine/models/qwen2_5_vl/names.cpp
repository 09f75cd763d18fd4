#include "engine/models/qwen2_5_vl/names.h"

#include "base/error.h"

namespace visavis::models::qwen2_5_vl {

std::unique_ptr<checkpoint::TensorSource> with_hub_names(
    std::unique_ptr<checkpoint::TensorSource> stored, const checkpoint::ConfigReader& config) {
  require(stored->find("token_embd.weight") == nullptr, config.file(),
          ": found GGUF files of architecture '", config.strings("architectures").front(),
          "', wanted safetensors: GGUF is not read for this family");
  return stored;
}

}  // namespace visavis::models::qwen2_5_vl
