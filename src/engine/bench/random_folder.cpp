#include "engine/bench/random_folder.h"

#include "base/error.h"
#include "base/files.h"
#include "engine/checkpoint/random_weights.h"

namespace visavis::bench {
namespace {

namespace fs = std::filesystem;
using base::Json;

constexpr const char* kTokenIdKeys[] = {"image_token_id", "image_token_index", "video_token_id",
                                        "vision_start_token_id", "vision_end_token_id"};

void write_json(const fs::path& path, const Json& json) {
  base::write_file_atomically(path, base::dump_json(json, 2));
}

// The ids that belong to the copied tokenizer replace the published ones.
void take_tokenizer(const fs::path& tokenizer, const fs::path& folder, Json& config) {
  const Json small = base::read_json(tokenizer / "config.json");
  require(small.value("model_type", "") == config["model_type"],
          (tokenizer / "config.json").string(), ": model_type is '", small.value("model_type", ""),
          "', wanted ", config["model_type"]);
  for (const char* key : kTokenIdKeys)
    if (config.contains(key) && small.contains(key)) config[key] = small[key];
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "generation_config.json",
                           "chat_template.jinja", "chat_template.json"})
    if (fs::exists(tokenizer / name))
      base::write_file_atomically(folder / name, base::read_file(tokenizer / name));
}

// Printable ASCII and the placeholders of the families.
void make_tokenizer(const fs::path& folder, Json& config) {
  Json vocabulary = Json::object();
  int id = 0;
  for (char c = '!'; c <= '~'; ++c) vocabulary[std::string(1, c)] = id++;
  Json added = Json::array();
  const auto add = [&](const char* content) {
    added.push_back({{"id", id}, {"content", content}, {"special", true}});
    return id++;
  };
  const int image = add(config.contains("image_token_index") ? "<image>" : "<|image_pad|>");
  const int end = add("<end>");
  const int other = add("<other>");
  for (const char* key : kTokenIdKeys)
    if (config.contains(key))
      config[key] = std::string_view(key).starts_with("image") ? image : other;
  write_json(folder / "tokenizer.json",
             {{"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", Json::array()}}},
              {"added_tokens", added}});
  write_json(folder / "generation_config.json", {{"eos_token_id", end}});
}

}  // namespace

void write_side_files(const fs::path& folder, const RandomShape& shape, const fs::path& tokenizer) {
  base::make_folder(folder);
  Json config = config_of(shape);
  config["pad_token_id"] = nullptr;
  if (tokenizer.empty())
    make_tokenizer(folder, config);
  else
    take_tokenizer(tokenizer, folder, config);
  write_json(folder / "config.json", config);
  write_json(folder / "preprocessor_config.json", preprocessor_of(shape));
  if (shape.family != Family::llava && shape.family != Family::llava_next) return;
  write_json(folder / "processor_config.json", {{"image_token", "<image>"},
                                                {"num_additional_image_tokens", 1},
                                                {"patch_size", 14},
                                                {"processor_class", "LlavaProcessor"},
                                                {"vision_feature_select_strategy", "default"}});
}

RandomFolder::RandomFolder(const RandomShape& shape, uint64_t seed) {
  write_side_files(path(), shape, {});
  checkpoint::write_random_weights(path(), tensors_of(shape), seed);
}

}  // namespace visavis::bench
