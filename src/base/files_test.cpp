#include "base/files.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"

namespace visavis::base {
namespace {

TEST(Files, WriteThenReadGivesTheSameBytes) {
  const auto path = std::filesystem::path(testing::TempDir()) / "visavis_files_test";
  const std::string bytes("a\0b\n", 4);
  write_file_atomically(path, bytes);
  EXPECT_EQ(read_file(path), bytes);
  EXPECT_THROW(read_file(path, 3), Error);
  std::filesystem::remove(path);
  EXPECT_THROW(read_file(path), Error);
}

TEST(Files, AFolderIsNotAFile) { EXPECT_THROW(read_file(testing::TempDir()), Error); }

TEST(Hash, Sha256OfAbcIsTheStandardsExample) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Json, DeepNestingIsRefusedBeforeItIsParsed) {
  const std::string deep(100000, '[');
  EXPECT_THROW(parse_json(deep, "deep"), Error);
}

}  // namespace
}  // namespace visavis::base
