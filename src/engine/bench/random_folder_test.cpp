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
}

}  // namespace
}  // namespace visavis::bench
