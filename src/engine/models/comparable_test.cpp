// One model in two forms is told from two models, by the small files alone.
#include "engine/models/comparable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "base/files.h"
#include "base/json.h"
#include "base/temporary_folder.h"
#include "engine/models/families.h"

namespace visavis::models {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kModels = VISAVIS_GOLDENS_DIR "/models";

std::string apart(const fs::path& model, const fs::path& reference) {
  const load::WeightPolicy f32 = {.body = load::Precision::f32};
  return difference(*open_model(model, {.weights = f32}), *open_model(reference, {.weights = f32}))
      .value_or("nothing");
}

/// What is said of a copy whose file was changed.
std::string apart_after(const std::string& model, const char* file,
                        const std::function<void(base::Json&)>& change) {
  const base::TemporaryFolder folder;
  const fs::path copy = folder.path() / model;
  fs::copy(kModels / model, copy);
  base::Json json = base::read_json(copy / file);
  change(json);
  base::write_file_atomically(copy / file, base::dump_json(json));
  return apart(copy, kModels / model);
}

TEST(Comparable, AModelIsItselfWhateverItsWeightsAreHeldIn) {
  for (const char* name : {"llava_hub", "qwen_wide_heads", "qwen25_published", "qwen_vl_short"}) {
    EXPECT_EQ(difference(*open_model(kModels / name, {.weights = {.body = load::Precision::f32}}),
                         *open_model(kModels / name, {.weights = {.body = load::Precision::int4}})),
              std::nullopt)
        << name;
  }
  EXPECT_EQ(apart_after("llava_hub", "config.json", [](auto& json) { json["anything"] = 1; }),
            "nothing");
}

TEST(Comparable, AnotherArchitectureOrSizeIsNamed) {
  EXPECT_THAT(apart(kModels / "llava_hub", kModels / "qwen_sharded"),
              HasSubstr("architecture: LlavaForConditionalGeneration, wanted"));
  EXPECT_THAT(apart(kModels / "llava_hub", kModels / "llava_saved"), HasSubstr("wanted the"));
}

TEST(Comparable, OtherTokensAreNamed) {
  const auto turned = [](auto& json) {
    base::Json& words = json["model"]["vocab"];
    std::swap(words["a"], words["b"]);
  };
  EXPECT_THAT(apart_after("qwen_wide_heads", "tokenizer.json", turned),
              HasSubstr("', wanted the reference's '"));
  EXPECT_THAT(apart_after("qwen_wide_heads", "tokenizer.json",
                          [](auto& json) { json["model"]["merges"].erase(0); }),
              HasSubstr("text is cut into other tokens"));
  EXPECT_THAT(apart_after("qwen_wide_heads", "generation_config.json",
                          [](auto& json) { json["eos_token_id"] = 7; }),
              HasSubstr("other tokens than the reference's end an answer"));
}

TEST(Comparable, OtherTreatmentOfPicturesIsNamed) {
  EXPECT_THAT(apart_after("llava_hub", "preprocessor_config.json",
                          [](auto& json) {
                            json["image_mean"] = {0.5, 0.5, 0.5};
                          }),
              HasSubstr("normalised to other values"));
  EXPECT_THAT(apart_after("llava_hub", "preprocessor_config.json",
                          [](auto& json) { json["resample"] = 2; }),
              HasSubstr("resized to other pixels"));
  OpenOptions small;
  small.pictures.max_pixels = 40'000;
  EXPECT_THAT(difference(*open_model(kModels / "qwen_wide_heads", small),
                         *open_model(kModels / "qwen_wide_heads", {}))
                  .value_or("nothing"),
              HasSubstr("a test picture becomes"));
}

TEST(Comparable, AnotherTemplateIsNamed) {
  EXPECT_THAT(apart_after("llava_hub", "chat_template.json",
                          [](auto& json) {
                            json["chat_template"] =
                                "Hello " + json["chat_template"].template get<std::string>();
                          }),
              HasSubstr("the template makes another prompt"));
}

}  // namespace
}  // namespace visavis::models
