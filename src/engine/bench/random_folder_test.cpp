#include "engine/bench/random_folder.h"

#include <gtest/gtest.h>

#include "engine/models/families.h"

namespace visavis::bench {
namespace {

// Opening checks every tensor's name, type and shape against the configuration.
TEST(RandomFolder, OpensAsAModelInEverySizeThatIsKnown) {
  for (const RandomShape& shape : random_shapes()) {
    const RandomFolder folder(shape, 1);
    const auto model = models::open_model(folder.path(), {});
    EXPECT_EQ(model->dimensions().layers, shape.text.layers) << shape.name;
    EXPECT_EQ(model->dimensions().vocabulary, shape.text.vocabulary) << shape.name;
  }
}

TEST(RandomFolder, IsRemovedInTheEnd) {
  std::filesystem::path path;
  {
    const RandomFolder folder(random_shape("llava-tiny"), 1);
    path = folder.path();
    EXPECT_TRUE(std::filesystem::exists(path / "config.json"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

// In int4: half a byte and a share of the scale for each weight, the head in int8, the token table
// and the vision half in 16 bits.
TEST(RandomFolder, IsPlannedWithTheMemoryThatItsSizeAsksFor) {
  for (const RandomShape& shape : random_shapes()) {
    if (shape.name.ends_with("tiny")) continue;
    SCOPED_TRACE(shape.name);
    const RandomFolder folder(shape, 1);
    const models::ModelMemory memory =
        models::open_model(folder.path(), {})->plan({.context = 4096, .batch = 1, .chunk = 512});
    double vision = 0;
    double head = 0;
    double table = 0;
    double layers = 0;
    for (const checkpoint::TensorSpec& spec : tensors_of(shape)) {
      const auto values = static_cast<double>(spec.shape.elements());
      const bool text = spec.name.find("layers.") != std::string::npos &&
                        spec.name.find("vision_tower") == std::string::npos;
      if (text) layers += values;
      if (spec.name.ends_with("embed_tokens.weight")) table = values;
      if (spec.name.ends_with("lm_head.weight") ||
          (shape.text.tied && spec.name.ends_with("embed_tokens.weight")))
        head = values;
      for (const char* part : {"visual.", "vision_tower.", "multi_modal_projector."})
        if (spec.name.find(part) != std::string::npos) vision += values;
    }
    constexpr double kScale = 2.0 / 128;
    const double expected = layers * (0.5 + kScale) + head * (1 + kScale) + 2 * table;
    EXPECT_NEAR(static_cast<double>(memory.weights), expected, 0.01 * expected);
    // Blocks behind the last that is read are left out; Qwen3-VL's patch embedding is there once
    // for pictures, its two temporal halves added up, and once for videos.
    EXPECT_LE(static_cast<double>(memory.vision), 2.02 * vision);
    EXPECT_GE(static_cast<double>(memory.vision), 1.9 * vision);
    EXPECT_GT(memory.workspace, 0);
    EXPECT_LE(memory.workspace, int64_t{1} << 30);
    EXPECT_GE(memory.image_features, 4096 * shape.text.hidden * 4);
  }
}

// Published sizes, from the models' cards.
TEST(RandomFolder, HasThePublishedNumberOfParameters) {
  const auto parameters = [](const char* name) {
    const RandomFolder folder(random_shape(name), 1);
    return static_cast<double>(models::open_model(folder.path(), {})->parameters());
  };
  EXPECT_NEAR(parameters("qwen3-vl-8b"), 8.77e9, 0.01e9);
  EXPECT_NEAR(parameters("qwen3-vl-2b"), 2.13e9, 0.01e9);
  EXPECT_NEAR(parameters("qwen3-vl-4b"), 4.44e9, 0.01e9);
  EXPECT_NEAR(parameters("qwen3-vl-32b"), 33.36e9, 0.01e9);
  EXPECT_NEAR(parameters("qwen2.5-vl-3b"), 3.75e9, 0.01e9);
  EXPECT_NEAR(parameters("qwen2.5-vl-7b"), 8.29e9, 0.01e9);
  EXPECT_NEAR(parameters("qwen2.5-vl-32b"), 33.45e9, 0.01e9);
  EXPECT_NEAR(parameters("llava-1.5-7b"), 7.06e9, 0.01e9);
  EXPECT_NEAR(parameters("llava-1.5-13b"), 13.35e9, 0.01e9);
  EXPECT_NEAR(parameters("llava-1.6-vicuna-7b"), 7.06e9, 0.01e9);
  EXPECT_NEAR(parameters("llava-1.6-mistral-7b"), 7.57e9, 0.01e9);
  EXPECT_NEAR(parameters("llava-1.6-vicuna-13b"), 13.35e9, 0.01e9);
}

}  // namespace
}  // namespace visavis::bench
