// Checkpoints that must be refused, each with a message that names what is wrong, and the
// spellings that must be accepted.
#include "engine/models/families.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "engine/checkpoint/safetensors_writer.h"
#include "engine/models/llava/config.h"
#include "engine/models/qwen2_5_vl/config.h"
#include "engine/models/qwen3_vl/config.h"
#include "picture/encode.h"

namespace visavis::models {
namespace {

namespace fs = std::filesystem;

const fs::path kModels = VISAVIS_GOLDENS_DIR "/models";

/// A golden checkpoint copied to a folder of the test's own, to be spoilt.
class Copy {
 public:
  explicit Copy(const std::string& model)
      : folder_(fs::path(testing::TempDir()) /
                (std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) + "_" +
                 model)) {
    fs::remove_all(folder_);
    fs::copy(kModels / model, folder_, fs::copy_options::recursive);
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  ~Copy() { fs::remove_all(folder_); }

  const fs::path& folder() const { return folder_; }

  Copy& edit(const char* file, const std::function<void(base::Json&)>& change) {
    base::Json json = base::read_json(folder_ / file);
    change(json);
    base::write_file_atomically(folder_ / file, base::dump_json(json));
    return *this;
  }

  /// Writes model.safetensors again with each tensor's entry changed; no name: left out.
  Copy& rewrite(const std::function<void(checkpoint::TensorInfo&)>& change) {
    const auto source = checkpoint::open_tensors(folder_);
    std::vector<checkpoint::TensorSpec> specs;
    std::vector<std::string> bytes;
    for (const checkpoint::TensorInfo& info : source->tensors()) {
      checkpoint::TensorInfo changed = info;
      change(changed);
      if (changed.name.empty()) continue;
      specs.push_back({.name = changed.name, .dtype = changed.dtype, .shape = changed.shape});
      std::string content(
          static_cast<size_t>(changed.shape.elements() * tensor::size_of(changed.dtype)), '\0');
      const tensor::View view = source->read(info.name);
      std::memcpy(content.data(), view.data,
                  std::min(content.size(), static_cast<size_t>(view.bytes())));
      bytes.push_back(std::move(content));
    }
    const fs::path fresh = folder_ / "fresh";
    {
      checkpoint::SafetensorsWriter writer(fresh, specs);
      for (const std::string& content : bytes) writer.write(std::as_bytes(std::span(content)));
      writer.finish();
    }
    fs::rename(fresh, folder_ / "model.safetensors");
    return *this;
  }

  /// The message that opening fails with.
  std::string refusal() const {
    try {
      open_model(folder_, {.weights = {.body = load::Precision::f32}});
    } catch (const Error& error) {
      return error.what();
    }
    return "(opened)";
  }

 private:
  fs::path folder_;
};

using testing::AllOf;
using testing::HasSubstr;

TEST(Families, TheTableHasNoNameTwice) {
  std::set<std::string> names;
  for (const Family& family : families()) EXPECT_TRUE(names.insert(family.architecture).second);
}

TEST(Families, AnUnknownArchitectureListsTheKnownOnes) {
  Copy copy("qwen_wide_heads");
  copy.edit("config.json", [](auto& json) { json["architectures"] = {"Gpt9"}; });
  EXPECT_THAT(copy.refusal(), AllOf(HasSubstr("'Gpt9'"), HasSubstr("LlavaForConditional"),
                                    HasSubstr("Qwen3VLForConditional")));
  copy.edit("config.json", [](auto& json) { json.erase("architectures"); });
  EXPECT_THAT(copy.refusal(), HasSubstr("architectures"));
}

TEST(Families, AMissingFileIsNamed) {
  for (const char* file : {"config.json", "tokenizer.json", "model.safetensors"}) {
    Copy copy("qwen_wide_heads");
    fs::remove(copy.folder() / file);
    EXPECT_THAT(copy.refusal(),
                HasSubstr(file == std::string("model.safetensors") ? "safetensors" : file));
  }
}

TEST(Families, AMissingTensorIsNamed) {
  for (const char* name : {"self_attn.k_norm.weight", "mlp.down_proj.weight",
                           "merger.linear_fc2.bias", "attn.qkv.weight"}) {
    Copy copy("qwen_wide_heads");
    copy.rewrite([name](auto& info) {
      if (info.name.ends_with(name)) info.name.clear();
    });
    EXPECT_THAT(copy.refusal(), HasSubstr(name));
  }
}

TEST(QwenVlChat, AMissingOrMisshapenTensorIsNamed) {
  for (const char* name :
       {"visual.proj", "attn_pool.pos_embed", "h.0.attn.c_attn.bias",
        "resblocks.0.attn.in_proj.bias", "attn_pool.attn.in_proj_weight", "h.0.mlp.w2.weight"}) {
    Copy missing("qwen_vl_queries");
    missing.rewrite([name](auto& info) {
      if (info.name.ends_with(name)) info.name.clear();
    });
    EXPECT_THAT(missing.refusal(), HasSubstr(name));
    Copy misshapen("qwen_vl_queries");
    misshapen.rewrite([name](auto& info) {
      if (info.name.ends_with(name)) info.shape = {3};
    });
    EXPECT_THAT(misshapen.refusal(), AllOf(HasSubstr(name), HasSubstr("[")));
  }
}

TEST(QwenVlChat, ATokenizerOfAnotherModelIsRefused) {
  Copy copy("qwen_vl_queries");
  copy.edit("config.json", [](auto& json) {
    json["visual"]["image_start_id"] = json["visual"]["image_start_id"].template get<int>() - 1;
  });
  EXPECT_THAT(copy.refusal(), AllOf(HasSubstr("qwen.tiktoken"), HasSubstr("'<imgpad>'"),
                                    HasSubstr("they belong to different models")));
}

TEST(QwenVlChat, GptqCodesOfTheFusedLayerAreKeptInItsThreeParts) {
  const auto model = open_model(kModels / "qwen_vl_int4", {});
  int kept = 0;
  for (const load::PlannedTensor& tensor : model->planned()) {
    if (tensor.name.find(".h.0.") == std::string::npos || tensor.shape.rank() != 2) continue;
    EXPECT_TRUE(tensor.format.starts_with("gptq int4 ")) << tensor.name << ": " << tensor.format;
    EXPECT_TRUE(tensor.kept) << tensor.name;
    ++kept;
  }
  EXPECT_EQ(kept, 7);  // q, k, v, c_proj; w2, w1, c_proj
}

TEST(Families, WithoutAKnownPrefixTheNamesLookedForAreListed) {
  Copy copy("llava_saved");
  copy.rewrite([](auto& info) {
    if (info.name.find("vision_tower") != std::string::npos) info.name = "other." + info.name;
  });
  EXPECT_THAT(copy.refusal(),
              AllOf(HasSubstr("vision tower"), HasSubstr("vision_tower.vision_model.embeddings"),
                    HasSubstr("'model.vision_tower.embeddings")));
}

TEST(Families, AWrongShapeIsNamedWithBothShapes) {
  Copy copy("qwen_wide_heads");
  copy.rewrite([](auto& info) {
    if (info.name.ends_with("layers.0.mlp.up_proj.weight")) info.shape = {3, 5};
  });
  EXPECT_THAT(copy.refusal(), AllOf(HasSubstr("up_proj.weight"), HasSubstr("[3, 5]")));
}

TEST(Families, AWrongDtypeIsNamed) {
  Copy copy("qwen_wide_heads");
  copy.rewrite([](auto& info) {
    if (info.name.ends_with("layers.0.mlp.up_proj.weight")) info.dtype = tensor::DType::i32;
  });
  EXPECT_THAT(copy.refusal(), AllOf(HasSubstr("up_proj.weight"), HasSubstr("i32")));
}

TEST(Families, UnknownActivationsAndRopeTypesAreRefusedByName) {
  const auto refuse = [](const char* model, auto change) {
    Copy copy(model);
    copy.edit("config.json", change);
    return copy.refusal();
  };
  EXPECT_THAT(
      refuse("qwen_wide_heads", [](auto& json) { json["vision_config"]["hidden_act"] = "relu2"; }),
      AllOf(HasSubstr("relu2"), HasSubstr("vision_config.hidden_act")));
  EXPECT_THAT(
      refuse("qwen_wide_heads", [](auto& json) { json["text_config"]["hidden_act"] = "mish"; }),
      HasSubstr("mish"));
  EXPECT_THAT(refuse("llava_saved", [](auto& json) { json["projector_hidden_act"] = "tanh"; }),
              HasSubstr("tanh"));
  EXPECT_THAT(refuse("llava_saved",
                     [](auto& json) {
                       json["text_config"]["rope_parameters"] = {{"rope_type", "yarn"}};
                     }),
              HasSubstr("yarn"));
  EXPECT_THAT(refuse("llava_hub",
                     [](auto& json) {
                       json["text_config"]["rope_scaling"] = {{"type", "linear"}, {"factor", 2}};
                     }),
              HasSubstr("linear"));
  EXPECT_THAT(
      refuse("llava_hub", [](auto& json) { json["vision_feature_select_strategy"] = "mean"; }),
      HasSubstr("mean"));
  EXPECT_THAT(
      refuse("llava_hub", [](auto& json) { json["text_config"]["model_type"] = "mistral"; }),
      HasSubstr("mistral"));
}

TEST(Families, ImpossibleSettingsOfQwen25VlAreRefusedInOneLine) {
  const auto refuse = [](const std::function<void(base::Json&)>& change) {
    Copy copy("qwen25_published");
    copy.edit("config.json", change);
    std::string message = copy.refusal();
    EXPECT_EQ(message.find('\n'), std::string::npos);
    return message;
  };
  EXPECT_THAT(refuse([](auto& json) { json["vision_config"]["window_size"] = 20; }),
              AllOf(HasSubstr("vision_config.window_size"), HasSubstr("20"), HasSubstr("28")));
  EXPECT_THAT(refuse([](auto& json) {
                json["vision_config"]["fullatt_block_indexes"] = {1, 4};
              }),
              HasSubstr("fullatt_block_indexes"));
  EXPECT_THAT(refuse([](auto& json) { json["vision_config"]["hidden_act"] = "gelu"; }),
              AllOf(HasSubstr("gelu"), HasSubstr("silu")));
  EXPECT_THAT(refuse([](auto& json) { json["vision_config"]["in_chans"] = 4; }),
              HasSubstr("in_chans"));
  EXPECT_THAT(refuse([](auto& json) { json["vision_config"]["out_hidden_size"] = 48; }),
              AllOf(HasSubstr("out_hidden_size is 48"), HasSubstr("40")));
  EXPECT_THAT(refuse([](auto& json) { json["use_sliding_window"] = true; }),
              HasSubstr("use_sliding_window"));
  EXPECT_THAT(refuse([](auto& json) {
                json["rope_scaling"]["mrope_section"] = {4, 4, 4};
              }),
              AllOf(HasSubstr("mrope_section 4 + 4 + 4"), HasSubstr("20")));
  EXPECT_THAT(refuse([](auto& json) { json["rope_scaling"]["mrope_interleaved"] = true; }),
              HasSubstr("mrope_interleaved"));
  EXPECT_THAT(refuse([](auto& json) { json["rope_scaling"]["type"] = "yarn"; }), HasSubstr("yarn"));
  EXPECT_THAT(refuse([](auto& json) { json["image_token_id"] = 100000; }),
              HasSubstr("image_token_id"));
  for (const char* name : {"attn.qkv.bias", "merger.ln_q.weight", "mlp.gate_proj.bias",
                           "merger.mlp.2.weight", "self_attn.k_proj.bias"}) {
    Copy copy("qwen25_published");
    copy.rewrite([name](auto& info) {
      if (info.name.ends_with(name)) info.name.clear();
    });
    EXPECT_THAT(copy.refusal(), HasSubstr(name));
  }
}

TEST(Families, ImpossibleSettingsOfLlavaNextAreRefusedInOneLine) {
  const auto refuse = [](const char* file, const std::function<void(base::Json&)>& change) {
    Copy copy("next_vicuna");
    copy.edit(file, change);
    std::string message = copy.refusal();
    EXPECT_EQ(message.find('\n'), std::string::npos);
    return message;
  };
  const base::Json bad_pinpoints[] = {base::Json::array(), "many",      {{28, 56}, {28}},
                                      {{28, 30}},          {{-28, 56}}, {{28, 28 * 65}},
                                      {{28, 1e30}}};
  for (const base::Json& pinpoints : bad_pinpoints) {
    for (const char* file : {"config.json", "preprocessor_config.json"}) {
      EXPECT_THAT(refuse(file, [&](auto& json) { json["image_grid_pinpoints"] = pinpoints; }),
                  AllOf(HasSubstr("image_grid_pinpoints"), HasSubstr("multiples of 28")))
          << file << " " << pinpoints.dump();
    }
  }
  EXPECT_THAT(refuse("config.json",
                     [](auto& json) {
                       json["image_grid_pinpoints"] = {{28, 28}};
                     }),
              HasSubstr("different models"));
  EXPECT_THAT(
      refuse("config.json", [](auto& json) { json["vision_feature_select_strategy"] = "full"; }),
      HasSubstr("vision_feature_select_strategy"));
  EXPECT_THAT(
      refuse("config.json", [](auto& json) { json["text_config"]["model_type"] = "qwen2"; }),
      AllOf(HasSubstr("qwen2"), HasSubstr("llama, mistral")));
  EXPECT_THAT(refuse("config.json", [](auto& json) { json["vision_config"]["patch_size"] = 9; }),
              AllOf(HasSubstr("image_size"), HasSubstr("patch_size")));
  EXPECT_THAT(refuse("preprocessor_config.json",
                     [](auto& json) {
                       json["size"] = {{"shortest_edge", 56}};
                     }),
              AllOf(HasSubstr("'size'"), HasSubstr("28")));
  EXPECT_THAT(refuse("preprocessor_config.json",
                     [](auto& json) { json["image_processor_type"] = "CLIPImageProcessor"; }),
              AllOf(HasSubstr("CLIPImageProcessor"), HasSubstr("LlavaNextFor")));
  Copy without("next_vicuna");
  without.rewrite([](auto& info) {
    if (info.name == "image_newline") info.name.clear();
  });
  EXPECT_THAT(without.refusal(),
              AllOf(HasSubstr("'image_newline'"), HasSubstr("'model.image_newline'")));
}

TEST(Families, LlavaNextWithoutATemplateIsAskedAsItsTextModelWants) {
  const auto prompt = [](const char* model) {
    Copy copy(model);
    for (const char* file : {"chat_template.jinja", "chat_template.json"})
      fs::remove(copy.folder() / file);
    const auto opened = open_model(copy.folder(), {});
    const picture::RgbImage black(40, 40);
    const chat::Image image{std::make_shared<const std::string>(picture::encode_png(black)), "x"};
    const Prompt prepared =
        opened->prepare({{.role = chat::Role::system, .parts = {chat::Text{"Be brief."}}},
                         {.role = chat::Role::user, .parts = {image, chat::Text{"One?"}}},
                         {.role = chat::Role::assistant, .parts = {chat::Text{"Yes."}}},
                         {.role = chat::Role::user, .parts = {chat::Text{"Two?"}}}});
    EXPECT_THAT(prepared.notes, testing::Contains(HasSubstr("built-in")));
    return prepared.text;
  };
  EXPECT_EQ(prompt("next_vicuna"),
            "Be brief. USER: <image>\nOne? ASSISTANT: Yes. USER: Two? ASSISTANT:");
  EXPECT_EQ(prompt("next_mistral"),
            "<<SYS>>\nBe brief.\n<</SYS>>\n\n[INST] <image>\nOne? [/INST] Yes.</s> [INST] Two? "
            "[/INST]");
}

TEST(Families, SizesOutOfRangeAreRefused) {
  for (const base::Json& value :
       {base::Json(0), base::Json(-4), base::Json(1e30), base::Json("64"), base::Json(64.5)}) {
    Copy copy("qwen_wide_heads");
    copy.edit("config.json", [&](auto& json) { json["text_config"]["hidden_size"] = value; });
    EXPECT_THAT(copy.refusal(), HasSubstr("hidden_size")) << value.dump();
  }
  Copy taps("qwen_wide_heads");
  taps.edit("config.json", [](auto& json) {
    json["vision_config"]["deepstack_visual_indexes"] = {0, 99};
  });
  EXPECT_THAT(taps.refusal(), HasSubstr("deepstack_visual_indexes"));
}

TEST(Families, TheTokenizerOfAnotherModelIsRefused) {
  Copy larger("qwen_wide_heads");
  fs::copy_file(kModels / "llava_hub/tokenizer.json", larger.folder() / "tokenizer.json",
                fs::copy_options::overwrite_existing);
  EXPECT_THAT(larger.refusal(), HasSubstr("belongs to another model"));

  Copy beyond("llava_saved");
  beyond.edit("tokenizer.json", [](auto& json) {
    base::Json added = json["added_tokens"].back();
    added["id"] = 100000;
    added["content"] = "<beyond>";
    json["added_tokens"].push_back(added);
  });
  EXPECT_THAT(beyond.refusal(), HasSubstr("belongs to another model"));

  Copy moved("llava_saved");
  moved.edit("config.json", [](auto& json) { json["image_token_index"] = 7; });
  EXPECT_THAT(moved.refusal(), AllOf(HasSubstr("'<image>'"), HasSubstr("7")));
}

TEST(Families, PreprocessingForAnotherTowerIsRefused) {
  Copy copy("llava_saved");
  copy.edit("processor_config.json", [](auto& json) {
    json["image_processor"]["crop_size"] = {{"height", 28}, {"width", 28}};
  });
  EXPECT_THAT(copy.refusal(), HasSubstr("28 x 28"));
}

TEST(Configs, AbsentKeysTakeTheOraclesDefaults) {
  const auto qwen = qwen3_vl::read_config({base::Json::parse(R"({
      "text_config": {"hidden_size": 3584}})"),
                                           "config.json"});
  EXPECT_EQ(qwen.text.vocabulary, 151936);
  EXPECT_EQ(qwen.text.head_dim, 128);
  EXPECT_EQ(qwen.vision.depth, 27);
  EXPECT_EQ(qwen.vision.grid_side, 48);
  EXPECT_EQ(qwen.vision.deepstack_taps, (std::vector<int64_t>{8, 16, 24}));
  EXPECT_EQ(qwen.image_token, 151655);

