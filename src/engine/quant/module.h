// The tensors that one quantised layer has in a checkpoint (codes, scales, zero points), checked
// and read value by value: what every published format needs, whatever it calls them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "engine/checkpoint/config_reader.h"
#include "engine/checkpoint/encoded_tensor.h"
#include "engine/checkpoint/tensor_source.h"

namespace visavis::quant {

/// Numbers of any type and alignment in a mapped tensor.
class Numbers {
 public:
  Numbers() = default;
  explicit Numbers(const tensor::View& view) : view_(view) {}
  bool present() const { return view_.data != nullptr; }
  int64_t count() const { return view_.shape.elements(); }
  tensor::DType dtype() const { return view_.dtype; }
  const tensor::Shape& shape() const { return view_.shape; }
  const std::byte* data() const { return view_.data; }
  /// f32, f16 or bf16.
  float number(int64_t i) const;
  /// i64, i32, i8 or u8.
  int64_t integer(int64_t i) const;
  /// i32, as bits.
  uint32_t word(int64_t i) const;

 private:
  tensor::View view_;
};

class Module {
 public:
  /// `prefix` ends with the dot before "weight". The source must outlive this.
  Module(const checkpoint::TensorSource& source, std::string prefix)
      : source_(&source), prefix_(std::move(prefix)) {}

  const std::string& prefix() const { return prefix_; }
  bool has(const char* ending) const { return source_->find(prefix_ + ending) != nullptr; }
  /// The tensor prefix + ending, of one of these types. Throws Error: missing, another type.
  Numbers take(const char* ending, std::initializer_list<tensor::DType> wanted);
  /// Nothing if it is missing.
  Numbers take_if(const char* ending, std::initializer_list<tensor::DType> wanted);
  /// The same with exactly this shape.
  Numbers take(const char* ending, std::initializer_list<tensor::DType> wanted,
               const tensor::Shape& shape);
  /// Throws Error naming the file and the tensor.
  template <class... Parts>
  [[noreturn]] void reject(const char* ending, const Parts&... parts) const {
    const checkpoint::TensorInfo* info = source_->find(prefix_ + ending);
    fail(info == nullptr ? std::string("the checkpoint") : info->file, ": tensor '", prefix_,
         ending, "' ", parts...);
  }

  /// Bytes of all that was taken.
  int64_t stored_bytes() const { return bytes_; }
  void prefetch() const;
  void drop() const;

 private:
  const checkpoint::TensorSource* source_;
  std::string prefix_;
  std::vector<std::string> taken_;
  int64_t bytes_ = 0;
};

/// What a format's reader gives: the matrix and its size.
struct Opened {
  std::unique_ptr<checkpoint::EncodedTensor> tensor;
  int64_t rows = 0;
  int64_t cols = 0;
  tensor::DType dtype = tensor::DType::f16;  // of what it was made from
};

}  // namespace visavis::quant
