#include "engine/text/tokenizer_config.h"

#include <charconv>

#include "engine/text/json_fields.h"

namespace visavis::text {
namespace {

// A special string is written as a string or as an added token's object.
std::optional<std::string> special_string(const base::Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_object() && json.contains("content") && json["content"].is_string()) {
    return json["content"].get<std::string>();
  }
  return std::nullopt;
}

AddedToken read_added(const base::Json& json, int32_t id, const std::string& name) {
  require(json.is_object(), name, ": added token ", id, " is ", json.type_name(),
          ", wanted an object");
  AddedToken token;
  token.content = string_field(json, "content", name);
  token.id = id;
  token.single_word = bool_field(json, "single_word", false, name);
  token.lstrip = bool_field(json, "lstrip", false, name);
  token.rstrip = bool_field(json, "rstrip", false, name);
  token.special = bool_field(json, "special", false, name);
  token.normalized = bool_field(json, "normalized", !token.special, name);
  return token;
}

}  // namespace

TokenizerConfig TokenizerConfig::read(const base::Json& json, const std::string& name) {
  require(json.is_object(), name, ": is ", json.type_name(), ", wanted an object");
  TokenizerConfig config;
  config.tokenizer_class = optional_string_field(json, "tokenizer_class", name).value_or("");
  if (config.tokenizer_class.ends_with("Fast")) {
    config.tokenizer_class.resize(config.tokenizer_class.size() - 4);
  }
  for (const char* key : {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token",
                          "cls_token", "mask_token"}) {
    if (const auto found = json.find(key); found != json.end() && !found->is_null()) {
      const auto text = special_string(*found);
      require(text.has_value(), name, ": '", key, "' is neither a string nor an added token");
      config.special_strings[key] = *text;
    }
  }
  for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
    const auto found = json.find(key);
    if (found == json.end() || found->is_null()) continue;
    require(found->is_array() || found->is_object(), name, ": '", key, "' is ", found->type_name(),
            ", wanted a list or an object");
    for (const auto& [label, value] : found->items()) {
      const auto text = special_string(value);
      require(text.has_value(), name, ": '", key, "' holds what is no token");
      config.extra_special.push_back(*text);
      if (found->is_object()) config.special_strings[label] = *text;
    }
  }
  if (const auto found = json.find("added_tokens_decoder");
      found != json.end() && !found->is_null()) {
    require(found->is_object(), name, ": 'added_tokens_decoder' is ", found->type_name(),
            ", wanted an object");
    for (const auto& [key, value] : found->items()) {
      int32_t id = 0;
      const auto parsed = std::from_chars(key.data(), key.data() + key.size(), id);
      require(parsed.ec == std::errc() && parsed.ptr == key.data() + key.size(), name,
              ": 'added_tokens_decoder' has key '", key, "', wanted an id");
      config.added_tokens.push_back(read_added(value, id, name));
    }
  }
  config.legacy = bool_field(json, "legacy", false, name);
  config.add_prefix_space = bool_field(json, "add_prefix_space", true, name);
  config.add_bos = bool_field(json, "add_bos_token", false, name);
  config.add_eos = bool_field(json, "add_eos_token", false, name);
  return config;
}

TokenizerRules TokenizerConfig::rules(const std::string& model_type) const {
  // transformers 5.17 holds the classes written in LLaVA folders to be wrong and ignores them.
  if (model_type == "llava" || model_type == "llava_next") return TokenizerRules::tokenizer_json;
  if (tokenizer_class == "LlamaTokenizer") return TokenizerRules::llama;
  if (tokenizer_class == "Qwen2Tokenizer") return TokenizerRules::qwen2;
  if (tokenizer_class.empty() && (model_type == "qwen3_vl" || model_type == "qwen2_5_vl"))
    return TokenizerRules::qwen2;
  return TokenizerRules::tokenizer_json;
}

}  // namespace visavis::text
