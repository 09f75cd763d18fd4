#include "engine/compress/fold.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "engine/checkpoint/source_over.h"
#include "engine/load/widen.h"

namespace visavis::compress {
namespace {

using checkpoint::EncodedTensor;
using checkpoint::TensorInfo;
using checkpoint::TensorSource;
using tensor::DType;

// Names below a decoder layer.
struct Pattern {
  const char* before;
  std::array<const char*, 3> after;
};
constexpr Pattern kPatterns[] = {
    {"input_layernorm.weight",
     {"self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight"}},
    {"self_attn.v_proj.weight", {"self_attn.o_proj.weight"}},
    {"post_attention_layernorm.weight", {"mlp.gate_proj.weight", "mlp.up_proj.weight"}},
    {"mlp.up_proj.weight", {"mlp.down_proj.weight"}}};

constexpr std::string_view kLast = "mlp.down_proj.weight";  // every layer has one, coded or not
constexpr std::string_view kWeight = "weight";

int64_t rows_of(const TensorInfo& info) { return info.shape.rank() == 0 ? 1 : info.shape[0]; }

float rounded(float value, DType type) {
  return type == DType::bf16  ? tensor::to_float(tensor::to_bf16(value))
         : type == DType::f16 ? tensor::to_float(tensor::to_f16(value))
                              : value;
}

// The place of a pattern in a layer, unless something of it is missing or not coded.
bool find_place(const TensorSource& source, const Codings& codings, const std::string& layer,
                const Pattern& pattern, int64_t head_dim, FoldPlace& place) {
  place.before = layer + pattern.before;
  const TensorInfo* before = source.find(place.before);
  if (before == nullptr) return false;
  const bool norm = before->shape.rank() == 1;
  if (!norm && codings.count(place.before) == 0) return false;
  place.outputs = before->shape[0];
  if (!norm) {
    const std::string bias = place.before.substr(0, place.before.size() - kWeight.size()) + "bias";
    if (source.find(bias) != nullptr) place.bias = bias;
  }
  for (const char* name : pattern.after) {
    if (name == nullptr) break;
    const TensorInfo* after = source.find(layer + name);
    if (after == nullptr || codings.count(layer + name) == 0) return false;
    const int64_t inputs = after->shape[1];
    if (inputs % place.outputs != 0) return false;
    place.sharing = inputs / place.outputs;
    place.after.push_back(layer + name);
  }
  place.head_dim = head_dim;
  return place.sharing == 1 || (!norm && head_dim > 0 && place.outputs % head_dim == 0);
}

// A tensor of another source with factors for its rows and columns.
class ScaledTensor : public EncodedTensor {
 public:
  ScaledTensor(const TensorSource& source, const TensorInfo& info, std::vector<float> rows,
               std::vector<float> cols)
      : source_(source), info_(info), rows_(std::move(rows)), cols_(std::move(cols)) {
    const int64_t width = info.shape.elements() / rows_of(info);
    require((rows_.empty() || static_cast<int64_t>(rows_.size()) == rows_of(info)) &&
                (cols_.empty() || static_cast<int64_t>(cols_.size()) == width),
            info.file, ": tensor '", info.name, "' has shape ", info.shape.text(), ", wanted ",
            rows_.size(), " outputs and ", cols_.size(), " inputs");
  }
  std::string format() const override { return "folded"; }
  int64_t stored_bytes() const override {
    const EncodedTensor* encoded = source_.encoded(info_.name);
    return encoded != nullptr ? encoded->stored_bytes()
                              : info_.shape.elements() * tensor::size_of(info_.dtype);
  }
  bool values(int64_t begin, int64_t end, float* out) const override {
    const int64_t width = info_.shape.elements() / rows_of(info_);
    read_rows(source_, info_, begin, end, width, out);
    bool finite = true;
    for (int64_t row = begin; row < end; ++row) {
      const float factor = rows_.empty() ? 1.0f : rows_[static_cast<size_t>(row)];
      for (int64_t i = 0; i < width; ++i, ++out) {
        *out *= factor;
        if (!cols_.empty()) *out *= cols_[static_cast<size_t>(i)];
        finite = finite && std::isfinite(*out);
      }
    }
    return finite;
  }

