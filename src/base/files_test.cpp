#include "base/files.h"

#include <gtest/gtest.h>

#include <vector>

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

TEST(Hash, TheChecksumSeesEveryFlippedBitAndPair) {
  std::vector<std::byte> bytes(203);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(37 * i);
  const uint64_t whole = checksum(bytes);
  EXPECT_EQ(checksum(bytes), whole);
  EXPECT_NE(checksum(bytes, 1), whole);
  EXPECT_NE(checksum(std::span(bytes).first(202)), whole);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const auto flip = [&bytes](size_t at) {
      bytes[at / 8] ^= static_cast<std::byte>(1u << (at % 8));
    };
    flip(bit);
    EXPECT_NE(checksum(bytes), whole) << bit;
    const size_t other = (bit + 512) % (bytes.size() * 8);  // the same bit of the same chain
    flip(other);
    EXPECT_NE(checksum(bytes), whole) << bit << " and " << other;
    flip(other);
    flip(bit);
  }
}

TEST(Json, DeepNestingIsRefusedBeforeItIsParsed) {
  const std::string deep(100000, '[');
  EXPECT_THROW(parse_json(deep, "deep"), Error);
}

}  // namespace
}  // namespace visavis::base
