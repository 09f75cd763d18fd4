#include "engine/load/read_ahead.h"

#include <algorithm>
#include <utility>

namespace visavis::load {
namespace {

constexpr int64_t kBlockBytes = int64_t{4} << 20;
constexpr int64_t kRoomBytes = kBlockBytes + 2 * base::DirectFile::kAlign;
constexpr int64_t kSlots = 8;
// Two keep the disk's queue from running empty between two reads.
constexpr int kThreads = 2;
// Interleaved layouts work on whole blocks of 16 rows.
constexpr int64_t kRowStep = 16;

}  // namespace

std::vector<RowBlock> row_blocks(const checkpoint::TensorInfo& info) {
  const int64_t rows = info.shape.rank() == 0 ? 1 : info.shape[0];
  const int64_t bytes = info.shape.elements() * tensor::size_of(info.dtype);
  if (rows == 0 || bytes == 0) return {};
  const int64_t row_bytes = bytes / rows;
  const int64_t fitting = kBlockBytes / row_bytes;
  const int64_t step = std::max(kRowStep, fitting / kRowStep * kRowStep);
  std::vector<RowBlock> blocks;
  for (int64_t begin = 0; begin < rows; begin += step)
    blocks.push_back({info.name, begin, std::min(begin + step, rows), row_bytes});
  return blocks;
}

ReadAhead::ReadAhead(const checkpoint::TensorSource& source, std::vector<RowBlock> order)
    : source_(&source), order_(std::move(order)) {
  for (const RowBlock& block : order_) {
    const auto place = source.place(block.name);
    if (place) files_.try_emplace(place->file, *place->file);
  }
  if (files_.empty()) {
    order_.clear();
    return;
  }
  const auto slots = std::min<int64_t>(kSlots, static_cast<int64_t>(order_.size()));
  ring_ = tensor::Buffer::host(slots * kRoomBytes + base::DirectFile::kAlign);
  const auto at = reinterpret_cast<uintptr_t>(ring_.data());
  std::byte* room = ring_.data() + (base::DirectFile::kAlign - at % base::DirectFile::kAlign);
  for (int64_t i = 0; i < slots; ++i) slots_.push_back({.room = room + i * kRoomBytes});
  for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { run(); });
}

ReadAhead::~ReadAhead() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  freed_.notify_all();
}

void ReadAhead::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    freed_.wait(lock, [this] {
      return stopping_ || reading_ == order_.size() || reading_ < released_ + slots_.size();
    });
    if (stopping_ || reading_ == order_.size()) return;
    const size_t block = reading_++;
    Slot& slot = slot_of(block);
    lock.unlock();
    const std::byte* data = fetch(order_[block], slot.room);
    lock.lock();
    slot.data = data;
    slot.ready = true;
    filled_.notify_one();
  }
}

const std::byte* ReadAhead::fetch(const RowBlock& block, std::byte* room) const {
  const auto place = source_->place(block.name);
  if (!place) return nullptr;
  const int64_t begin = place->begin + block.begin * block.row_bytes;
  const int64_t size = (block.end - block.begin) * block.row_bytes;
  const base::DirectFile& direct = files_.at(place->file);
  if (size <= kBlockBytes && direct.usable() && !place->file->resident(begin, size))
    return direct.read(begin, begin + size, {room, static_cast<size_t>(kRoomBytes)});
  place->file->prefetch(begin, size);
  return nullptr;
}

const std::byte* ReadAhead::mapped(const RowBlock& block) const {
  return source_->read(block.name).data + block.begin * block.row_bytes;
}

void ReadAhead::release_current() {
  if (!std::exchange(holding_, false)) return;
  slot_of(released_).ready = false;
  ++released_;
  freed_.notify_all();
}

const std::byte* ReadAhead::next(const RowBlock& block) {
  std::unique_lock lock(mutex_);
  release_current();
  if (released_ == order_.size() || !(order_[released_] == block)) return mapped(block);
  Slot& slot = slot_of(released_);
  filled_.wait(lock, [&slot] { return slot.ready; });
  holding_ = true;
  return slot.data != nullptr ? slot.data : mapped(block);
}

}  // namespace visavis::load
