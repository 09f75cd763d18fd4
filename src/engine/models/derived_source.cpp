#include "engine/models/derived_source.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "engine/load/widen.h"

namespace visavis::models {
namespace {

using checkpoint::EncodedTensor;
using checkpoint::TensorInfo;
using checkpoint::TensorSource;

bool by_name(const TensorInfo& info, const std::string& name) { return info.name < name; }

// Values that are computed from a plain matrix of the source.
class OfMatrix : public EncodedTensor {
 public:
  OfMatrix(const TensorSource& source, const std::string& name)
      : source_(source), info_(*source.find(name)) {
    require(info_.shape.rank() == 2 && load::is_weight_type(info_.dtype) &&
                source.encoded(name) == nullptr,
            info_.file, ": tensor '", name, "' is ", tensor::name_of(info_.dtype), " ",
            info_.shape.text(), ", wanted a matrix of f32, bf16 or f16");
  }
  int64_t stored_bytes() const override {
    return info_.shape.elements() * tensor::size_of(info_.dtype);
  }
  void drop() const override { source_.drop(info_.name); }

 protected:
  int64_t rows() const { return info_.shape[0]; }
  int64_t cols() const { return info_.shape[1]; }
  const TensorInfo& info() const { return info_; }
  // Values [begin, begin + count) of a row. False if one is not finite.
  bool widen(int64_t row, int64_t begin, int64_t count, float* out) const {
    const int64_t at = (row * cols() + begin) * tensor::size_of(info_.dtype);
    return load::widen(info_.dtype, source_.read(info_.name).data + at, count, out);
  }

 private:
  const TensorSource& source_;
  TensorInfo info_;
};

class Transposed : public OfMatrix {
 public:
  using OfMatrix::OfMatrix;
  std::string format() const override {
    return std::string(tensor::name_of(info().dtype)) + " turned over";
  }
  bool values(int64_t begin, int64_t end, float* out) const override {
    const int64_t count = end - begin;
    std::vector<float> piece(static_cast<size_t>(count));
    bool finite = true;
    for (int64_t row = 0; row < rows(); ++row) {
      finite = widen(row, begin, count, piece.data()) && finite;
      for (int64_t i = 0; i < count; ++i) out[i * rows() + row] = piece[static_cast<size_t>(i)];
    }
    return finite;
  }
};

class ResampledGrid : public OfMatrix {
 public:
  ResampledGrid(const TensorSource& source, const std::string& name, int64_t to)
      : OfMatrix(source, name), to_(to) {
    while (from_ * from_ < rows()) ++from_;
    require(from_ * from_ == rows(), info().file, ": tensor '", name, "' has ", rows(),
            " rows, wanted a square grid of positions");
  }
  std::string format() const override {
    return std::string(tensor::name_of(info().dtype)) + " resampled";
  }

  bool values(int64_t begin, int64_t end, float* out) const override {
    std::vector<float> row(static_cast<size_t>(cols()));
    bool finite = true;
    for (int64_t i = begin; i < end; ++i, out += cols()) {
      const Taps down = taps(i / to_);
      const Taps across = taps(i % to_);
      std::fill_n(out, cols(), 0.0f);
      for (size_t y = 0; y < 4; ++y)
        for (size_t x = 0; x < 4; ++x) {
          const float share = down.share[y] * across.share[x];
          if (share == 0) continue;
          finite = widen(down.at[y] * from_ + across.at[x], 0, cols(), row.data()) && finite;
          for (int64_t c = 0; c < cols(); ++c) out[c] += share * row[static_cast<size_t>(c)];
        }
    }
    return finite;
  }

 private:
  struct Taps {
    std::array<int64_t, 4> at = {};
    std::array<float, 4> share = {};
  };
  // Which four stored points a point between them takes, and how much of each.
  Taps taps(int64_t point) const {
    constexpr double kA = -0.75;
    const double scale = static_cast<double>(from_) / static_cast<double>(to_);
    const double place = scale * (static_cast<double>(point) + 0.5) - 0.5;
    const double first = std::floor(place);
    const double t = place - first;
    const auto near = [](double x) { return ((kA + 2) * x - (kA + 3)) * x * x + 1; };
    const auto far = [](double x) { return ((kA * x - 5 * kA) * x + 8 * kA) * x - 4 * kA; };
    const double shares[] = {far(t + 1), near(t), near(1 - t), far(2 - t)};
    Taps result;
    for (size_t i = 0; i < 4; ++i) {
      result.at[i] = std::clamp(static_cast<int64_t>(first) - 1 + static_cast<int64_t>(i),
                                int64_t{0}, from_ - 1);
      result.share[i] = static_cast<float>(shares[i]);
    }
    return result;
  }

  int64_t from_ = 0;
  int64_t to_;
};

}  // namespace

DerivedSource::DerivedSource(std::unique_ptr<TensorSource> stored)
    : stored_(std::move(stored)), infos_(stored_->tensors()) {}

void DerivedSource::add(TensorInfo info, std::unique_ptr<EncodedTensor> values) {
  assert(find(info.name) == nullptr);
  derived_.emplace(info.name, std::move(values));
  const auto at = std::lower_bound(infos_.begin(), infos_.end(), info.name, by_name);
  infos_.insert(at, std::move(info));
}

const TensorInfo* DerivedSource::find(const std::string& name) const {
  const auto at = std::lower_bound(infos_.begin(), infos_.end(), name, by_name);
  return at != infos_.end() && at->name == name ? &*at : nullptr;
}

const EncodedTensor* DerivedSource::encoded(const std::string& name) const {
  const auto at = derived_.find(name);
  return at == derived_.end() ? stored_->encoded(name) : at->second.get();
}

std::unique_ptr<EncodedTensor> transposed(const TensorSource& source, const std::string& name) {
  return std::make_unique<Transposed>(source, name);
}

std::unique_ptr<EncodedTensor> resampled_grid(const TensorSource& source, const std::string& name,
                                              int64_t to) {
  return std::make_unique<ResampledGrid>(source, name, to);
}

}  // namespace visavis::models
