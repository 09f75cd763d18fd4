#include "engine/load/weight_cache.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "base/files.h"
#include "engine/load/loader_fixture.h"
#include "engine/load/packed_writer.h"

namespace visavis::load {
namespace {

using tensor::Weight;
using testing::HasSubstr;

constexpr const char* kContent = "the content's hash";

struct Loaded {
  Weight q;
  Weight head;
  Weight tower;
  tensor::Buffer norm;
  Weight table;
};

std::vector<std::byte> bytes_of(const tensor::Buffer& buffer) {
  return {buffer.data(), buffer.data() + buffer.bytes()};
}

std::vector<std::vector<std::byte>> bytes_of(const Loaded& loaded) {
  const auto& q = std::get<tensor::Int4>(loaded.q.layout);
  const auto& head = std::get<tensor::Int8>(loaded.head.layout);
  const auto& tower = std::get<tensor::Dense>(loaded.tower.layout);
  return {bytes_of(q.codes),     bytes_of(q.scales),     bytes_of(head.codes),
          bytes_of(head.scales), bytes_of(tower.values), bytes_of(loaded.norm)};
}

class WeightCacheTest : public testing::Test {
 protected:
  WeightCacheTest() {
    checkpoint_.add("q", DType::bf16, {70, 301})
        .add("k", DType::bf16, {30, 301})
        .add("table", DType::bf16, {50, 64})
        .add("tower", DType::bf16, {20, 48})
        .add("norm", DType::bf16, {300});
    source_ = &checkpoint_.open();
    folder_ = checkpoint_.folder() / "cache";
  }

  std::shared_ptr<WeightCache> open(const std::string& content = kContent,
                                    const WeightPolicy& policy = {}) const {
    return open_cache({.folder = folder_, .least_bytes = 0}, checkpoint_.folder(), content, policy);
  }

  Loaded load(WeightCache* cache, const WeightPolicy& policy = {}) {
    WeightLoader loader = machine_.loader(*source_, policy, {}, {}, cache);
    Loaded loaded;
    loaded.table = loader.embedding("table", 50, 64);
    loaded.q = loader.stacked({"q", "k"}, {70, 30}, 301, Role::decoder);
    loaded.head = loader.linear("table", 50, 64, Role::head);
    loaded.tower = loader.linear("tower", 20, 48, Role::vision);
    loaded.norm = loader.vector("norm", 300, Role::decoder);
    return loaded;
  }

  // Loads and writes; returns what was loaded.
  std::vector<std::vector<std::byte>> fill() {
    const auto cache = open();
    const Loaded loaded = load(cache.get());
    EXPECT_TRUE(cache->wants_writing());
    EXPECT_EQ(cache->write(), std::nullopt);
    return bytes_of(loaded);
  }

  std::string file_bytes() const { return base::read_file(open()->file()); }

  // The cache does not serve, the load gives the right weights, and writing mends it.
  void expect_mended(const std::vector<std::vector<std::byte>>& wanted, const std::string& reason) {
    const auto cache = open();
    EXPECT_EQ(bytes_of(load(cache.get())), wanted);
    EXPECT_FALSE(cache->served());
    EXPECT_THAT(cache->refusal(), HasSubstr(reason));
    ASSERT_TRUE(cache->wants_writing());
    EXPECT_EQ(cache->write(), std::nullopt);
    const auto again = open();
    EXPECT_EQ(bytes_of(load(again.get())), wanted);
    EXPECT_TRUE(again->served());
  }

