#include "engine/load/read_ahead.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "engine/checkpoint/safetensors_writer.h"

namespace visavis::load {
namespace {

namespace fs = std::filesystem;
using tensor::DType;

// Two files of bytes that tell where they stand: one tensor of many blocks at an odd place, small
// ones around it.
class ReadAheadTest : public testing::Test {
 protected:
  ReadAheadTest()
      : folder_(fs::temp_directory_path() / ("visavis_read_ahead_" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
    checkpoint::SafetensorsWriter writer(
        folder_ / "model.safetensors",
        {{"small", DType::u8, {13}}, {"large", DType::u8, {5003, 4099}}, {"last", DType::u8, {7}}});
    for (const int64_t size : {int64_t{13}, kLarge, int64_t{7}}) {
      std::string bytes(static_cast<size_t>(size), '\0');
      for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 2654435761u >> 24);
      writer.write(std::as_bytes(std::span(bytes)));
    }
    writer.finish();
    source_ = checkpoint::open_tensors(folder_);
    for (const char* name : {"last", "large", "small"})
      for (const RowBlock& block : row_blocks(*source_->find(name))) order_.push_back(block);
  }
  ~ReadAheadTest() override {
    source_.reset();
    fs::remove_all(folder_);
  }

  void expect_right(const RowBlock& block, const std::byte* got) const {
    const std::byte* wanted = source_->read(block.name).data + block.begin * block.row_bytes;
    EXPECT_EQ(
        std::memcmp(got, wanted, static_cast<size_t>((block.end - block.begin) * block.row_bytes)),
        0)
        << block.name << " from row " << block.begin;
  }

  // Takes the file out of the page cache, as far as the system follows.
  void forget() const {
    const auto place = source_->place("large");
    place->file->drop(0, static_cast<int64_t>(place->file->bytes().size()));
    const int file = ::open((folder_ / "model.safetensors").c_str(), O_RDONLY);
    ::fsync(file);
    ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    ::close(file);
  }

  static constexpr int64_t kLarge = int64_t{5003} * 4099;
  fs::path folder_;
  std::unique_ptr<checkpoint::TensorSource> source_;
  std::vector<RowBlock> order_;
};

TEST_F(ReadAheadTest, BlocksCoverATensorInWholeRows) {
  int64_t rows = 0;
  for (const RowBlock& block : row_blocks(*source_->find("large"))) {
    EXPECT_EQ(block.begin, rows);
    EXPECT_EQ(block.begin % 16, 0);
    EXPECT_LE((block.end - block.begin) * block.row_bytes, 4 << 20);
    rows = block.end;
  }
  EXPECT_EQ(rows, 5003);
  EXPECT_EQ(row_blocks(*source_->find("small")).size(), 1u);
}

TEST_F(ReadAheadTest, GivesTheFilesBytesWhetherTheyAreCachedOrNot) {
  for (const bool cold : {false, true}) {
    if (cold) forget();
    ReadAhead reader(*source_, order_);
    for (const RowBlock& block : order_) expect_right(block, reader.next(block));
  }
}

TEST_F(ReadAheadTest, ABlockOutOfOrderIsMapped) {
  forget();
  ReadAhead reader(*source_, order_);
  const RowBlock& other = order_.back();
  EXPECT_EQ(reader.next(other), source_->read("small").data);
  for (const RowBlock& block : order_) expect_right(block, reader.next(block));
  expect_right(other, reader.next(other));
}

TEST_F(ReadAheadTest, MayStopBeforeTheEnd) {
  forget();
  ReadAhead reader(*source_, order_);
  expect_right(order_[0], reader.next(order_[0]));
}

TEST_F(ReadAheadTest, WithoutAPlanEverythingIsMapped) {
  ReadAhead reader(*source_, {});
  EXPECT_EQ(reader.next(order_[0]), source_->read("last").data);
}

TEST_F(ReadAheadTest, ADirectReadKeepsToItsRange) {
  const auto place = source_->place("large");
  const base::DirectFile direct(*place->file);
  if (!direct.usable()) GTEST_SKIP() << "this file system has no direct reads";
  const auto size = static_cast<int64_t>(place->file->bytes().size());
  alignas(base::DirectFile::kAlign) static std::byte room[5 * base::DirectFile::kAlign];
  for (const int64_t begin : {int64_t{0}, int64_t{1}, int64_t{4095}, int64_t{4096}, size - 5000}) {
    const std::byte* got = direct.read(begin, begin + 5000, room);
    ASSERT_NE(got, nullptr);
    EXPECT_EQ(std::memcmp(got, place->file->bytes().data() + begin, 5000), 0) << begin;
  }
  EXPECT_EQ(direct.read(size - 10, size + 10, room), nullptr) << "beyond the end";
}

}  // namespace
}  // namespace visavis::load
