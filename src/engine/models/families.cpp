#include "engine/models/families.h"

#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "engine/checkpoint/gguf.h"
#include "engine/models/llava/names.h"
#include "engine/models/qwen3_vl/names.h"
#include "engine/quant/formats.h"

namespace visavis::models {

namespace qwen2_5_vl {
std::unique_ptr<Model> open(Checkpoint checkpoint);
}
namespace qwen3_vl {
std::unique_ptr<Model> open(Checkpoint checkpoint);
}
namespace llava {
std::unique_ptr<Model> open(Checkpoint checkpoint);
}
namespace qwen_vl_chat {
std::unique_ptr<Model> open(Checkpoint checkpoint);
}
namespace llava_next {
std::unique_ptr<Model> open(Checkpoint checkpoint);
}

namespace {

// Of families whose checkpoints come under the hub's names only.
std::unique_ptr<checkpoint::TensorSource> hub_names_alone(
    std::unique_ptr<checkpoint::TensorSource> stored, const checkpoint::ConfigReader& config) {
  require(stored->find("token_embd.weight") == nullptr, config.file(), ": found GGUF files of ",
          architecture_of(config), ", wanted safetensors: GGUF is not read for this family");
  return stored;
}

}  // namespace

const std::vector<Family>& families() {
  static const std::vector<Family> table = {
      {"Qwen3VLForConditionalGeneration", &qwen3_vl::open, &qwen3_vl::with_hub_names},
      {"Qwen2_5_VLForConditionalGeneration", &qwen2_5_vl::open, &hub_names_alone},
      {"LlavaForConditionalGeneration", &llava::open, &llava::with_hub_names},
      {"LlavaNextForConditionalGeneration", &llava_next::open, &hub_names_alone},
      {"QWenLMHeadModel", &qwen_vl_chat::open, &hub_names_alone},
  };
  return table;
}

std::string architecture_of(const checkpoint::ConfigReader& config) {
  const std::vector<std::string> names = config.strings("architectures");
  if (names.empty()) config.reject("architectures", "the name of a model family");
  return names.front();
}

namespace {

const Family& family_of(const checkpoint::ConfigReader& config) {
  const std::string architecture = architecture_of(config);
  std::vector<std::string> known;
  for (const Family& family : families()) {
    if (architecture == family.architecture) return family;
    known.emplace_back(family.architecture);
  }
  fail(config.file(), ": no model family for architecture '", architecture,
       "'; known: ", base::join(known, ", "));
}

// GGUF files often come alone.
checkpoint::ConfigReader open_config(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "config.json";
  if (!std::filesystem::exists(file) && checkpoint::has_gguf(folder))
    fail("'", folder.string(),
         "': found GGUF files without config.json; wanted it, tokenizer.json, ",
         "tokenizer_config.json and preprocessor_config.json of the original model beside them");
  return checkpoint::ConfigReader::open(file);
}

}  // namespace

std::unique_ptr<checkpoint::TensorSource> open_tensors(const std::filesystem::path& folder) {
  const auto config = open_config(folder);
  return family_of(config).with_hub_names(quant::open_tensors(folder), config);
}

std::unique_ptr<Model> open_model(const std::filesystem::path& folder, OpenOptions options) {
  checkpoint::ConfigReader config = open_config(folder);
  const Family& family = family_of(config);
  auto tensors = family.with_hub_names(quant::open_tensors(folder), config);
  return family.open({.folder = folder,
                      .config = std::move(config),
                      .tensors = std::move(tensors),
                      .options = std::move(options)});
}

}  // namespace visavis::models
