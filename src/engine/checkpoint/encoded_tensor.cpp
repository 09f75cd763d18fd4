#include "engine/checkpoint/encoded_tensor.h"

#include <cassert>

namespace visavis::checkpoint {
namespace {

class EncodedRows : public EncodedTensor {
 public:
  EncodedRows(const EncodedTensor& whole, int64_t first, int64_t bytes)
      : whole_(whole), first_(first), bytes_(bytes) {}
  std::string format() const override { return whole_.format(); }
  int64_t stored_bytes() const override { return bytes_; }
  int64_t grain() const override { return whole_.grain(); }
  bool values(int64_t begin, int64_t end, float* out) const override {
    return whole_.values(first_ + begin, first_ + end, out);
  }
  CodeForm form() const override { return whole_.form(); }
  bool codes(int64_t begin, int64_t end, const CodeRows& out) const override {
    return whole_.codes(first_ + begin, first_ + end, out);
  }
  void permutation(std::span<int32_t> out) const override { whole_.permutation(out); }
  void prefetch() const override { whole_.prefetch(); }
  void drop() const override { whole_.drop(); }

 private:
  const EncodedTensor& whole_;
  int64_t first_;
  int64_t bytes_;
};

}  // namespace

bool EncodedTensor::codes(int64_t, int64_t, const CodeRows&) const {
  assert(false && "a form of codes comes with codes");
  return false;
}

void EncodedTensor::permutation(std::span<int32_t>) const {
  assert(false && "a permuted form comes with its permutation");
}

std::unique_ptr<EncodedTensor> encoded_rows(const EncodedTensor& whole, int64_t begin,
                                            int64_t stored_bytes) {
  return std::make_unique<EncodedRows>(whole, begin, stored_bytes);
}

}  // namespace visavis::checkpoint
