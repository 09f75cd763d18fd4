#include "engine/compress/awq.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "engine/compress/feedback.h"

namespace visavis::compress {
namespace {

using checkpoint::TensorInfo;
using checkpoint::TensorSource;
using tensor::Buffer;
using tensor::DType;

constexpr int kSteps = 20;          // exponents 0, 1 / kSteps ... 1
constexpr double kFaintest = 1e-4;  // of the largest magnitude: what is below counts as so much

const InputSample& sample_of(const InputSamples& samples, const FoldPlace& place) {
  const auto at = samples.find(place.after.front());
  require(at != samples.end() && at->second.kept() > 0, "calibration saw no input of '",
          place.after.front(), "'");
  require(at->second.cols == place.outputs * place.sharing, "calibration saw ", at->second.cols,
          " inputs of '", place.after.front(), "', wanted ", place.outputs * place.sharing);
  return at->second;
}

// m^exponent of each output, the largest and the smallest as far from 1.
std::vector<float> scales_for(const FoldPlace& place, const InputSample& sample, double exponent) {
  std::vector<double> magnitudes(static_cast<size_t>(place.outputs));
  for (int64_t i = 0; i < sample.cols; ++i)
    magnitudes[static_cast<size_t>(place.output_of(i))] +=
        sample.magnitudes[static_cast<size_t>(i)] / static_cast<double>(place.sharing);
  const double most = *std::max_element(magnitudes.begin(), magnitudes.end());
  std::vector<float> scales(magnitudes.size(), 1.0f);
  if (!(most > 0)) return scales;
  const double least =
      std::max(*std::min_element(magnitudes.begin(), magnitudes.end()), kFaintest * most);
  const double middle = std::sqrt(most * least);
  std::transform(magnitudes.begin(), magnitudes.end(), scales.begin(), [&](double magnitude) {
    return static_cast<float>(std::pow(std::max(magnitude, least) / middle, exponent));
  });
  return scales;
}

// Some rows of one matrix, and what they give for the sampled inputs.
class Probe {
 public:
  Probe(const TensorSource& source, const std::string& name, const Coding& coding,
        const InputSample& sample, ops::Ops& ops, base::ThreadPool& pool, int64_t most_rows)
      : info_(*source.find(name)), coding_(coding), sample_(sample), ops_(ops), pool_(pool) {
    const int64_t rows = std::min(info_.shape[0], most_rows);
    const int64_t cols = info_.shape[1];
    values_.resize(static_cast<size_t>(rows * cols));
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t row = i * info_.shape[0] / rows;
      read_rows(source, info_, row, row + 1, cols, values_.data() + i * cols);
    }
    outputs_ = Buffer::host(sample.kept() * rows * static_cast<int64_t>(sizeof(float)));
    weight_ = {.name = name, .rows = rows, .cols = cols, .layout = {}};
    tensor::Dense dense;
    dense.values = Buffer::host(rows * cols * static_cast<int64_t>(sizeof(float)));
    weight_.layout = std::move(dense);
    std::copy(values_.begin(), values_.end(), matrix());
    squares_ = multiplied();
  }

  // Sum of squared output errors over that of squared outputs, if column i is coded times
  // factors[i].
  double error(std::span<const float> factors) {
    const int64_t cols = weight_.cols;
    const DType scales = info_.dtype == DType::bf16 ? DType::bf16 : DType::f16;
    std::vector<double> powers = sample_.powers;
    for (size_t i = 0; i < powers.size(); ++i) {
      const double factor = static_cast<double>(factors[i]);
      powers[i] /= factor * factor;
    }
    const std::vector<float> weights = weights_from(powers);
    std::atomic<bool> fits{true};
    pool_.parallel_for(weight_.rows, 4, [&](int64_t first, int64_t last) {
      std::vector<float> scaled(static_cast<size_t>(cols));
      std::vector<float> back(static_cast<size_t>(cols));
      for (int64_t row = first; row < last; ++row) {
        const float* value = values_.data() + row * cols;
        float* off = matrix() + row * cols;
        for (size_t i = 0; i < scaled.size(); ++i) scaled[i] = value[i] * factors[i];
        if (!code_row(scaled, weights, coding_, scales, back)) fits = false;
        for (size_t i = 0; i < back.size(); ++i) off[i] = back[i] / factors[i] - value[i];
      }
    });
    if (!fits) return HUGE_VAL;
    const double differences = multiplied();
    return squares_ > 0 ? differences / squares_ : 0;
  }

