#include "engine/checkpoint/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <functional>

#include "base/error.h"
#include "base/files.h"
#include "engine/checkpoint/safetensors_writer.h"

namespace visavis::checkpoint {
namespace {

namespace fs = std::filesystem;
using tensor::DType;
using testing::AllOf;
using testing::HasSubstr;

// A folder that is gone when the test ends.
class Folder {
 public:
  Folder()
      : path_(fs::temp_directory_path() /
              ("visavis_safetensors_" + std::to_string(::getpid()) + "_" +
               testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const fs::path& path() const { return path_; }

  void put(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
  }

 private:
  fs::path path_;
};

std::string file_of(const std::string& header, const std::string& data) {
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

std::vector<SafetensorsEntry> parse(const std::string& bytes) {
  return parse_safetensors(std::as_bytes(std::span(bytes)), "a.safetensors");
}

// The one line with which the action is refused.
std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "(nothing was refused)";
}

std::string refusal_of(const std::string& header, const std::string& data) {
  return refusal([&] { parse(file_of(header, data)); });
}

std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"w":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets +
         "}}";
}

constexpr float kValues[] = {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f};

tensor::View values_view() {
  return {DType::f32, {2, 3}, reinterpret_cast<const std::byte*>(kValues)};
}

TEST(SafetensorsHeader, ReadsTensorsInTheOrderOfTheirData) {
  const auto entries =
      parse(file_of(R"({"__metadata__":{"format":"pt"},)"
                    R"("b":{"dtype":"F32","shape":[2],"data_offsets":[2,10]},)"
                    R"("a":{"dtype":"BF16","shape":[],"data_offsets":[0,2]},)"
                    R"("empty":{"dtype":"F16","shape":[0,7],"data_offsets":[10,10]}}  )",
                    std::string(10, 'x')));
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_EQ(entries[0].dtype, DType::bf16);
  EXPECT_EQ(entries[0].shape.rank(), 0);
  EXPECT_EQ(entries[1].name, "b");
  EXPECT_EQ(entries[1].shape, (tensor::Shape{2}));
  EXPECT_EQ(entries[1].end - entries[1].begin, 8);
  EXPECT_EQ(entries[2].shape, (tensor::Shape{0, 7}));
}

TEST(SafetensorsHeader, AFileWithoutTensorsIsValid) {
  EXPECT_TRUE(parse(file_of("{}", "")).empty());
}

TEST(SafetensorsHeader, RefusesAFileThatIsCutAnywhere) {
  const std::string whole = file_of(one("F32", "[2,3]", "[0,24]"), std::string(24, 'x'));
  EXPECT_EQ(parse(whole).size(), 1u);
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_THAT(refusal([&] { parse(whole.substr(0, size)); }), HasSubstr("a.safetensors")) << size;
}

TEST(SafetensorsHeader, RefusesALyingHeaderLength) {
  std::string bytes = file_of("{}", "");
  const auto with_length = [&](uint64_t length) {
    std::memcpy(bytes.data(), &length, 8);
    return refusal([&] { parse(bytes); });
  };
  EXPECT_THAT(with_length(3), HasSubstr("header claims 3 bytes, the file has 2"));
  EXPECT_THAT(with_length(UINT64_MAX), HasSubstr("wanted at most"));
  EXPECT_THAT(with_length(0), HasSubstr("not valid JSON"));
  EXPECT_THAT(with_length(1), HasSubstr("not valid JSON"));
}

TEST(SafetensorsHeader, RefusesHeadersThatAreNotWhatTheFormatSays) {
  EXPECT_THAT(refusal_of("[]", ""), HasSubstr("not a JSON object"));
  EXPECT_THAT(refusal_of("{\"w\":1}", ""), HasSubstr("tensor 'w': its entry is not an object"));
  EXPECT_THAT(refusal_of("{\"__metadata__\":1}", ""), HasSubstr("__metadata__"));
  EXPECT_THAT(refusal_of("{\"w\":{\"dtype\":\"F32\",\"shape\":[1]}}", ""),
              HasSubstr("tensor 'w': wanted dtype, shape and data_offsets"));
  EXPECT_THAT(
      refusal_of(R"({"w":{"dtype":"F32","dtype":"F32","shape":[0],"data_offsets":[0,0]}})", ""),
      HasSubstr("once each"));
  EXPECT_THAT(refusal_of(std::string(5000, '['), ""), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal_of("{\"w\":{\"dtype\":\"F32\",", ""), HasSubstr("not valid JSON"));
}

TEST(SafetensorsHeader, RefusesUnknownTypesByName) {
  EXPECT_THAT(
      refusal_of(one("F4", "[1]", "[0,1]"), "x"),
      AllOf(HasSubstr("tensor 'w'"), HasSubstr("dtype 'F4' is not supported"), HasSubstr("BF16")));
  EXPECT_THAT(refusal_of(R"({"w":{"dtype":7,"shape":[],"data_offsets":[0,0]}})", ""),
              HasSubstr("dtype is not a string"));
}

TEST(SafetensorsHeader, RefusesShapesThatDoNotFitTheirBytes) {
  const std::string data(24, 'x');
  EXPECT_THAT(refusal_of(one("F32", "[2,4]", "[0,24]"), data),
              HasSubstr("tensor 'w': shape [2, 4] of f32 wants 32 bytes, data_offsets hold 24"));
  EXPECT_THAT(refusal_of(one("F16", "[2,3]", "[0,24]"), data), HasSubstr("wants 12 bytes"));
  EXPECT_THAT(refusal_of(one("F32", "[-2,-3]", "[0,24]"), data), HasSubstr("not a size"));
  EXPECT_THAT(refusal_of(one("F32", "[2.5]", "[0,24]"), data), HasSubstr("not a size"));
  EXPECT_THAT(refusal_of(one("F32", "6", "[0,24]"), data), HasSubstr("shape is not a list"));
  EXPECT_THAT(refusal_of(one("F32", "[1,1,1,1,2,3]", "[0,24]"), data),
              HasSubstr("more than 5 dimensions"));
}

TEST(SafetensorsHeader, RefusesShapesWhoseProductWrapsAround) {
  // 2^62 * 4 bytes = 2^64 wraps to 0; 2^32 * 2^32 * 4 likewise.
  EXPECT_THAT(refusal_of(one("F32", "[4611686018427387904]", "[0,0]"), ""),
              HasSubstr("is too large"));
  EXPECT_THAT(refusal_of(one("F32", "[4294967296,4294967296]", "[0,0]"), ""),
              HasSubstr("is too large"));
  EXPECT_THAT(refusal_of(one("U8", "[18446744073709551615]", "[0,0]"), ""),
              HasSubstr("not a size"));
  EXPECT_THAT(refusal_of(one("F32", "[4294967296,4294967296,0]", "[0,0]"), ""),
              HasSubstr("is too large"));
}

TEST(SafetensorsHeader, RefusesOffsetsOutsideTheFile) {
  EXPECT_THAT(refusal_of(one("F32", "[2]", "[0,8]"), "xxxx"),
              HasSubstr("tensor 'w': data_offsets [0, 8] do not lie in the file's 4 bytes"));
  EXPECT_THAT(refusal_of(one("F32", "[2]", "[8,0]"), std::string(8, 'x')), HasSubstr("[8, 0]"));
  EXPECT_THAT(refusal_of(one("F32", "[2]", "[-8,0]"), std::string(8, 'x')), HasSubstr("[-8, 0]"));
  EXPECT_THAT(refusal_of(one("F32", "[2]", "[0,8,16]"), std::string(16, 'x')),
              HasSubstr("not a pair"));
  EXPECT_THAT(refusal_of(one("F32", "[2]", "[0,18446744073709551615]"), std::string(8, 'x')),
              HasSubstr("not a pair"));
}

TEST(SafetensorsHeader, RefusesOverlapGapRestAndDoubleNames) {
  const auto two = [](const std::string& first, const std::string& second) {
    return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + first +
           R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}";
  };
  EXPECT_EQ(parse(file_of(two("[0,4]", "[4,8]"), "xxxxxxxx")).size(), 2u);
  EXPECT_THAT(refusal_of(two("[0,4]", "[2,6]"), "xxxxxxxx"),
              HasSubstr("tensor 'b': its data overlap"));
  EXPECT_THAT(refusal_of(two("[0,4]", "[5,9]"), "xxxxxxxxx"),
              HasSubstr("tensor 'b': there is a gap"));
  EXPECT_THAT(refusal_of(two("[1,5]", "[5,9]"), "xxxxxxxxx"), HasSubstr("tensor 'a'"));
  EXPECT_THAT(refusal_of(two("[0,4]", "[4,8]"), "xxxxxxxxxx"),
              HasSubstr("tensors end after 8 bytes of data, the file holds 10"));
  std::string twice = two("[0,4]", "[4,8]");
  twice.replace(twice.find("\"b\""), 3, "\"a\"");
  EXPECT_THAT(refusal_of(twice, "xxxxxxxx"), HasSubstr("'a' is listed twice"));
}

TEST(Safetensors, WhatTheWriterWritesComesBack) {
  const Folder folder;
  const tensor::Bf16 half[] = {tensor::to_bf16(1.5f), tensor::to_bf16(-2.0f)};
  write_safetensors(
      folder.path() / "model.safetensors",
      {{"w", values_view()}, {"b", {DType::bf16, {2}, reinterpret_cast<const std::byte*>(half)}}},
      {{"format", "pt"}});
  const auto source = open_tensors(folder.path());
  ASSERT_EQ(source->tensors().size(), 2u);
  EXPECT_EQ(source->tensors()[0].name, "b");
  EXPECT_EQ(source->tensors()[1].file, "model.safetensors");
  const tensor::View w = source->read("w");
  EXPECT_EQ(w.shape, (tensor::Shape{2, 3}));
  EXPECT_EQ(std::memcmp(w.data, kValues, sizeof(kValues)), 0);
  const auto place = source->place("w");
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(place->file->bytes().data() + place->begin, w.data);
  EXPECT_EQ(place->end - place->begin, static_cast<int64_t>(sizeof(kValues)));
  source->drop("w");
  EXPECT_EQ(std::memcmp(w.data, kValues, sizeof(kValues)), 0) << "dropped pages are read again";
  EXPECT_EQ(source->find("x"), nullptr);
  EXPECT_THAT(refusal([&] { source->read("x"); }), HasSubstr("no tensor 'x'"));
  EXPECT_EQ(source->file_bytes(),
            static_cast<int64_t>(fs::file_size(folder.path() / "model.safetensors")));
}

TEST(Safetensors, KeptBytesOutliveTheSource) {
  const Folder folder;
  write_safetensors(folder.path() / "model.safetensors", {{"w", values_view()}});
  auto source = open_tensors(folder.path());
  const std::shared_ptr<void> alive = source->keep_alive();
  const tensor::View w = source->read("w");
  source.reset();
  EXPECT_EQ(std::memcmp(w.data, kValues, sizeof(kValues)), 0);
}

TEST(SafetensorsWriter, RefusesDataThatWereNotDeclaredAndLeavesNothingBehind) {
  const Folder folder;
  const fs::path path = folder.path() / "x.safetensors";
  {
    SafetensorsWriter writer(path, {{"w", DType::f32, {2}}});
    writer.write(std::as_bytes(std::span(kValues, 1)));
    EXPECT_THAT(refusal([&] { writer.finish(); }), HasSubstr("4 bytes of declared data"));
    EXPECT_THAT(refusal([&] { writer.write(std::as_bytes(std::span(kValues, 2))); }),
                HasSubstr("leaves room for 4"));
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
  EXPECT_THAT(refusal([&] {
                SafetensorsWriter(path, {{"w", DType::f32, {2}}, {"w", DType::f32, {2}}});
              }),
              HasSubstr("declared twice"));
  EXPECT_THAT(refusal([&] {
                write_safetensors(folder.path() / "no" / "x.safetensors", {{"w", values_view()}});
              }),
              HasSubstr("cannot write"));
}

TEST(SafetensorsWriter, AFullDiskIsAnError) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  const Folder folder;
  fs::create_symlink("/dev/full", folder.path() / "x.safetensors.tmp");
  EXPECT_THAT(refusal([&] {
                write_safetensors(folder.path() / "x.safetensors", {{"w", values_view()}});
              }),
              HasSubstr("No space left"));
}

// Two shards with "a" and "b".
void put_shards(const Folder& folder, const std::string& index) {
  write_safetensors(folder.path() / "one.safetensors", {{"a", values_view()}});
  write_safetensors(folder.path() / "two.safetensors", {{"b", values_view()}});
  folder.put("model.safetensors.index.json", index);
}

TEST(SafetensorsShards, AreReadAsOneCheckpoint) {
  const Folder folder;
  put_shards(folder, R"({"weight_map":{"b":"two.safetensors","a":"one.safetensors"}})");
  const auto source = open_tensors(folder.path());
  ASSERT_EQ(source->tensors().size(), 2u);
  EXPECT_EQ(source->find("a")->file, "one.safetensors");
  EXPECT_EQ(source->find("b")->file, "two.safetensors");
}

std::string shard_refusal(const std::string& index) {
  const Folder folder;
  put_shards(folder, index);
  return refusal([&] { open_tensors(folder.path()); });
}

TEST(SafetensorsShards, RefusesAnIndexThatLies) {
  EXPECT_THAT(shard_refusal(R"({"weight_map":{"a":"one.safetensors","b":"gone.safetensors"}})"),
              HasSubstr("shard 'gone.safetensors' (of tensor 'b') is missing"));
  EXPECT_THAT(shard_refusal(R"({"weight_map":{"a":"one.safetensors","c":"two.safetensors"}})"),
              HasSubstr("tensor 'c' is not in its shard 'two.safetensors'"));
  EXPECT_THAT(shard_refusal(R"({"weight_map":{"a":"two.safetensors","b":"one.safetensors"}})"),
              HasSubstr("tensor 'a' is not in its shard 'two.safetensors'"));
  EXPECT_THAT(shard_refusal(R"({"weight_map":{"a":"one.safetensors","a":"two.safetensors"}})"),
              HasSubstr("'a' is listed twice"));
  EXPECT_THAT(shard_refusal(R"({"weight_map":{}})"), HasSubstr("weight_map is empty"));
  EXPECT_THAT(shard_refusal(R"({"weight_map":[]})"), HasSubstr("no object 'weight_map'"));
  EXPECT_THAT(shard_refusal("[]"), HasSubstr("no object 'weight_map'"));
  EXPECT_THAT(shard_refusal("{"), HasSubstr("not valid JSON"));
  EXPECT_THAT(shard_refusal(R"({"weight_map":{"a":1}})"), HasSubstr("not a file name"));
}

TEST(SafetensorsShards, RefusesShardNamesThatLeaveTheFolder) {
  for (const char* name : {"../one.safetensors", "/etc/passwd", "sub/one.safetensors", "..", ".",
                           "", "a\\\\b", "one\\u0000.safetensors"})
    EXPECT_THAT(shard_refusal(std::string(R"({"weight_map":{"a":")") + name + "\"}}"),
                HasSubstr("is not a plain file name"))
        << name;
}

TEST(SafetensorsShards, RefusesATensorThatIsInTwoShards) {
  const Folder folder;
  write_safetensors(folder.path() / "one.safetensors", {{"a", values_view()}});
  write_safetensors(folder.path() / "two.safetensors",
                    {{"a", values_view()}, {"b", values_view()}});
  folder.put("model.safetensors.index.json",
             R"({"weight_map":{"a":"one.safetensors","b":"two.safetensors"}})");
  EXPECT_THAT(refusal([&] { open_tensors(folder.path()); }),
              HasSubstr("tensor 'a' is also in 'one.safetensors'"));
}

TEST(Containers, RefuseKnownFormatsByNameAndSayWhatWasLookedFor) {
  const Folder folder;
  EXPECT_THAT(refusal([&] { open_tensors(folder.path()); }),
              HasSubstr("wanted model.safetensors or model.safetensors.index.json"));
  EXPECT_THAT(refusal([&] { open_tensors(folder.path() / "none"); }),
              HasSubstr("is not a checkpoint folder"));
  folder.put("pytorch_model-00001-of-00002.bin", "x");
  EXPECT_THAT(refusal([&] { open_tensors(folder.path()); }),
              HasSubstr("has 1 bytes, a zip archive has at least 22"));
  folder.put("model-Q4_K_M.gguf", "GGUF");
  EXPECT_THAT(refusal([&] { open_tensors(folder.path()); }),
              HasSubstr("a GGUF file has at least 24"));
}

}  // namespace
}  // namespace visavis::checkpoint
