#include "engine/adopt/llava_files.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "engine/adopt/image_token.h"
#include "engine/adopt/sentencepiece_model.h"
#include "engine/checkpoint/config_reader.h"
#include "engine/checkpoint/tensor_source.h"

namespace visavis::adopt {
namespace {

namespace fs = std::filesystem;
using base::Json;
using checkpoint::ConfigReader;

constexpr const char* kArchitecture = "LlavaLlamaForCausalLM";

constexpr const char* kTemplate =
    "{%- if messages[0].role != 'system' -%}"
    "{{ 'A chat between a curious user and an artificial intelligence assistant. The assistant "
    "gives helpful, detailed, and polite answers to the user\\'s questions. ' }}{%- endif -%}"
    "{%- for message in messages -%}"
    "{%- if message.role != 'system' -%}{{ message.role.upper() + ': ' }}{%- endif -%}"
    "{%- if message.content is string -%}{{ message.content }}{%- else -%}"
    "{%- for part in message.content if part.type == 'image' -%}{{ '<image>\\n' }}{%- endfor -%}"
    "{%- for part in message.content if part.type == 'text' -%}{{ part.text }}{%- endfor -%}"
    "{%- endif -%}"
    "{{ '</s>' if message.role == 'assistant' else ' ' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ 'ASSISTANT:' }}{%- endif -%}";

// Keys of the decoder; the hub keeps them in a section.
constexpr const char* kTextKeys[] = {
    "hidden_size",         "intermediate_size",  "num_hidden_layers",       "num_attention_heads",
    "num_key_value_heads", "head_dim",           "max_position_embeddings", "rms_norm_eps",
    "rope_theta",          "rope_scaling",       "rope_parameters",         "hidden_act",
    "attention_bias",      "tie_word_embeddings"};

Json text_config(const ConfigReader& config, int64_t vocabulary) {
  Json text = {{"model_type", "llama"}, {"vocab_size", vocabulary}};
  for (const char* key : kTextKeys)
    if (config.has(key)) text[key] = config.json().at(key);
  return text;
}

// A CLIP model's settings, whole or its tower's alone.
Json vision_config(const fs::path& tower) {
  const ConfigReader config = ConfigReader::open(tower / "config.json");
  if (config.has("vision_config")) return config.section("vision_config").json();
  if (config.string_or("model_type", "") != "clip_vision_model")
    config.reject("vision_config", "the settings of a CLIP tower");
  return config.json();
}

// Reads a choice that the published code has, but of which only some are known here.
void require_choice(const ConfigReader& config, const char* key, const char* absent,
                    std::initializer_list<const char*> known, const char* wanted) {
  const std::string found = config.string_or(key, absent);
  if (std::find(known.begin(), known.end(), found) == known.end()) config.reject(key, wanted);
}

Json tokenizer_config(const fs::path& folder) {
  const fs::path file = folder / "tokenizer_config.json";
  if (!fs::exists(file)) return {{"tokenizer_class", "LlamaTokenizer"}};
  return ConfigReader::open(file).json();
}

// Many tokenizers bring the template of the text model alone.
bool shows_pictures(const Json& settings) {
  const auto found = settings.find("chat_template");
  return found != settings.end() && found->is_string() &&
         found->get<std::string>().find("image") != std::string::npos;
}

struct Tokenizer {
  std::string json;  // tokenizer.json
  int64_t tokens = 0;
  int64_t image = -1;  // id of <image>

