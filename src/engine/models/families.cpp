#include "engine/models/families.h"

#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace visavis::models {

namespace qwen3_vl {
std::unique_ptr<Model> open(Checkpoint checkpoint);
}
namespace llava {
std::unique_ptr<Model> open(Checkpoint checkpoint);
}

const std::vector<Family>& families() {
  static const std::vector<Family> table = {
      {"Qwen3VLForConditionalGeneration", &qwen3_vl::open},
      {"LlavaForConditionalGeneration", &llava::open},
  };
  return table;
}

std::string architecture_of(const checkpoint::ConfigReader& config) {
  const std::vector<std::string> names = config.strings("architectures");
  if (names.empty()) config.reject("architectures", "the name of a model family");
  return names.front();
}

std::unique_ptr<Model> open_model(const std::filesystem::path& folder, OpenOptions options) {
  checkpoint::ConfigReader config = checkpoint::ConfigReader::open(folder / "config.json");
  const std::string architecture = architecture_of(config);
  std::vector<std::string> known;
  for (const Family& family : families()) {
    if (architecture == family.architecture) {
      return family.open({.folder = folder,
                          .config = std::move(config),
                          .tensors = checkpoint::open_tensors(folder),
                          .options = std::move(options)});
    }
    known.emplace_back(family.architecture);
  }
  fail(config.file(), ": no model family for architecture '", architecture,
       "'; known: ", base::join(known, ", "));
}

}  // namespace visavis::models
