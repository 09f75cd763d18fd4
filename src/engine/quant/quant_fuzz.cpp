// A line of quantization_config and a safetensors file behind it: refused with an Error, or rows of
// every layer in a format can be read, as values and as codes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "engine/checkpoint/safetensors.h"
#include "engine/quant/formats.h"

namespace visavis::quant {
namespace {

using checkpoint::CodeForm;
using checkpoint::EncodedTensor;
using checkpoint::TensorInfo;

// The tensors of a safetensors file in memory.
class InMemory : public checkpoint::TensorSource {
 public:
  explicit InMemory(std::span<const std::byte> bytes) : bytes_(bytes) {
    for (checkpoint::SafetensorsEntry& entry : checkpoint::parse_safetensors(bytes, "fuzz")) {
      infos_.push_back({entry.name, entry.dtype, entry.shape, "fuzz"});
      entries_.push_back(std::move(entry));
    }
  }
  const std::vector<TensorInfo>& tensors() const override { return infos_; }
  const TensorInfo* find(const std::string& name) const override {
    const auto at = std::find_if(infos_.begin(), infos_.end(),
                                 [&name](const TensorInfo& info) { return info.name == name; });
    return at == infos_.end() ? nullptr : &*at;
  }
  tensor::View read(const std::string& name) const override {
    const auto& entry = entries_[static_cast<size_t>(find(name) - infos_.data())];
    return {entry.dtype, entry.shape, bytes_.data() + entry.begin};
  }
  std::optional<checkpoint::FilePlace> place(const std::string&) const override { return {}; }
  void drop(const std::string&, int64_t, int64_t) const override {}
  std::shared_ptr<void> keep_alive() const override { return nullptr; }
  int64_t file_bytes() const override { return static_cast<int64_t>(bytes_.size()); }

 private:
  std::span<const std::byte> bytes_;
  std::vector<TensorInfo> infos_;
  std::vector<checkpoint::SafetensorsEntry> entries_;
};

void read_row(const EncodedTensor& tensor, int64_t row, int64_t cols) {
  std::vector<float> values(static_cast<size_t>(cols));
  static_cast<void>(tensor.values(row, row + 1, values.data()));
  const CodeForm form = tensor.form();
  if (form.kind == CodeForm::Kind::none) return;
  const auto groups = static_cast<size_t>(tensor::groups_of(cols, form.group));
  std::vector<std::byte> codes(static_cast<size_t>(cols));
  std::vector<std::byte> scales(2 * groups);
  std::vector<std::byte> zeros(2 * groups);
  static_cast<void>(tensor.codes(row, row + 1, {codes.data(), scales.data(), zeros.data()}));
  std::vector<int32_t> permutation(static_cast<size_t>(cols));
  if (form.permuted) tensor.permutation(permutation);
}

void run(std::string_view settings, std::span<const std::byte> file) {
  constexpr int64_t kMostColumns = 1 << 16;  // keeps a run short
  const auto source =
      with_formats(std::make_unique<InMemory>(file),
                   checkpoint::ConfigReader(base::parse_json(settings, "fuzz.json"), "fuzz.json"));
  for (const TensorInfo& info : source->tensors()) {
    const EncodedTensor* tensor = source->encoded(info.name);
    if (tensor == nullptr || info.shape[1] > kMostColumns) continue;
    read_row(*tensor, 0, info.shape[1]);
    read_row(*tensor, info.shape[0] - 1, info.shape[1]);
  }
}

}  // namespace
}  // namespace visavis::quant

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t line = std::min(text.find('\n'), size);
  try {
    visavis::quant::run(text.substr(0, line),
                        std::as_bytes(std::span(data, size)).subspan(std::min(line + 1, size)));
  } catch (const visavis::Error&) {
    return 0;
  }
  return 0;
}