  const auto llava = llava::read_config({base::Json::parse(R"({
      "text_config": {"vocab_size": 32064, "rms_norm_eps": 1e-5,
                      "max_position_embeddings": 4096}})"),
                                         "config.json"},
                                        {"llama"});
  EXPECT_EQ(llava.text.hidden, 4096);
  EXPECT_EQ(llava.text.layers, 32);
  EXPECT_EQ(llava.text.kv_heads, 32);
  EXPECT_EQ(llava.text.head_dim, 128);
  EXPECT_EQ(llava.text.ffn, 11008);
  EXPECT_EQ(llava.vision.hidden, 1024);
  EXPECT_EQ(llava.image_tokens(), 576);
  EXPECT_EQ(llava.blocks_needed(), 23);
  EXPECT_EQ(llava.feature_layers, (std::vector<int64_t>{23}));
}

TEST(Configs, AWindowOfMistralLimitsTheContext) {
  const auto positions = [](const char* text) {
    return llava::read_config({base::Json::parse(text), "config.json"}, {"llama", "mistral"})
        .text.max_positions;
  };
  EXPECT_EQ(positions(R"({"text_config": {"model_type": "mistral", "vocab_size": 32064,
      "max_position_embeddings": 32768, "sliding_window": null}})"),
            32768);
  EXPECT_EQ(positions(R"({"text_config": {"model_type": "mistral", "vocab_size": 32064,
      "max_position_embeddings": 32768}})"),
            4096);
  EXPECT_EQ(positions(R"({"text_config": {"model_type": "mistral", "vocab_size": 32064,
      "sliding_window": 8192}})"),
            8192);
}

