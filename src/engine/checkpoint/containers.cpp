// The table of weight containers. A new one is a file that gives a TensorSource and a row here.
#include <filesystem>

#include "base/error.h"
#include "engine/checkpoint/gguf.h"
#include "engine/checkpoint/parts.h"
#include "engine/checkpoint/pytorch.h"
#include "engine/checkpoint/random_weights.h"
#include "engine/checkpoint/safetensors.h"
#include "engine/checkpoint/tensor_source.h"

namespace visavis::checkpoint {
namespace {

namespace fs = std::filesystem;

struct Container {
  const char* name;
  bool (*recognises)(const fs::path& folder);
  std::unique_ptr<TensorSource> (*open)(const fs::path& folder);
};

// In order of preference: a folder may hold the same weights in two forms.
constexpr Container kContainers[] = {
    {"safetensors", &has_safetensors, &open_safetensors},
    {"GGUF", &has_gguf, &open_gguf},
    {"PyTorch", &has_pytorch, &open_pytorch},
    {"random weights", &has_random_weights, &open_random_weights},
    {"parts in folders", &has_parts, &open_parts},
};

}  // namespace

std::unique_ptr<TensorSource> open_tensors(const fs::path& folder) {
  require(fs::is_directory(folder), "'", folder.string(), "' is not a checkpoint folder");
  for (const Container& container : kContainers)
    if (container.recognises(folder)) return container.open(folder);
  // open_safetensors says what it looked for.
  return open_safetensors(folder);
}

}  // namespace visavis::checkpoint
