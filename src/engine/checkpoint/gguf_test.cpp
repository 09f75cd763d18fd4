// GGUF files that must be refused, each with one line that names what is wrong, and what a good one
// gives. Values of every block type: tests/e2e/formats_test.py.
#include "engine/checkpoint/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "base/error.h"
#include "base/files.h"
#include "base/temporary_folder.h"

namespace visavis::checkpoint {
namespace {

using testing::HasSubstr;

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}
void put_text(std::string& out, const std::string& text) {
  put(out, uint64_t{text.size()});
  out += text;
}

// A file of one tensor; what a test wants to spoil is a field.
struct Made {
  uint32_t version = 3;
  uint64_t tensors = 1;
  uint64_t alignment = 32;
  uint64_t columns = 32;
  uint64_t rows = 2;
  uint32_t type = 2;  // Q4_0
  uint64_t offset = 0;
  size_t data = 2 * 18;
  std::string name = "a.weight";

  std::string bytes() const {
    std::string out = "GGUF";
    put(out, version);
    put(out, tensors);
    put(out, uint64_t{2});
    put_text(out, "general.alignment");
    put(out, uint32_t{10});
    put(out, alignment);
    put_text(out, "tokens");
    put(out, uint32_t{9});
    put(out, uint32_t{8});
    put(out, uint64_t{2});
    put_text(out, "one");
    put_text(out, "two");
    for (uint64_t i = 0; i < tensors; ++i) {
      put_text(out, name);
      put(out, uint32_t{2});
      put(out, columns);
      put(out, rows);
      put(out, type);
      put(out, offset);
    }
    out.resize((out.size() + 31) / 32 * 32);
    return out + std::string(data, '\1');
  }
};

GgufHeader parse(const std::string& bytes) {
  return parse_gguf(std::as_bytes(std::span(bytes)), "f.gguf");
}

std::string refusal(const std::string& bytes) {
  try {
    parse(bytes);
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return "accepted";
}

TEST(Gguf, GivesMetadataAndPlaces) {
  const std::string bytes = Made{}.bytes();
  const GgufHeader header = parse(bytes);
  EXPECT_EQ(*header.find<int64_t>("general.alignment"), 32);
  EXPECT_THAT(*header.find<std::vector<std::string>>("tokens"), testing::ElementsAre("one", "two"));
  EXPECT_EQ(header.find<int64_t>("tokens"), nullptr);
  ASSERT_EQ(header.tensors.size(), 1u);
  EXPECT_EQ(header.tensors[0].shape, (tensor::Shape{2, 32}));
  EXPECT_EQ(header.tensors[0].end, static_cast<int64_t>(bytes.size()));
  EXPECT_EQ(header.tensors[0].end - header.tensors[0].begin, 36);
}

TEST(Gguf, RefusesWhatDoesNotFitTheFile) {
  EXPECT_THAT(refusal("GGUF"), HasSubstr("f.gguf: has 4 bytes"));
  EXPECT_THAT(refusal(std::string(64, 'x')), HasSubstr("does not begin with 'GGUF'"));
  EXPECT_THAT(refusal(Made{.version = 1}.bytes()), HasSubstr("GGUF version 1 is not supported"));
  EXPECT_THAT(refusal(Made{.data = 35}.bytes()),
              HasSubstr("tensor 'a.weight' ends after 36 bytes of data, the file has 35"));
  EXPECT_THAT(refusal(Made{.columns = 33}.bytes()),
              HasSubstr("has rows of 33 values, Q4_0 wants a multiple of 32"));
  EXPECT_THAT(refusal(Made{.columns = uint64_t{1} << 40}.bytes()),
              HasSubstr("has an extent of 1099511627776"));
  EXPECT_THAT(refusal(Made{.columns = 1 << 30, .rows = 1 << 30}.bytes()),
              HasSubstr("does not fit the file's"));
  EXPECT_THAT(refusal(Made{.offset = 1 << 20}.bytes()), HasSubstr("lies at offset 1048576"));
  EXPECT_THAT(refusal(Made{.offset = 8, .data = 64}.bytes()), HasSubstr("wanted a multiple of 32"));
  EXPECT_THAT(refusal(Made{.alignment = 24}.bytes()), HasSubstr("general.alignment is 24"));
  EXPECT_THAT(refusal(Made{.type = 16}.bytes()), HasSubstr("has type IQ2_XXS, which is not"));
  EXPECT_THAT(refusal(Made{.type = 999}.bytes()),
              HasSubstr("has type 999, which is not supported"));
  EXPECT_THAT(refusal(Made{.tensors = 2}.bytes()), HasSubstr("tensor 'a.weight' is there twice"));
  const std::string whole = Made{}.bytes();
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(refusal(whole.substr(0, size)), "accepted") << size;
}

TEST(Gguf, ClaimsOfMemoryAreCheckedFirst) {
  std::string bytes = Made{}.bytes();
  const auto spoil = [&bytes](const std::string& before, uint64_t value) {
    std::string copy = bytes;
    std::memcpy(copy.data() + bytes.find(before) + before.size(), &value, sizeof(value));
    return copy;
  };
  // The count of the array of texts stands behind its two types.
  std::string key = "tokens";
  put(key, uint32_t{9});
  put(key, uint32_t{8});
  EXPECT_THAT(refusal(spoil(key, uint64_t{1} << 60)),
              HasSubstr("claims 1152921504606846976 values"));
  put(key, uint64_t{2});
  EXPECT_THAT(refusal(spoil(key, 1000000)), HasSubstr("a text of an array claims 1000000 bytes"));
}

TEST(Gguf, TwoFilesAreOneModel) {
  const base::TemporaryFolder folder;
  base::write_file_atomically(folder.path() / "model.gguf", Made{}.bytes());
  base::write_file_atomically(folder.path() / "mmproj.gguf", Made{.name = "v.weight"}.bytes());
  const auto source = open_gguf(folder.path());
  EXPECT_EQ(source->tensors().size(), 2u);
  ASSERT_NE(source->encoded("v.weight"), nullptr);
  EXPECT_EQ(source->encoded("v.weight")->format(), "GGUF Q4_0");
  base::write_file_atomically(folder.path() / "other.gguf", Made{}.bytes());
  try {
    open_gguf(folder.path());
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("other.gguf: tensor 'a.weight' is also in 'model.gguf'"));
  }
}

}  // namespace
}  // namespace visavis::checkpoint