 private:
  float* matrix() { return std::get<tensor::Dense>(weight_.layout).values.as<float>(); }

  // Sum of squares of the matrix times all sampled inputs.
  double multiplied() {
    const int64_t n = sample_.kept();
    const tensor::View x = {
        DType::f32, {n, weight_.cols}, reinterpret_cast<const std::byte*>(sample_.rows.data())};
    ops_.linear(x, weight_, {}, {DType::f32, {n, weight_.rows}, outputs_.data()});
    ops_.wait();
    double sum = 0;
    const float* out = outputs_.as<float>();
    for (int64_t i = 0; i < n * weight_.rows; ++i)
      sum += static_cast<double>(out[i]) * static_cast<double>(out[i]);
    return sum;
  }

  const TensorInfo& info_;
  Coding coding_;
  const InputSample& sample_;
  ops::Ops& ops_;
  base::ThreadPool& pool_;
  std::vector<float> values_;
  tensor::Weight weight_;
  Buffer outputs_;
  double squares_ = 0;
};

}  // namespace

std::vector<ScaleChoice> search_scales(const TensorSource& source, const Codings& codings,
                                       const std::vector<FoldPlace>& places,
                                       const InputSamples& samples, ops::Ops& ops,
                                       base::ThreadPool& pool, int64_t most_rows) {
  std::vector<ScaleChoice> choices;
  for (const FoldPlace& place : places) {
    const InputSample& sample = sample_of(samples, place);
    std::vector<Probe> probes;
    probes.reserve(place.after.size());
    for (const std::string& name : place.after)
      probes.emplace_back(source, name, codings.at(name), sample, ops, pool, most_rows);
    ScaleChoice choice = {.place = place};
    std::vector<float> factors(static_cast<size_t>(sample.cols));
    for (int step = 0; step <= kSteps; ++step) {
      const double exponent = static_cast<double>(step) / kSteps;
      const std::vector<float> scales =
          exact_scales(source, place, scales_for(place, sample, exponent));
      for (size_t i = 0; i < factors.size(); ++i)
        factors[i] = scales[static_cast<size_t>(place.output_of(static_cast<int64_t>(i)))];
      double error = 0;
      for (Probe& probe : probes) error += probe.error(factors);
      error = std::sqrt(error / static_cast<double>(probes.size()));
      if (step == 0) choice.unscaled_error = error;
      if (step > 0 && !(error < choice.error)) continue;
      choice.exponent = exponent;
      choice.error = error;
      choice.scales = scales;
    }
    choices.push_back(std::move(choice));
  }
  return choices;
}

Fold fold_of(const std::vector<ScaleChoice>& choices) {
  Fold fold;
  for (const ScaleChoice& choice : choices)
    if (choice.exponent > 0) fold.add(choice.place, choice.scales);
  return fold;
}

InputPowers powers_of(const std::vector<FoldPlace>& places, const InputSamples& samples,
                      const Fold& fold) {
  InputPowers powers;
  for (const FoldPlace& place : places) {
    const InputSample& sample = sample_of(samples, place);
    for (const std::string& name : place.after) {
      std::vector<double> after = sample.powers;
      if (const auto factors = fold.inputs.find(name); factors != fold.inputs.end())
        for (size_t i = 0; i < after.size(); ++i) {
          const double factor = static_cast<double>(factors->second[i]);
          after[i] /= factor * factor;
        }
      powers[name] = std::move(after);
    }
  }
  return powers;
}

std::vector<float> moments_of(const std::vector<FoldPlace>& places, const InputSamples& samples,
                              const Fold& fold, const std::string& weight) {
  const auto reads = [&weight](const FoldPlace& place) {
    return std::find(place.after.begin(), place.after.end(), weight) != place.after.end();
  };
  const auto place = std::find_if(places.begin(), places.end(), reads);
  if (place == places.end()) return {};
  std::vector<float> moments = sample_of(samples, *place).moments;
  const auto factors = fold.inputs.find(weight);
  if (factors == fold.inputs.end()) return moments;
  const std::vector<float>& by = factors->second;
  constexpr auto kBlock = static_cast<size_t>(kMomentBlock);
  for (size_t i = 0; i < by.size(); ++i)
    for (size_t j = i / kBlock * kBlock; j < std::min(by.size(), (i / kBlock + 1) * kBlock); ++j)
      moments[i * kBlock + j % kBlock] /= by[i] * by[j];
  return moments;
}

}  // namespace visavis::compress
