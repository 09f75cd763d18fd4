#include "engine/quant/module.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/error.h"

namespace visavis::quant {
namespace {

using tensor::DType;

template <class T>
T value_at(const std::byte* data, int64_t i) {
  T value;
  std::memcpy(&value, data + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

}  // namespace

float Numbers::number(int64_t i) const {
  if (view_.dtype == DType::f32) return value_at<float>(view_.data, i);
  if (view_.dtype == DType::f16) return tensor::to_float(value_at<tensor::F16>(view_.data, i));
  assert(view_.dtype == DType::bf16);
  return tensor::to_float(value_at<tensor::Bf16>(view_.data, i));
}

int64_t Numbers::integer(int64_t i) const {
  if (view_.dtype == DType::i64) return value_at<int64_t>(view_.data, i);
  if (view_.dtype == DType::i32) return value_at<int32_t>(view_.data, i);
  if (view_.dtype == DType::i8) return value_at<int8_t>(view_.data, i);
  assert(view_.dtype == DType::u8);
  return value_at<uint8_t>(view_.data, i);
}

uint32_t Numbers::word(int64_t i) const {
  assert(view_.dtype == DType::i32);
  return value_at<uint32_t>(view_.data, i);
}

Numbers Module::take_if(const char* ending, std::initializer_list<DType> wanted) {
  return has(ending) ? take(ending, wanted) : Numbers();
}

Numbers Module::take(const char* ending, std::initializer_list<DType> wanted) {
  const std::string name = prefix_ + ending;
  const checkpoint::TensorInfo* info = source_->find(name);
  require(info != nullptr, "the checkpoint has no tensor '", name, "', which the codes of '",
          prefix_, "weight' need");
  if (std::find(wanted.begin(), wanted.end(), info->dtype) == wanted.end()) {
    std::string names;
    for (const DType each : wanted)
      names.append(names.empty() ? "" : " or ").append(tensor::name_of(each));
    reject(ending, "is ", tensor::name_of(info->dtype), ", wanted ", names);
  }
  const tensor::View view = source_->read(name);
  taken_.push_back(name);
  bytes_ += view.bytes();
  return Numbers(view);
}

Numbers Module::take(const char* ending, std::initializer_list<DType> wanted,
                     const tensor::Shape& shape) {
  Numbers numbers = take(ending, wanted);
  if (!(numbers.shape() == shape))
    reject(ending, "has shape ", numbers.shape().text(), ", wanted ", shape.text());
  return numbers;
}

void Module::prefetch() const {
  for (const std::string& name : taken_)
    if (const auto place = source_->place(name))
      place->file->prefetch(place->begin, place->end - place->begin);
}

void Module::drop() const {
  for (const std::string& name : taken_) source_->drop(name);
}

}  // namespace visavis::quant
