// What each way of `visavis quantize` loses on one matrix: bits per weight, relative error of the
// weights, and that of the outputs for inputs that no method has seen. quantize_error.py makes the
// matrix and prints the table.
//
//   quantize_error FOLDER   with model.safetensors: norm.weight (ones), layer.weight [out, in],
//                           calibration and test [rows, in], all f32
#include <algorithm>
#include <cmath>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "engine/compress/awq.h"
#include "engine/compress/coding.h"
#include "engine/compress/feedback.h"

namespace {

using namespace visavis;
using compress::Coding;

constexpr int64_t kSearchedRows = 128;

std::vector<float> values_of(const checkpoint::TensorSource& source, const std::string& name) {
  const checkpoint::TensorInfo* info = source.find(name);
  require(info != nullptr && info->shape.rank() == 2, "no matrix '", name, "'");
  std::vector<float> values(static_cast<size_t>(info->shape.elements()));
  compress::read_rows(source, *info, 0, info->shape[0], info->shape[1], values.data());
  return values;
}

class Bench {
 public:
  explicit Bench(const std::string& folder)
      : source_(checkpoint::open_tensors(folder)),
        ops_(ops::make_cpu_ops({})),
        pool_(0),
        info_(*source_->find("layer.weight")),
        values_(values_of(*source_, "layer.weight")),
        test_(values_of(*source_, "test")),
        place_{
            .before = "norm.weight", .bias = {}, .after = {info_.name}, .outputs = info_.shape[1]} {
    compress::InputSampler sampler(128, 1, true);
    sampler.add(info_.name, values_of(*source_, "calibration"), info_.shape[1]);
    samples_ = sampler.take();
    whole_ = squares(values_);
    for (const float value : values_)
      weight_squares_ += static_cast<double>(value) * static_cast<double>(value);
  }

  struct Means {
    bool calibrated = false;
    bool scaled = false;
    bool feedback = false;
  };

  base::Json measure(const std::string& method, const Coding& coding, const Means& means) {
    const int64_t cols = info_.shape[1];
    std::vector<compress::ScaleChoice> choices;
    if (means.scaled)
      choices = compress::search_scales(*source_, {{info_.name, coding}}, {place_}, samples_, *ops_,
                                        pool_, kSearchedRows);
    const compress::Fold fold = compress::fold_of(choices);
    std::vector<float> factors(static_cast<size_t>(cols), 1.0f);
    if (fold.inputs.contains(info_.name)) factors = fold.inputs.at(info_.name);
    const std::vector<float> weights =
        means.calibrated
            ? compress::weights_from(compress::powers_of({place_}, samples_, fold).at(info_.name))
            : std::vector<float>();
    const compress::Feedback feedback(compress::moments_of({place_}, samples_, fold, info_.name),
                                      cols);
    std::vector<float> off(values_.size());
    pool_.parallel_for(info_.shape[0], 16, [&](int64_t first, int64_t last) {
      std::vector<float> row(factors.size());
      std::vector<float> back(factors.size());
      std::vector<uint8_t> codes(factors.size());
      std::vector<uint16_t> scales(factors.size());
      std::vector<uint8_t> zeros(factors.size());
      for (int64_t i = first; i < last; ++i) {
        const float* from = values_.data() + i * cols;
        for (size_t c = 0; c < row.size(); ++c) row[c] = from[c] * factors[c];
        const compress::CodedRow out = {codes.data(), scales.data(), zeros.data()};
        require(means.feedback
                    ? feedback.code_row(row, weights, coding, tensor::DType::f16, out, back)
                    : compress::code_row(row, weights, coding, tensor::DType::f16, out, back),
                "values are too large");
        for (size_t c = 0; c < row.size(); ++c)
          off[static_cast<size_t>(i * cols) + c] = back[c] / factors[c] - from[c];
      }
    });
    double differences = 0;
    for (const float value : off)
      differences += static_cast<double>(value) * static_cast<double>(value);
    return {{"method", method + " g" + std::to_string(coding.group)},
            {"bits", coding.bits_per_weight()},
            {"weight_error", std::sqrt(differences / weight_squares_)},
            {"output_error", std::sqrt(squares(off) / whole_)}};
  }

 private:
  // Sum of squares of the matrix times the test's inputs.
  double squares(const std::vector<float>& matrix) {
    const int64_t cols = info_.shape[1];
    const int64_t rows = info_.shape[0];
    const auto n = static_cast<int64_t>(test_.size()) / cols;
    tensor::Weight weight = {.name = "w", .rows = rows, .cols = cols, .layout = {}};
    tensor::Dense dense;
    dense.values = tensor::Buffer::host(rows * cols * 4);
    std::copy(matrix.begin(), matrix.end(), dense.values.as<float>());
    weight.layout = std::move(dense);
    std::vector<float> out(static_cast<size_t>(n * rows));
    ops_->linear({tensor::DType::f32, {n, cols}, reinterpret_cast<std::byte*>(test_.data())},
                 weight, {},
                 {tensor::DType::f32, {n, rows}, reinterpret_cast<std::byte*>(out.data())});
    double sum = 0;
    for (const float value : out) sum += static_cast<double>(value) * static_cast<double>(value);
    return sum;
  }

  std::unique_ptr<checkpoint::TensorSource> source_;
  std::unique_ptr<ops::Ops> ops_;
  base::ThreadPool pool_;
  const checkpoint::TensorInfo& info_;
  std::vector<float> values_;
  std::vector<float> test_;
  compress::FoldPlace place_;
  compress::InputSamples samples_;
  double weight_squares_ = 0;
  double whole_ = 0;
};

}  // namespace

int main(int count, char** arguments) {
  try {
    require(count == 2, "usage: quantize_error FOLDER");
    Bench bench(arguments[1]);
    base::Json rows = base::Json::array();
    for (const int64_t group : {128, 64, 32})
      for (const bool zeros : {false, true}) {
        const Coding coding = {.bits = 4, .group = group, .zero_points = zeros};
        const std::string name = zeros ? "hqq" : "nearest";
        rows.push_back(bench.measure(name, coding, {}));
        rows.push_back(
            bench.measure(name + " --feedback", coding, {.calibrated = true, .feedback = true}));
        if (zeros) continue;
        rows.push_back(bench.measure("awq", coding, {.calibrated = true, .scaled = true}));
        rows.push_back(bench.measure("awq --feedback", coding,
                                     {.calibrated = true, .scaled = true, .feedback = true}));
      }
    std::cout << base::dump_json(rows) << "\n";
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
