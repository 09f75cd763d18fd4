#include "engine/adopt/gguf_files.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "engine/adopt/gguf_metadata.h"
#include "engine/adopt/image_token.h"

namespace visavis::adopt {
namespace {

using base::Json;

const std::string kTower = "clip.vision.";

int64_t rows_of(const GgufFile& file, const std::string& name) {
  const checkpoint::GgufTensor* tensor = find_tensor(file, name);
  require(tensor != nullptr, file.name, ": has no tensor '", name, "'");
  return tensor->shape[0];
}

// The decoder's sizes; `kind` begins the keys.
Json text_config(const GgufFile& text, const std::string& kind) {
  const auto size = [&](const char* key) { return require_whole(text, kind + "." + key); };
  const int64_t heads = size("attention.head_count");
  const int64_t hidden = size("embedding_length");
  require(heads >= 1, text.name, ": ", kind, ".attention.head_count is ", heads,
          ", wanted at least 1");
  int64_t head_dim = hidden / heads;
  for (const char* key : {"rope.dimension_count", "attention.key_length"})
    head_dim = whole(text, kind + "." + key).value_or(head_dim);
  const bool theta = text.header.metadata.contains(kind + ".rope.freq_base");
  return {{"hidden_size", hidden},
          {"num_hidden_layers", size("block_count")},
          {"num_attention_heads", heads},
          {"num_key_value_heads", whole(text, kind + ".attention.head_count_kv").value_or(heads)},
          {"head_dim", head_dim},
          {"intermediate_size", size("feed_forward_length")},
          {"max_position_embeddings", size("context_length")},
          {"rms_norm_eps", require_number(text, kind + ".attention.layer_norm_rms_epsilon")},
          {"rope_parameters",
           {{"rope_type", "default"},
            {"rope_theta", theta ? require_number(text, kind + ".rope.freq_base") : 1e4}}},
          {"hidden_act", "silu"},
          {"attention_bias", find_tensor(text, "blk.0.attn_q.bias") != nullptr},
          {"tie_word_embeddings", find_tensor(text, "output.weight") == nullptr}};
}

// The id of a token, or -1.
int64_t token_id(const GgufFile& text, const char* token) {
  const auto* tokens =
      find<std::vector<std::string>>(text, "tokenizer.ggml.tokens", "list of texts");
  if (tokens == nullptr) return -1;
  const auto at = std::find(tokens->begin(), tokens->end(), token);
  return at == tokens->end() ? -1 : at - tokens->begin();
}

int64_t require_token(const GgufFile& text, const char* token) {
  const int64_t id = token_id(text, token);
  require(id >= 0, text.name, ": its vocabulary has no token '", token, "'");
  return id;
}

Json three_numbers(const GgufFile& tower, const char* key) {
  const auto* values = find<std::vector<double>>(tower, kTower + key, "list of numbers");
  require(values != nullptr && values->size() == 3, tower.name, ": has no metadata key '", kTower,
          key, "' of three numbers");
  Json list = Json::array();
  for (const double value : *values) list.push_back(short_number(value));
  return list;
}

std::string activation(const GgufFile& tower, const char* absent) {
  if (flag(tower, "clip.use_silu", false)) return "silu";
  return flag(tower, "clip.use_gelu", false) ? "gelu" : absent;
}

// The ids that end an answer: what the file names, and whatever else its family ends with.
std::string generation_config(const GgufFile& text, std::vector<int64_t> also) {
  Json ids = Json::array();
  if (const auto eos = whole(text, "tokenizer.ggml.eos_token_id")) ids.push_back(*eos);
  for (const int64_t id : also)
    if (id >= 0 && std::find(ids.begin(), ids.end(), Json(id)) == ids.end()) ids.push_back(id);
  return base::dump_json({{"eos_token_id", ids}, {"do_sample", false}});
}

void keep_template(const GgufFile& text, DerivedFiles& files) {
  const std::string source = text_or(text, "tokenizer.chat_template", "");
  // Many files bring the template of the text model alone.
  if (source.find("image") != std::string::npos) files["chat_template.jinja"] = source;
}

DerivedFiles qwen3_vl(const GgufFile& text, const GgufFile& tower) {
  const std::string kind = "qwen3vl";
  Json config = {{"architectures", {"Qwen3VLForConditionalGeneration"}},
                 {"model_type", "qwen3_vl"}};
  Json decoder = text_config(text, kind);
  const bool tied = decoder["tie_word_embeddings"];
  decoder["model_type"] = "qwen3_vl_text";
  decoder["vocab_size"] = rows_of(text, "token_embd.weight");
  const std::string key = kind + ".rope.dimension_sections";
  const auto* sections = find<std::vector<int64_t>>(text, key, "list of numbers");
  require(sections != nullptr && sections->size() >= 3, text.name, ": has no metadata key '", key,
          "' of three numbers or more");
  decoder["rope_parameters"]["mrope_interleaved"] = true;
  decoder["rope_parameters"]["mrope_section"] =
      Json::array({(*sections)[0], (*sections)[1], (*sections)[2]});
  config["text_config"] = decoder;
  config["tie_word_embeddings"] = tied;
  config["image_token_id"] = require_token(text, "<|image_pad|>");
  config["video_token_id"] = token_id(text, "<|video_pad|>");
  config["vision_start_token_id"] = require_token(text, "<|vision_start|>");
  config["vision_end_token_id"] = require_token(text, "<|vision_end|>");
  const auto size = [&](const char* name) { return require_whole(tower, kTower + name); };
  const int64_t merge = whole(tower, kTower + "spatial_merge_size").value_or(2);
  Json taps = Json::array();
  if (const auto* flags =
          find<std::vector<bool>>(tower, kTower + "is_deepstack_layers", "list of flags"))
    for (size_t i = 0; i < flags->size(); ++i)
      if ((*flags)[i]) taps.push_back(i);
  config["vision_config"] = {{"depth", size("block_count")},
                             {"hidden_size", size("embedding_length")},
                             {"intermediate_size", size("feed_forward_length")},
                             {"num_heads", size("attention.head_count")},
                             {"patch_size", size("patch_size")},
                             {"spatial_merge_size", merge},
                             {"temporal_patch_size", 2},
                             {"in_channels", 3},
                             {"out_hidden_size", size("projection_dim")},
                             {"num_position_embeddings", rows_of(tower, "v.position_embd.weight")},
                             {"deepstack_visual_indexes", taps},
                             {"hidden_act", "gelu_pytorch_tanh"}};
  // The files do not always keep the limits of a picture's pixels; then those that all published
  // models of the family have.
  const Json pixels = {
      {"shortest_edge", whole(tower, kTower + "image_min_pixels").value_or(65536)},
      {"longest_edge", whole(tower, kTower + "image_max_pixels").value_or(16777216)}};
  const Json preprocessor = {{"image_processor_type", "Qwen2VLImageProcessor"},
                             {"patch_size", size("patch_size")},
                             {"merge_size", merge},
                             {"temporal_patch_size", 2},
                             {"image_mean", three_numbers(tower, "image_mean")},
                             {"image_std", three_numbers(tower, "image_std")},
                             {"size", pixels}};
  DerivedFiles files = tokenizer_of_gguf(text);
  files["config.json"] = base::dump_json(config);
  files["preprocessor_config.json"] = base::dump_json(preprocessor);
  files["generation_config.json"] = generation_config(text, {token_id(text, "<|endoftext|>")});
  keep_template(text, files);
  return files;
}

// Which block's output the projector takes, counted from the end as the hub does. Files say it, or
// leave the last block out (and with it the norm behind it), or mean the second-last one.
int64_t feature_layer(const GgufFile& tower) {
  const std::string key = kTower + "feature_layer";
  if (const auto* layers = find<std::vector<int64_t>>(tower, key, "list of numbers")) {
    require(layers->size() == 1, tower.name, ": ", key, " has ", layers->size(),
            " entries; several layers are not supported in GGUF files");
    return layers->front();
  }
  return find_tensor(tower, "v.post_ln.weight") == nullptr ? -1 : -2;
}

DerivedFiles llava(const GgufFile& text, const GgufFile& tower) {
  require(text_or(tower, kTower + "mm_patch_merge_type", "flat") == "flat", tower.name, ": ",
          kTower, "mm_patch_merge_type is '",
          text_or(tower, kTower + "mm_patch_merge_type", "flat"),
          "', wanted 'flat' as LLaVA-1.5 has it");
  const auto size = [&](const char* name) { return require_whole(tower, kTower + name); };
  const int64_t rows = rows_of(text, "token_embd.weight");
  const ImageToken image = image_token(token_id(text, "<image>"), rows, rows);
  Json decoder = text_config(text, "llama");
  const bool tied = decoder["tie_word_embeddings"];
  decoder["model_type"] = "llama";
  decoder["vocab_size"] = image.vocabulary;
  const int64_t side = size("image_size");
  const Json config = {
      {"architectures", {"LlavaForConditionalGeneration"}},
      {"model_type", "llava"},
      {"text_config", decoder},
      {"tie_word_embeddings", tied},
      {"image_token_index", image.id},
      {"projector_hidden_act", "gelu"},
      {"multimodal_projector_bias", true},
      {"vision_feature_layer", feature_layer(tower)},
      {"vision_feature_select_strategy", "default"},
      {"vision_config",
       {{"model_type", "clip_vision_model"},
        {"num_hidden_layers", size("block_count")},
        {"hidden_size", size("embedding_length")},
        {"intermediate_size", size("feed_forward_length")},
        {"num_attention_heads", size("attention.head_count")},
        {"image_size", side},
        {"patch_size", size("patch_size")},
        {"layer_norm_eps", require_number(tower, kTower + "attention.layer_norm_epsilon")},
        {"hidden_act", activation(tower, "quick_gelu")}}}};
  const Json preprocessor = {{"image_processor_type", "CLIPImageProcessor"},
                             {"size", {{"shortest_edge", side}}},
                             {"crop_size", {{"height", side}, {"width", side}}},
                             {"resample", 3},
                             {"image_mean", three_numbers(tower, "image_mean")},
                             {"image_std", three_numbers(tower, "image_std")}};
  DerivedFiles files = tokenizer_of_gguf(text);
  add_image_token(image, files);
  files["config.json"] = base::dump_json(config);
  files["preprocessor_config.json"] = base::dump_json(preprocessor);
  files["processor_config.json"] = base::dump_json({{"image_token", "<image>"},
                                                    {"patch_size", size("patch_size")},
                                                    {"num_additional_image_tokens", 1},
                                                    {"vision_feature_select_strategy", "default"}});
  files["generation_config.json"] = generation_config(text, {});
  keep_template(text, files);
  return files;
}

struct Pairing {
  const char* architecture;  // general.architecture of the text model
  const char* projector;     // of the vision tower
  DerivedFiles (*derive)(const GgufFile& text, const GgufFile& tower);
};

constexpr Pairing kPairings[] = {
    {"qwen3vl", "qwen3vl_merger", &qwen3_vl},
    {"llama", "mlp", &llava},
};

}  // namespace

DerivedFiles files_of_gguf(const GgufFile& text, const GgufFile& tower) {
  const std::string architecture = text_or(text, "general.architecture", "");
  std::string projector = text_or(tower, "clip.projector_type", "mlp");
  projector = text_or(tower, kTower + "projector_type", projector.c_str());
  std::vector<std::string> known;
  for (const Pairing& pairing : kPairings) {
    if (architecture == pairing.architecture && projector == pairing.projector)
      return pairing.derive(text, tower);
    known.push_back(std::string(pairing.architecture) + " with " + pairing.projector);
  }
  fail(text.name, ": text model '", architecture, "' with a vision tower '", projector,
       "' is not supported; known: ", base::join(known, ", "));
}

}  // namespace visavis::adopt
