#include "engine/checkpoint/parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "base/files.h"
#include "base/temporary_folder.h"

namespace visavis::checkpoint {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A safetensors file with one f32 each under these names: 0, 1, ...
void write(const fs::path& folder, const std::vector<std::string>& names) {
  std::string header = "{";
  std::string data;
  for (const std::string& name : names) {
    const std::string at = std::to_string(data.size());
    header += (data.empty() ? "\"" : ",\"") + name + R"(":{"dtype":"F32","shape":[1],)" +
              R"("data_offsets":[)" + at + "," + std::to_string(data.size() + 4) + "]}";
    const auto value = static_cast<float>(data.size() / 4);
    data.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  header += "}";
  const auto length = static_cast<uint64_t>(header.size());
  std::string file(reinterpret_cast<const char*>(&length), sizeof length);
  base::make_folder(folder);
  base::write_file_atomically(folder / "model.safetensors", file + header + data);
}

float value_of(const TensorSource& source, const std::string& name) {
  float value = -1;
  std::memcpy(&value, source.read(name).data, sizeof value);
  return value;
}

std::string error_of(const fs::path& folder) {
  try {
    open_tensors(folder);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Parts, AreOneCheckpointOfWhichClipsTextModelIsNoPart) {
  const base::TemporaryFolder folder;
  write(folder.path() / "language_model", {"lm_head.weight", "model.norm.weight"});
  write(folder.path() / "vision_tower", {"text_model.x", "vision_model.x"});
  const auto source = open_tensors(folder.path());
  ASSERT_EQ(source->tensors().size(), 3u);
  EXPECT_EQ(source->tensors()[2].name, "vision_model.x");
  EXPECT_EQ(value_of(*source, "model.norm.weight"), 1);
  EXPECT_EQ(value_of(*source, "vision_model.x"), 1);
  EXPECT_EQ(source->find("text_model.x"), nullptr);
  EXPECT_THROW(source->read("text_model.x"), Error);
  EXPECT_EQ(
      source->file_bytes(),
      static_cast<int64_t>(fs::file_size(folder.path() / "language_model" / "model.safetensors") +
                           fs::file_size(folder.path() / "vision_tower" / "model.safetensors")));
}

TEST(Parts, HaveNoNameTwiceAndNoPartsThemselves) {
  const base::TemporaryFolder folder;
  write(folder.path() / "language_model", {"vision_model.x"});
  EXPECT_EQ(error_of(folder.path()), "no error");
  write(folder.path() / "vision_tower", {"vision_model.x"});
  EXPECT_THAT(error_of(folder.path()), HasSubstr("tensor 'vision_model.x' is also in"));
  const base::TemporaryFolder nested;
  write(nested.path() / "language_model" / "language_model", {"x"});
  EXPECT_THAT(error_of(nested.path()), HasSubstr("has parts itself"));
}

}  // namespace
}  // namespace visavis::checkpoint
