#include "engine/compress/calibration.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <variant>

#include "base/clock.h"
#include "base/error.h"
#include "engine/compress/feedback.h"
#include "engine/compress/observed_ops.h"
#include "engine/generate/device_loop.h"
#include "engine/generate/local_model.h"
#include "engine/models/families.h"

namespace visavis::compress {
namespace {

// The precision that holds the checkpoint's values as they are; codes become bf16.
load::Precision stored_precision(const std::filesystem::path& folder,
                                 const std::set<std::string>& weights) {
  const auto source = models::open_tensors(folder);
  for (const std::string& name : weights) {
    const checkpoint::TensorInfo* info = source->find(name);
    if (info == nullptr || source->encoded(name) != nullptr) continue;
    if (info->dtype == tensor::DType::f32) return load::Precision::f32;
    if (info->dtype == tensor::DType::f16) return load::Precision::f16;
  }
  return load::Precision::bf16;
}

// The lower halves of x x^T, block by block.
void add_moments(std::span<const float> row, std::vector<float>& moments) {
  constexpr auto kBlock = static_cast<size_t>(kMomentBlock);
  for (size_t begin = 0; begin < row.size(); begin += kBlock) {
    const size_t count = std::min(kBlock, row.size() - begin);
    for (size_t i = 0; i < count; ++i) {
      float* sums = moments.data() + (begin + i) * kBlock;
      const float value = row[begin + i];
      for (size_t j = 0; j <= i; ++j) sums[j] += value * row[begin + j];
    }
  }
}

void mirror(std::vector<float>& moments) {
  constexpr auto kBlock = static_cast<size_t>(kMomentBlock);
  for (size_t begin = 0; begin < moments.size(); begin += kBlock * kBlock)
    for (size_t i = 0; i < kBlock; ++i)
      for (size_t j = 0; j < i; ++j)
        moments[begin + j * kBlock + i] = moments[begin + i * kBlock + j];
}

}  // namespace

void InputSampler::add(const std::string& weight, std::span<const float> rows, int64_t cols) {
  const auto [place, fresh] =
      running_.try_emplace(weight, Running{{}, base::Rng(seed_, "inputs of " + weight)});
  auto& [sample, rng] = place->second;
  if (fresh) {
    sample.cols = cols;
    sample.magnitudes.resize(static_cast<size_t>(cols));
    sample.powers.resize(static_cast<size_t>(cols));
    if (moments_) sample.moments.resize(static_cast<size_t>(moment_values(cols)));
  }
  const auto width = static_cast<size_t>(cols);
  for (size_t at = 0; at < rows.size(); at += width) {
    const std::span<const float> row = rows.subspan(at, width);
    for (size_t i = 0; i < width; ++i) {
      const double value = static_cast<double>(row[i]);
      sample.magnitudes[i] += std::fabs(value);
      sample.powers[i] += value * value;
    }
    if (moments_) add_moments(row, sample.moments);
    ++sample.seen;
    if (sample.kept() < kept_) {
      sample.rows.insert(sample.rows.end(), row.begin(), row.end());
      continue;
    }
    const uint64_t place_of = rng.below(static_cast<uint64_t>(sample.seen));
    if (place_of < static_cast<uint64_t>(kept_))
      std::copy(row.begin(), row.end(),
                sample.rows.begin() + static_cast<std::ptrdiff_t>(place_of * width));
  }
}

InputSamples InputSampler::take() {
  InputSamples samples;
  for (auto& [weight, running] : running_) {
    InputSample& sample = running.sample;
    for (std::vector<double>* sums : {&sample.magnitudes, &sample.powers})
      for (double& sum : *sums) sum /= static_cast<double>(sample.seen);
    mirror(sample.moments);
    samples.emplace(weight, std::move(sample));
  }
  running_.clear();
  return samples;
}

InputSamples collect_inputs(const std::filesystem::path& folder,
                            const std::vector<chat::Request>& requests,
                            const std::set<std::string>& weights,
                            const CalibrationOptions& options) {
  InputSampler sampler(options.kept_rows, options.seed, options.moments);
  generate::DeviceLoop loop(std::make_unique<ObservedOps>(
      ops::make_cpu_ops({.threads = options.threads}),
      [&weights](const std::string& weight) { return weights.count(weight) > 0; },
      [&sampler](const std::string& weight, std::span<const float> rows, int64_t cols) {
        sampler.add(weight, rows, cols);
      },
      nullptr));
  generate::LocalModelOptions settings;
  settings.name = folder.string();
  settings.folder = folder;
  settings.open.weights.body = stored_precision(folder, weights);
  settings.open.weights.round_input = false;
  settings.open.threads = options.threads;
  settings.prefix_cache = false;  // every row of a prompt is to be seen
  generate::LocalModel model(loop, settings, base::steady_clock());
  int64_t done = 0;
  for (const chat::Request& request : requests) {
    const chat::Outcome outcome = chat::complete(model, request);
    if (const auto* failure = std::get_if<chat::Failure>(&outcome))
      fail("calibration: request ", done + 1, " of ", requests.size(), ": ", failure->message);
    ++done;
    if (options.progress) options.progress(done, static_cast<int64_t>(requests.size()));
  }
  loop.call([](ops::Ops& ops) { ops.wait(); });
  return sampler.take();
}

}  // namespace visavis::compress
