#include "engine/checkpoint/side_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "base/error.h"

namespace visavis::checkpoint {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class Folder {
 public:
  Folder()
      : path_(fs::temp_directory_path() /
              ("visavis_side_files_" + std::to_string(::getpid()) + "_" +
               testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const fs::path& path() const { return path_; }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
  }

 private:
  fs::path path_;
};

TEST(GenerationDefaults, TakeOneIdOrAList) {
  const Folder folder;
  EXPECT_THAT(read_generation_defaults(folder.path()).eos_ids, IsEmpty());
  folder.put("generation_config.json",
             R"({"eos_token_id":[151645,151643],"temperature":0.7,"top_p":0.8,"top_k":20,
                "do_sample":true,"bos_token_id":1,"pad_token_id":null})");
  const GenerationDefaults many = read_generation_defaults(folder.path());
  EXPECT_THAT(many.eos_ids, ElementsAre(151645, 151643));
  EXPECT_EQ(many.temperature, 0.7);
  EXPECT_EQ(many.top_k, 20);
  EXPECT_EQ(many.do_sample, true);
  EXPECT_EQ(many.bos_id, 1);
  EXPECT_FALSE(many.pad_id);
  EXPECT_FALSE(many.repetition_penalty);
  folder.put("generation_config.json", R"({"eos_token_id":2})");
  EXPECT_THAT(read_generation_defaults(folder.path()).eos_ids, ElementsAre(2));
}

TEST(GenerationDefaults, FallBackToTheModelsConfiguration) {
  const Folder folder;
  folder.put("config.json", R"({"eos_token_id":7,"text_config":{"eos_token_id":[8,9]}})");
  EXPECT_THAT(read_generation_defaults(folder.path()).eos_ids, ElementsAre(8, 9));
  folder.put("config.json", R"({"eos_token_id":7,"text_config":{}})");
  EXPECT_THAT(read_generation_defaults(folder.path()).eos_ids, ElementsAre(7));
}

TEST(GenerationDefaults, RefuseWrongValuesByFileAndKey) {
  const Folder folder;
  for (const char* json : {R"({"eos_token_id":"x"})", R"({"eos_token_id":[-1]})",
                           R"({"top_p":1.5})", R"({"do_sample":1})", R"({"top_k":1e99})"}) {
    folder.put("generation_config.json", json);
    try {
      read_generation_defaults(folder.path());
      ADD_FAILURE() << json;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("generation_config.json: key '"));
    }
  }
}

TEST(ContentId, ChangesWithEveryByteThatMatters) {
  const Folder folder;
  folder.put("config.json", "{}");
  folder.put("model.safetensors", "weights");
  const std::string id = content_id(folder.path());
  EXPECT_EQ(id.size(), 64u);
  EXPECT_EQ(content_id(folder.path()), id);
  folder.put("README.md", "does not matter");
  EXPECT_EQ(content_id(folder.path()), id);
  folder.put("model.safetensors", "weightz");
  EXPECT_NE(content_id(folder.path()), id);
  folder.put("model.safetensors", "weights");
  folder.put("tokenizer.json", "");
  EXPECT_NE(content_id(folder.path()), id);
}

TEST(ContentId, CountsTheWeightsOfPartsInTheirFolders) {
  const Folder folder;
  folder.put("config.json", "{}");
  fs::create_directory(folder.path() / "language_model");
  fs::create_directory(folder.path() / "tower");
  fs::create_directory_symlink(folder.path() / "tower", folder.path() / "vision_tower");
  folder.put("language_model/pytorch_model.bin", "weights");
  folder.put("tower/pytorch_model.bin", "tower");
  EXPECT_THAT(weight_files(folder.path()),
              ElementsAre(folder.path() / "language_model" / "pytorch_model.bin",
                          folder.path() / "vision_tower" / "pytorch_model.bin"));
  const std::string id = content_id(folder.path());
  folder.put("language_model/pytorch_model.bin", "weightz");
  EXPECT_NE(content_id(folder.path()), id);
  folder.put("language_model/pytorch_model.bin", "weights");
  EXPECT_EQ(content_id(folder.path()), id);
  folder.put("tower/pytorch_model.bin", "tour");
  EXPECT_NE(content_id(folder.path()), id);
  // Folders beside the weights themselves are no parts.
  folder.put("model.safetensors", "weights");
  EXPECT_THAT(weight_files(folder.path()), ElementsAre(folder.path() / "model.safetensors"));
}

TEST(ContentId, SamplesTheWeightsOfLargeCheckpoints) {
  const Folder folder;
  folder.put("model.safetensors", "");
  fs::resize_file(folder.path() / "model.safetensors", (int64_t{257} << 20) + 12345);  // sparse
  const std::string id = content_id(folder.path());
  EXPECT_THAT(id, StartsWith("s:"));
  const auto with_byte_at = [&](int64_t at, char value) {
    std::fstream file(folder.path() / "model.safetensors",
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file.put(value);
    file.close();
    return content_id(folder.path());
  };
  const auto size = static_cast<int64_t>(fs::file_size(folder.path() / "model.safetensors"));
  EXPECT_NE(with_byte_at(size - 1, 'x'), id);
  EXPECT_EQ(with_byte_at(size - 1, '\0'), id);
  EXPECT_NE(with_byte_at(100, 'x'), id);
  EXPECT_EQ(with_byte_at(100, '\0'), id);
  fs::resize_file(folder.path() / "model.safetensors", static_cast<uintmax_t>(size + 1));
  EXPECT_NE(content_id(folder.path()), id);
}

}  // namespace
}  // namespace visavis::checkpoint