  void add(int64_t id, std::string_view content, const std::string& file) {
    require(id >= 0 && id <= checkpoint::kMaxDimension, file, ": an added token has id ", id,
            ", wanted 0 to ", checkpoint::kMaxDimension);
    tokens = std::max(tokens, id + 1);
    if (content == "<image>") image = id;
  }
};

// base::Json takes a while to look for a key among 32,000.
nlohmann::json parse_tokenizer(const std::string& text, const std::string& file) {
  constexpr int kMostDepth = 200;  // nlohmann's destructor calls itself for every level
  bool deep = false;
  const auto shallow = [&deep](int depth, auto, auto&) {
    deep = deep || depth > kMostDepth;
    return !deep;
  };
  nlohmann::json json = nlohmann::json::parse(text, shallow, false);
  require(!deep, file, ": JSON is nested more than ", kMostDepth, " deep");
  require(json.is_object() && json.contains("model"), file, ": is no tokenizer.json");
  return json;
}

// Counts what a tokenizer.json holds.
void count_tokens(const nlohmann::json& json, const std::string& file, Tokenizer& result) {
  const nlohmann::json& model = json.at("model");
  if (model.is_object() && model.contains("vocab"))
    result.tokens = static_cast<int64_t>(model["vocab"].size());
  const auto added = json.find("added_tokens");
  if (added == json.end()) return;
  for (const nlohmann::json& token : *added) {
    require(token.is_object() && token.contains("id") && token["id"].is_number_integer() &&
                token.contains("content") && token["content"].is_string(),
            file, ": an added token has no id or no content");
    result.add(token["id"].get<int64_t>(), token["content"].get_ref<const std::string&>(), file);
  }
}

// And what its settings add. Whoever loads them says what else is wrong with them.
void count_added(const Json& settings, const std::string& file, Tokenizer& result) {
  const auto added = settings.find("added_tokens_decoder");
  if (added == settings.end() || !added->is_object()) return;
  for (const auto& [key, token] : added->items()) {
    int64_t id = 0;
    const auto parsed = std::from_chars(key.data(), key.data() + key.size(), id);
    const auto content = token.is_object() ? token.find("content") : token.end();
    if (parsed.ec == std::errc() && content != token.end() && content->is_string())
      result.add(id, content->get_ref<const std::string&>(), file);
  }
}

Tokenizer read_tokenizer(const fs::path& folder, const Json& settings) {
  Tokenizer result;
  const fs::path ready = folder / "tokenizer.json";
  const fs::path model = folder / "tokenizer.model";
  if (fs::exists(ready)) {
    constexpr int64_t kMostBytes = 256 << 20;
    result.json = base::read_file(ready, kMostBytes);
    count_tokens(parse_tokenizer(result.json, ready.string()), ready.string(), result);
  } else {
    require(fs::exists(model), "'", folder.string(),
            "': found no tokenizer, wanted tokenizer.model or tokenizer.json");
    constexpr int64_t kMostBytes = 32 << 20;  // LLaMA's has half a megabyte
    const SentencepieceModel read =
        parse_sentencepiece_model(base::read_file(model, kMostBytes), model.string());
    const bool add_bos = !settings.contains("add_bos_token") || settings["add_bos_token"] != false;
    const nlohmann::json json = sentencepiece_tokenizer(read.pieces, read.add_space,
                                                        add_bos ? read.bos : -1, model.string());
    count_tokens(json, model.string(), result);
    result.json = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  count_added(settings, (folder / "tokenizer_config.json").string(), result);
  return result;
}

bool is_model_folder(const fs::path& folder) { return fs::exists(folder / "config.json"); }

}  // namespace

bool is_authors_llava(const fs::path& folder) {
  if (!is_model_folder(folder)) return false;
  const ConfigReader config = ConfigReader::open(folder / "config.json");
  if (!config.json().contains("architectures")) return false;
  const std::vector<std::string> names = config.strings("architectures");
  return !names.empty() && names.front() == kArchitecture;
}

fs::path tower_of(const fs::path& folder, const FindModel& find) {
  const ConfigReader config = ConfigReader::open(folder / "config.json");
  const std::string key =
      config.has("mm_vision_tower") ? "mm_vision_tower" : "vision_tower";  // older ones
  const std::string name = config.require_string(key);
  const fs::path named = name;
  const fs::path last =
      named.filename().empty() ? named.parent_path().filename() : named.filename();
  const fs::path own = fs::absolute(folder).lexically_normal();
  const fs::path beside =
      own.filename().empty() ? own.parent_path().parent_path() : own.parent_path();
  for (const fs::path& candidate :
       {own / last, beside / last, beside / named, beside.parent_path() / named, named})
    if (is_model_folder(candidate)) return fs::absolute(candidate);
  try {
    return fs::absolute(find(name));
  } catch (const Error& error) {
    fail(config.file(), ": its vision tower '", name, "' (", key,
         ") is a model of its own and not beside it: ", error.what());
  }
}

bool holds_tower(const fs::path& folder) {
  return checkpoint::open_tensors(folder)->find(
             "model.vision_tower.vision_tower.vision_model.embeddings.class_embedding") != nullptr;
}

DerivedFiles files_of_llava(const fs::path& folder, const fs::path& tower) {
  const ConfigReader config = ConfigReader::open(folder / "config.json");
  require_choice(config, "mm_projector_type", "linear", {"mlp2x_gelu"},
                 "mlp2x_gelu, LLaVA-1.5's projector");
  require_choice(config, "mm_patch_merge_type", "flat", {"flat"},
                 "flat; LLaVA-1.6 is read in the hub's form (LlavaNextForConditionalGeneration)");
  require_choice(config, "image_aspect_ratio", "square", {"pad", "square"}, "pad or square");
  require_choice(config, "mm_vision_select_feature", "patch", {"patch", "cls_patch"},
                 "patch or cls_patch");
  for (const char* key : {"mm_use_im_start_end", "mm_use_im_patch_token"})
    if (config.bool_or(key, false)) config.reject(key, "false");

  Json settings = tokenizer_config(folder);
  const Tokenizer tokenizer = read_tokenizer(folder, settings);
  const ImageToken image =
      image_token(tokenizer.image, config.require_int("vocab_size"), tokenizer.tokens);
  const bool all_rows = config.string_or("mm_vision_select_feature", "patch") == "cls_patch";
  Json hub = {{"architectures", {"LlavaForConditionalGeneration"}},
              {"model_type", "llava"},
              {"text_config", text_config(config, image.vocabulary)},
              {"tie_word_embeddings", config.bool_or("tie_word_embeddings", false)},
              {"image_token_index", image.id},
              {"projector_hidden_act", "gelu"},
              {"multimodal_projector_bias", true},
              {"vision_feature_layer", config.int_or("mm_vision_select_layer", -2, -1024, 1024)},
              {"vision_feature_select_strategy", all_rows ? "full" : "default"},
              {"image_aspect_ratio", config.string_or("image_aspect_ratio", "square")},
              {"vision_config", vision_config(tower)}};
  if (config.has("quantization_config"))
    hub["quantization_config"] = config.json().at("quantization_config");

  DerivedFiles files = {{"config.json", base::dump_json(hub)},
                        {"tokenizer.json", tokenizer.json},
                        {"tokenizer_config.json", base::dump_json(settings)}};
  const char* pictures = "preprocessor_config.json";
  if (!fs::exists(tower / pictures)) pictures = "processor_config.json";
  require(fs::exists(tower / pictures), "'", tower.string(),
          "': the vision tower has no picture settings, wanted preprocessor_config.json");
  files[pictures] = base::read_file(tower / pictures);
  add_image_token(image, files);
  const fs::path generation = folder / "generation_config.json";
  if (fs::exists(generation)) {
    files["generation_config.json"] = base::read_file(generation);
  } else if (config.has("eos_token_id")) {
    files["generation_config.json"] =
        base::dump_json({{"eos_token_id", config.json().at("eos_token_id")}});
  }
  const fs::path own = folder / "chat_template.jinja";
  if (fs::exists(own))
    files["chat_template.jinja"] = base::read_file(own);
  else if (!shows_pictures(settings))
    files["chat_template.jinja"] = kTemplate;
  return files;
}

}  // namespace visavis::adopt