TEST(Configs, TextSettingsOfQwen25VlStandBesideTheVisionsOrInTheirOwnSection) {
  // As Qwen2.5-VL-7B-Instruct is published, without what nothing here reads.
  const auto text = base::Json::parse(R"({"hidden_size": 3584, "intermediate_size": 18944,
      "max_position_embeddings": 128000, "num_attention_heads": 28, "num_hidden_layers": 28,
      "num_key_value_heads": 4, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0,
      "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]}, "vocab_size": 152064})");
  const auto vision = base::Json::parse(R"({"depth": 32, "hidden_act": "silu",
      "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "in_chans": 3,
      "out_hidden_size": 3584, "patch_size": 14, "spatial_merge_size": 2, "window_size": 112,
      "fullatt_block_indexes": [7, 15, 23, 31], "temporal_patch_size": 2})");
  base::Json flat = text;
  flat["vision_config"] = vision;
  const base::Json nested = {{"text_config", text}, {"vision_config", vision}};
  for (const base::Json& form : {flat, nested}) {
    const auto config = qwen2_5_vl::read_config({form, "config.json"});
    EXPECT_EQ(config.text.hidden, 3584);
    EXPECT_EQ(config.text.head_dim, 128);
    EXPECT_EQ(config.text.kv_heads, 4);
    EXPECT_EQ(config.text.mrope_section, (std::array<int64_t, 3>{16, 24, 24}));
    EXPECT_TRUE(config.text.qkv_bias);
    EXPECT_FALSE(config.text.attention_bias);
    EXPECT_FALSE(config.text.tied_embeddings);
    EXPECT_EQ(config.vision.head_dim, 80);
    EXPECT_EQ(config.vision.window_tokens(), 4);
    EXPECT_EQ(config.image_token, 151655);
  }
}

TEST(Configs, OldAndNewSpellingsOfRotarySettingsMeanTheSame) {
  const char* old_form = R"({"text_config": {"hidden_size": 3584, "rope_theta": 5000000,
      "rope_scaling": {"mrope_section": [24, 20, 20], "rope_type": "default",
                       "mrope_interleaved": true}}})";
  const char* new_form = R"({"text_config": {"hidden_size": 3584,
      "rope_parameters": {"rope_theta": 5000000, "mrope_section": [24, 20, 20],
                          "rope_type": "default"}}})";
  for (const char* form : {old_form, new_form}) {
    const auto config = qwen3_vl::read_config({base::Json::parse(form), "config.json"});
    EXPECT_EQ(config.text.rope_theta, 5e6);
    EXPECT_EQ(config.text.mrope_section, (std::array<int64_t, 3>{24, 20, 20}));
  }
}

}  // namespace
}  // namespace visavis::models
