#include "engine/adopt/gguf_metadata.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace visavis::adopt {

double short_number(double value) {
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), static_cast<float>(value));
  double result = 0;
  std::from_chars(text.data(), end.ptr, result);
  return result;
}

double require_number(const GgufFile& file, const std::string& key) {
  if (file.header.find<int64_t>(key) != nullptr)
    return static_cast<double>(*file.header.find<int64_t>(key));
  const auto* value = find<double>(file, key, "number");
  require(value != nullptr, file.name, ": has no metadata key '", key, "'");
  return short_number(*value);
}

const checkpoint::GgufTensor* find_tensor(const GgufFile& file, const std::string& name) {
  const auto& tensors = file.header.tensors;
  const auto at = std::find_if(tensors.begin(), tensors.end(),
                               [&](const auto& tensor) { return tensor.name == name; });
  return at == tensors.end() ? nullptr : &*at;
}

}  // namespace visavis::adopt
