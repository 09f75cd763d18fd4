// config.json and preprocessor_config.json of the published sizes.
#include <array>

#include "engine/bench/random_shapes.h"

namespace visavis::bench {
namespace {

using base::Json;

constexpr int64_t kQwenPatch = 16;
constexpr int64_t kVitPatch = 14;
constexpr int64_t kMerge = 2;
constexpr std::array<double, 3> kClipMean = {0.48145466, 0.4578275, 0.40821073};
constexpr std::array<double, 3> kClipStd = {0.26862954, 0.26130258, 0.27577711};

Json pinpoints_of(const RandomShape& shape) {
  const int64_t side = shape.vision.positions;
  return {
      {side, 2 * side}, {2 * side, side}, {2 * side, 2 * side}, {3 * side, side}, {side, 3 * side}};
}

Json qwen_config(const RandomShape& shape) {
  const int64_t half = shape.text.head_dim / 2;
  const int64_t side_section = half * 5 / 16;  // 20 of 64
  Json text = {{"attention_bias", false},
               {"dtype", "bfloat16"},
               {"head_dim", shape.text.head_dim},
               {"hidden_act", "silu"},
               {"hidden_size", shape.text.hidden},
               {"intermediate_size", shape.text.ffn},
               {"max_position_embeddings", 262144},
               {"model_type", "qwen3_vl_text"},
               {"num_attention_heads", shape.text.heads},
               {"num_hidden_layers", shape.text.layers},
               {"num_key_value_heads", shape.text.kv_heads},
               {"rms_norm_eps", 1e-6},
               {"rope_scaling",
                {{"mrope_interleaved", true},
                 {"mrope_section", {half - 2 * side_section, side_section, side_section}},
                 {"rope_type", "default"}}},
               {"rope_theta", 5000000},
               {"vocab_size", shape.text.vocabulary}};
  Json vision = {{"deepstack_visual_indexes", shape.vision.blocks},
                 {"depth", shape.vision.depth},
                 {"hidden_act", "gelu_pytorch_tanh"},
                 {"hidden_size", shape.vision.hidden},
                 {"in_channels", 3},
                 {"intermediate_size", shape.vision.ffn},
                 {"model_type", "qwen3_vl"},
                 {"num_heads", shape.vision.heads},
                 {"num_position_embeddings", shape.vision.positions},
                 {"out_hidden_size", shape.text.hidden},
                 {"patch_size", kQwenPatch},
                 {"spatial_merge_size", kMerge},
                 {"temporal_patch_size", 2}};
  return {{"architectures", {"Qwen3VLForConditionalGeneration"}},
          {"image_token_id", 151655},
          {"model_type", "qwen3_vl"},
          {"text_config", text},
          {"tie_word_embeddings", shape.text.tied},
          {"video_token_id", 151656},
          {"vision_config", vision},
          {"vision_end_token_id", 151653},
          {"vision_start_token_id", 151652}};
}

Json llava_config(const RandomShape& shape) {
  Json text = {{"architectures", {"LlamaForCausalLM"}},
               {"hidden_size", shape.text.hidden},
               {"intermediate_size", shape.text.ffn},
               {"max_position_embeddings", 4096},
               {"model_type", "llama"},
               {"num_attention_heads", shape.text.heads},
               {"num_hidden_layers", shape.text.layers},
               {"num_key_value_heads", shape.text.kv_heads},
               {"rms_norm_eps", 1e-5},
               {"torch_dtype", "float16"},
               {"vocab_size", shape.text.vocabulary}};
  Json vision = {{"hidden_size", shape.vision.hidden},
                 {"image_size", shape.vision.positions},
                 {"intermediate_size", shape.vision.ffn},
                 {"model_type", "clip_vision_model"},
                 {"num_attention_heads", shape.vision.heads},
                 {"num_hidden_layers", shape.vision.depth},
                 {"patch_size", kVitPatch},
                 {"projection_dim", 768}};
  return {{"architectures", {"LlavaForConditionalGeneration"}},
          {"ignore_index", -100},
          {"image_token_index", 32000},
          {"model_type", "llava"},
          {"pad_token_id", 32001},
          {"projector_hidden_act", "gelu"},
          {"text_config", text},
          {"tie_word_embeddings", shape.text.tied},
          {"torch_dtype", "float16"},
          {"vision_config", vision},
          {"vision_feature_layer", -2},
          {"vision_feature_select_strategy", "default"}};
}

// With tiles, and a text model that is Mistral's where heads share keys.
Json tiled_config(const RandomShape& shape) {
  Json config = llava_config(shape);
  config["architectures"] = {"LlavaNextForConditionalGeneration"};
  config["model_type"] = "llava_next";
  config["image_grid_pinpoints"] = pinpoints_of(shape);
  if (shape.text.kv_heads != shape.text.heads) {
    Json& text = config["text_config"];
    text["architectures"] = {"MistralForCausalLM"};
    text["model_type"] = "mistral";
    text["max_position_embeddings"] = 32768;
    text["rope_theta"] = 1000000.0;
    text["sliding_window"] = nullptr;
  }
  return config;
}

Json windowed_config(const RandomShape& shape) {
  const int64_t half = shape.text.head_dim / 2;
  const int64_t side_section = half * 3 / 8;  // 24 of 64
  return {{"architectures", {"Qwen2_5_VLForConditionalGeneration"}},
          {"hidden_act", "silu"},
          {"hidden_size", shape.text.hidden},
          {"image_token_id", 151655},
          {"intermediate_size", shape.text.ffn},
          {"max_position_embeddings", 128000},
          {"model_type", "qwen2_5_vl"},
          {"num_attention_heads", shape.text.heads},
          {"num_hidden_layers", shape.text.layers},
          {"num_key_value_heads", shape.text.kv_heads},
          {"rms_norm_eps", 1e-6},
          {"rope_scaling",
           {{"mrope_section", {half - 2 * side_section, side_section, side_section}},
            {"type", "mrope"}}},
          {"rope_theta", 1000000.0},
          {"tie_word_embeddings", shape.text.tied},
          {"torch_dtype", "bfloat16"},
          {"use_sliding_window", false},
          {"video_token_id", 151656},
          {"vision_config",
           {{"depth", shape.vision.depth},
            {"fullatt_block_indexes", shape.vision.blocks},
            {"hidden_act", "silu"},
            {"hidden_size", shape.vision.hidden},
            {"in_chans", 3},
            {"intermediate_size", shape.vision.ffn},
            {"num_heads", shape.vision.heads},
            {"out_hidden_size", shape.text.hidden},
            {"patch_size", kVitPatch},
            {"spatial_merge_size", kMerge},
            {"temporal_patch_size", 2},
            {"window_size", 112}}},
          {"vision_end_token_id", 151653},
          {"vision_start_token_id", 151652},
          {"vocab_size", shape.text.vocabulary}};
}

}  // namespace

Json config_of(const RandomShape& shape) {
  switch (shape.family) {
    case Family::qwen3_vl:
      return qwen_config(shape);
    case Family::qwen2_5_vl:
      return windowed_config(shape);
    case Family::llava_next:
      return tiled_config(shape);
    case Family::llava:
      break;
  }
  return llava_config(shape);
}

Json preprocessor_of(const RandomShape& shape) {
  if (shape.family == Family::qwen3_vl)
    return {{"size", {{"longest_edge", 16777216}, {"shortest_edge", 65536}}},
            {"patch_size", kQwenPatch},
            {"temporal_patch_size", 2},
            {"merge_size", kMerge},
            {"image_mean", {0.5, 0.5, 0.5}},
            {"image_std", {0.5, 0.5, 0.5}},
            {"processor_class", "Qwen3VLProcessor"},
            {"image_processor_type", "Qwen2VLImageProcessorFast"}};
  if (shape.family == Family::qwen2_5_vl)
    return {{"image_mean", kClipMean}, {"image_processor_type", "Qwen2VLImageProcessor"},
            {"image_std", kClipStd},   {"max_pixels", 12845056},
            {"merge_size", kMerge},    {"min_pixels", 3136},
            {"patch_size", kVitPatch}, {"processor_class", "Qwen2_5_VLProcessor"},
            {"temporal_patch_size", 2}};
  const int64_t side = shape.vision.positions;
  Json json = {{"crop_size", {{"height", side}, {"width", side}}},
               {"do_center_crop", true},
               {"do_convert_rgb", true},
               {"do_normalize", true},
               {"do_rescale", true},
               {"do_resize", true},
               {"image_mean", kClipMean},
               {"image_processor_type", "CLIPImageProcessor"},
               {"image_std", kClipStd},
               {"processor_class", "LlavaProcessor"},
               {"resample", 3},
               {"rescale_factor", 1.0 / 255},
               {"size", {{"shortest_edge", side}}}};
  if (shape.family == Family::llava_next) {
    json["image_grid_pinpoints"] = pinpoints_of(shape);
    json["image_processor_type"] = "LlavaNextImageProcessor";
    json["processor_class"] = "LlavaNextProcessor";
  }
  return json;
}

}  // namespace visavis::bench