 private:
  const TensorSource& source_;
  TensorInfo info_;
  std::vector<float> rows_;
  std::vector<float> cols_;
};

class FoldedSource : public checkpoint::SourceOver {
 public:
  FoldedSource(std::unique_ptr<TensorSource> source, const Fold& fold)
      : SourceOver(std::move(source)) {
    for (const auto& factors : {fold.inputs, fold.outputs})
      for (const auto& [name, values] : factors)
        require(stored().find(name) != nullptr, "the checkpoint has no tensor '", name,
                "' to fold into");
    for (const TensorInfo& info : stored().tensors()) {
      const auto inputs = fold.inputs.find(info.name);
      const auto outputs = fold.outputs.find(info.name);
      if (inputs == fold.inputs.end() && outputs == fold.outputs.end()) continue;
      scaled_[info.name] = std::make_unique<ScaledTensor>(
          stored(), info, outputs == fold.outputs.end() ? std::vector<float>() : outputs->second,
          inputs == fold.inputs.end() ? std::vector<float>() : inputs->second);
    }
    show(stored().tensors());
  }
  const EncodedTensor* encoded(const std::string& name) const override {
    const auto at = scaled_.find(name);
    return at == scaled_.end() ? stored().encoded(name) : at->second.get();
  }

 protected:
  const std::string& stored_name(const std::string& name) const override {
    require(scaled_.count(name) == 0, "tensor '", name, "' is folded and has no values to map");
    return name;
  }

 private:
  std::map<std::string, std::unique_ptr<ScaledTensor>> scaled_;
};

void multiply(std::vector<float>& factors, size_t size, size_t i, float factor) {
  if (factors.empty()) factors.resize(size, 1.0f);
  factors[i] *= factor;
}

}  // namespace

std::vector<FoldPlace> fold_places(const TensorSource& source, const Codings& codings,
                                   int64_t head_dim) {
  std::vector<FoldPlace> places;
  for (const TensorInfo& info : source.tensors()) {
    if (!info.name.ends_with(kLast)) continue;
    const std::string layer = info.name.substr(0, info.name.size() - kLast.size());
    for (const Pattern& pattern : kPatterns) {
      FoldPlace place;
      if (find_place(source, codings, layer, pattern, head_dim, place))
        places.push_back(std::move(place));
    }
  }
  return places;
}

void Fold::add(const FoldPlace& place, std::span<const float> scales) {
  require(static_cast<int64_t>(scales.size()) == place.outputs, "fold of '", place.before,
          "': found ", scales.size(), " scales, wanted ", place.outputs);
  for (size_t i = 0; i < scales.size(); ++i) {
    multiply(outputs[place.before], scales.size(), i, 1.0f / scales[i]);
    if (!place.bias.empty()) multiply(outputs[place.bias], scales.size(), i, 1.0f / scales[i]);
  }
  const auto width = static_cast<size_t>(place.outputs * place.sharing);
  for (const std::string& name : place.after)
    for (size_t i = 0; i < width; ++i)
      multiply(inputs[name], width, i,
               scales[static_cast<size_t>(place.output_of(static_cast<int64_t>(i)))]);
}

std::vector<float> exact_scales(const TensorSource& source, const FoldPlace& place,
                                std::vector<float> scales) {
  const TensorInfo& info = *source.find(place.before);
  if (info.shape.rank() != 1) return scales;
  std::vector<float> norm(scales.size());
  read_rows(source, info, 0, place.outputs, 1, norm.data());
  for (size_t i = 0; i < scales.size(); ++i) {
    const float divided = rounded(norm[i] / scales[i], info.dtype);
    const float exact = norm[i] / divided;
    scales[i] = std::isnormal(exact) && std::isnormal(divided) ? exact : 1.0f;
  }
  return scales;
}

std::unique_ptr<TensorSource> folded(std::unique_ptr<TensorSource> source, const Fold& fold) {
  return std::make_unique<FoldedSource>(std::move(source), fold);
}

}  // namespace visavis::compress