  Checkpoint checkpoint_;
  const checkpoint::TensorSource* source_ = nullptr;
  fs::path folder_;
  Machine machine_;
};

TEST_F(WeightCacheTest, WeightsThatAreFoldedOfOneTensorAreKeptApart) {
  const auto half = [&](WeightCache* cache, bool second) {
    WeightLoader loader = machine_.loader(*source_, {}, {}, {}, cache);
    std::vector<std::vector<std::byte>> halves;
    for (const std::ptrdiff_t from : {0, 24}) {
      const RowFold keep = [from](std::span<const float> stored, std::span<float> kept) {
        std::copy_n(stored.begin() + from, 24, kept.begin());
      };
      const Weight weight = loader.folded("tower", 20, 48, 24, Role::vision, keep,
                                          "columns from " + std::to_string(from));
      halves.push_back(bytes_of(std::get<tensor::Dense>(weight.layout).values));
    }
    return halves.at(second ? 1 : 0);
  };
  const auto cache = open();
  const auto first = half(cache.get(), false);
  EXPECT_NE(first, half(nullptr, true));
  ASSERT_EQ(cache->write(), std::nullopt);
  const auto again = open();
  EXPECT_EQ(half(again.get(), false), first);
  EXPECT_EQ(half(again.get(), true), half(nullptr, true));
  EXPECT_TRUE(again->served());
}

TEST_F(WeightCacheTest, TheSecondLoadIsTheSameBytesOutOfTheFile) {
  const auto wanted = bytes_of(load(nullptr));
  EXPECT_EQ(fill(), wanted);
  const auto cache = open();
  ASSERT_TRUE(cache->found()) << cache->refusal();
  Loaded loaded = load(cache.get());
  EXPECT_TRUE(cache->served());
  EXPECT_FALSE(cache->wants_writing());
  EXPECT_EQ(cache->refusal(), "");
  EXPECT_EQ(bytes_of(loaded), wanted);
  const auto& codes = std::get<tensor::Int4>(loaded.q.layout).codes;
  EXPECT_EQ(reinterpret_cast<uintptr_t>(codes.data()) % 4096, 0u) << "not mapped";
  EXPECT_EQ(std::get<tensor::Dense>(loaded.table.layout).values.data(),
            source_->read("table").data);
}

TEST_F(WeightCacheTest, MappedWeightsOutliveTheCacheAndItsFile) {
  const auto wanted = fill();
  auto cache = open();
  const Loaded loaded = load(cache.get());
  cache.reset();
  fs::remove_all(folder_);
  EXPECT_EQ(bytes_of(loaded), wanted);
}

TEST_F(WeightCacheTest, AnotherTimeOfTheCheckpointIsStale) {
  const auto wanted = fill();
  const fs::path weights = checkpoint_.folder() / "model.safetensors";
  fs::last_write_time(weights, fs::last_write_time(weights) + std::chrono::seconds(1));
  expect_mended(wanted, "made from");
}

TEST_F(WeightCacheTest, AnotherSizeOfTheCheckpointIsStale) {
  fill();
  const fs::path weights = checkpoint_.folder() / "model.safetensors";
  const auto time = fs::last_write_time(weights);
  fs::resize_file(weights, fs::file_size(weights) + 1);
  fs::last_write_time(weights, time);
  EXPECT_FALSE(open()->found());
  EXPECT_THAT(open()->refusal(), HasSubstr("made from"));
}

TEST_F(WeightCacheTest, OtherContentAndOtherPoliciesHaveTheirOwnFile) {
  fill();
  EXPECT_TRUE(open()->found());
  EXPECT_FALSE(open("another hash")->found());
  EXPECT_FALSE(open(kContent, {.body = Precision::int8})->found());
  EXPECT_FALSE(open(kContent, {.vision = Precision::int8})->found());
  WeightPolicy plain;
  plain.round_input = false;
  EXPECT_FALSE(open(kContent, plain)->found());
  EXPECT_FALSE(open(kContent, {.interleave = false})->found());
}

TEST_F(WeightCacheTest, AFileUnderTheNameOfAnotherIsRefused) {
  const auto wanted = fill();
  const auto other = open("another hash");
  fs::copy_file(open()->file(), other->file());
  EXPECT_FALSE(open("another hash")->found());
  EXPECT_THAT(open("another hash")->refusal(), HasSubstr("made from"));
}

TEST_F(WeightCacheTest, TruncatedFilesAreRefused) {
  const auto wanted = fill();
  const std::string whole = file_bytes();
  for (const size_t size : {size_t{0}, size_t{7}, size_t{40}, size_t{200}, size_t{4096},
                            whole.size() / 2, whole.size() - 1}) {
    base::write_file_atomically(open()->file(), std::string_view(whole).substr(0, size));
    EXPECT_FALSE(open()->found()) << size;
    expect_mended(wanted, ".packed: ");
  }
  base::write_file_atomically(open()->file(), whole + "x");
  expect_mended(wanted, "wanted");
}

TEST_F(WeightCacheTest, FlippedBytesAreSeenWhereverTheyAre) {
  const auto wanted = fill();
  const std::string whole = file_bytes();
  const auto parsed = parse_packed_header(std::as_bytes(std::span(whole)), "whole");
  const auto spoil = [&](int64_t at) {
    std::string spoiled = whole;
    spoiled[static_cast<size_t>(at)] ^= 1;
    base::write_file_atomically(open()->file(), spoiled);
  };
  for (const int64_t at : {3, 8, 20, 81, 400}) {
    spoil(at);
    EXPECT_FALSE(open()->found()) << at;
  }
  for (const PackedWeight& weight : parsed.header.weights)
    for (const PackedPart& part : weight.parts)
      for (const int64_t at : {int64_t{0}, part.bytes - 1}) {
        spoil(parsed.data_begin + part.offset + at);
        expect_mended(wanted, "'" + weight.key + "' is damaged");
      }
}

TEST_F(WeightCacheTest, AFolderThatCannotBeWrittenIsSaidNotThrown) {
  base::write_file_atomically(folder_, "a file in the way");
  const auto cache = open();
  load(cache.get());
  EXPECT_THAT(cache->write().value_or(""), HasSubstr("cannot create folder"));
}

TEST_F(WeightCacheTest, AFullDiskLeavesNothingBehind) {
  const auto cache = open();
  load(cache.get());
  const auto former = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small{8192, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto refusal = cache->write();
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, former);
  EXPECT_THAT(refusal.value_or(""), HasSubstr("cannot write"));
  EXPECT_TRUE(packed_files(folder_).empty());
}

TEST_F(WeightCacheTest, OneProcessWritesAtATime) {
  const auto cache = open();
  load(cache.get());
  fs::create_directories(folder_);
  const std::string draft = cache->file().string() + ".tmp";
  const int other = ::open(draft.c_str(), O_RDWR | O_CREAT, 0644);
  ASSERT_EQ(::flock(other, LOCK_EX), 0);
  EXPECT_THAT(cache->write().value_or(""), HasSubstr("another process"));
  EXPECT_TRUE(fs::exists(draft)) << "it is the other's";
  ::close(other);  // as if killed: what it left does not stop the next
  fill();
  EXPECT_FALSE(fs::exists(draft));
}

TEST_F(WeightCacheTest, WritersThatRaceLeaveOneWholeFile) {
  const auto wanted = bytes_of(load(nullptr));
  for (int round = 0; round < 10; ++round) {
    std::vector<std::shared_ptr<WeightCache>> caches;
    for (int i = 0; i < 4; ++i) {
      caches.push_back(open("round " + std::to_string(round)));
      load(caches.back().get());
    }
    std::vector<std::thread> threads;
    for (const auto& cache : caches) threads.emplace_back([cache] { cache->write(); });
    for (std::thread& thread : threads) thread.join();
    const auto cache = open("round " + std::to_string(round));
    EXPECT_EQ(bytes_of(load(cache.get())), wanted);
    EXPECT_TRUE(cache->served()) << cache->refusal();
  }
}

TEST_F(WeightCacheTest, SmallModelsAndRefusedCachesAreNotKept) {
  const CacheOptions usual{.folder = folder_};
  const auto cache = open_cache(usual, checkpoint_.folder(), kContent, {});
  load(cache.get());
  EXPECT_FALSE(cache->wants_writing());
  EXPECT_EQ(open_cache({.use = false, .folder = folder_}, checkpoint_.folder(), kContent, {}),
            nullptr);
  EXPECT_EQ(open_cache({}, checkpoint_.folder(), kContent, {}), nullptr);
  fs::create_directories(folder_);
  EXPECT_EQ(open_cache(usual, folder_, kContent, {}), nullptr) << "no weights to compare with";
}

TEST_F(WeightCacheTest, WhatWasUsedLongAgoMakesRoom) {
  fs::create_directories(folder_);
  const auto put = [&](const char* name, int hours) {
    base::write_file_atomically(folder_ / name, std::string(1000, 'x'));
    fs::last_write_time(folder_ / name,
                        fs::file_time_type::clock::now() - std::chrono::hours(hours));
  };
  put("old.packed", 3);
  put("older.packed", 4);
  put("oldest.packed", 5);
  put("something else", 9);
  remove_least_recent(folder_, folder_ / "oldest.packed", 1500);
  EXPECT_EQ(packed_files(folder_),
            (std::vector<fs::path>{folder_ / "old.packed", folder_ / "oldest.packed"}));
  EXPECT_TRUE(fs::exists(folder_ / "something else"));
}

}  // namespace
}  // namespace visavis::load
