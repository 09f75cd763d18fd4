#include "engine/tensor/buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.h"

namespace visavis::tensor {
namespace {

constexpr int64_t kHugePage = int64_t{2} << 20;
// From here on the rest of the last page, at most, is a small part of the whole.
constexpr int64_t kHugePages = 4;

}  // namespace

std::string Shape::text() const {
  std::string out = "[";
  for (int i = 0; i < rank_; ++i) {
    if (i > 0) out += ", ";
    out += std::to_string((*this)[i]);
  }
  return out + "]";
}

Buffer Buffer::host(int64_t bytes) {
  assert(bytes >= 0);
  Buffer buffer;
  if (bytes == 0) return buffer;
  const bool large = bytes >= kHugePages * kHugePage;
  const auto align = static_cast<size_t>(large ? kHugePage : 64);
  const auto rounded = (static_cast<size_t>(bytes) + align - 1) / align * align;
  void* data = std::aligned_alloc(align, rounded);
  require(data != nullptr, "no memory left: wanted ", bytes, " bytes");
  // A wish: faster to fill, to read and for the disk to write to.
  if (large) ::madvise(data, rounded, MADV_HUGEPAGE);
  buffer.owner_ = std::shared_ptr<void>(data, [](void* memory) { std::free(memory); });
  buffer.data_ = static_cast<std::byte*>(data);
  buffer.bytes_ = bytes;
  return buffer;
}

Buffer Buffer::adopt(std::shared_ptr<void> owner, std::byte* data, int64_t bytes, bool on_host) {
  Buffer buffer;
  buffer.owner_ = std::move(owner);
  buffer.data_ = data;
  buffer.bytes_ = bytes;
  buffer.on_host_ = on_host;
  return buffer;
}

Buffer Buffer::share() const {
  Buffer buffer;
  buffer.owner_ = owner_;
  buffer.data_ = data_;
  buffer.bytes_ = bytes_;
  buffer.on_host_ = on_host_;
  return buffer;
}

View slice_rows(const View& view, int64_t begin, int64_t end) {
  assert(view.shape.rank() >= 1 && begin >= 0 && begin <= end && end <= view.shape[0]);
  Shape shape;
  shape.push_back(end - begin);
  for (int axis = 1; axis < view.shape.rank(); ++axis) shape.push_back(view.shape[axis]);
  const int64_t stride = view.shape[0] == 0 ? 0 : view.bytes() / view.shape[0];
  return {view.dtype, shape, view.data + begin * stride};
}

MutView slice_rows(const MutView& view, int64_t begin, int64_t end) {
  const View slice = slice_rows(View(view), begin, end);
  return {slice.dtype, slice.shape, const_cast<std::byte*>(slice.data)};
}

MutView Arena::take(DType dtype, const Shape& shape) {
  const int64_t bytes = footprint(shape.elements() * size_of(dtype));
  require(bytes <= capacity() - used_, "workspace: step needs ", used_ + bytes,
          " bytes, planned were ", capacity());
  MutView view{dtype, shape, buffer_.data() + used_};
  used_ += bytes;
  high_water_ = std::max(high_water_, used_);
  return view;
}

}  // namespace visavis::tensor
