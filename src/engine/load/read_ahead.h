// Reads a checkpoint's tensors in the order of their use, some megabytes ahead of it, so that the
// disk does not wait for the CPU. Files that are in the page cache are used where they lie; others
// are read past it into a ring of fixed size. Without a plan, or where a file allows no such read,
// next() gives the mapped bytes.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/direct_file.h"
#include "engine/checkpoint/tensor_source.h"

namespace visavis::load {

/// A tensor's rows begin..end as stored.
struct RowBlock {
  std::string name;
  int64_t begin = 0;
  int64_t end = 0;
  int64_t row_bytes = 0;

  friend bool operator==(const RowBlock&, const RowBlock&) = default;
};

/// The blocks in which all of a tensor's rows are worked on: some megabytes, whole multiples of 16
/// rows where there are as many.
std::vector<RowBlock> row_blocks(const checkpoint::TensorInfo& info);

class ReadAhead {
 public:
  /// `order`: the blocks as they will be asked for. The source must outlive this.
  ReadAhead(const checkpoint::TensorSource& source, std::vector<RowBlock> order);
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;
  ~ReadAhead();

  /// The block's bytes, valid until the next call. A block out of order is mapped. One thread.
  const std::byte* next(const RowBlock& block);

 private:
  struct Slot {
    std::byte* room = nullptr;
    const std::byte* data = nullptr;  // null: not read
    bool ready = false;
  };

  void run();
  const std::byte* fetch(const RowBlock& block, std::byte* room) const;
  Slot& slot_of(size_t block) { return slots_[block % slots_.size()]; }
  void release_current();
  const std::byte* mapped(const RowBlock& block) const;

  const checkpoint::TensorSource* source_;
  std::vector<RowBlock> order_;
  std::map<const base::MappedFile*, base::DirectFile> files_;
  tensor::Buffer ring_;
  std::vector<Slot> slots_;

  std::mutex mutex_;
  std::condition_variable freed_;
  std::condition_variable filled_;
  size_t reading_ = 0;    // the next block that a thread will read
  size_t released_ = 0;   // blocks that are done with
  bool holding_ = false;  // the block `released_` is being used
  bool stopping_ = false;

  std::vector<std::jthread> threads_;
};

}  // namespace visavis::load
