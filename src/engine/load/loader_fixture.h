// What tests of loading share: a checkpoint on disk made of random tensors, and a machine to load
// it onto.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "engine/checkpoint/safetensors_writer.h"
#include "engine/load/loader.h"

namespace visavis::load {

namespace fs = std::filesystem;
using tensor::DType;

// A checkpoint on disk made of random tensors, gone when the test ends.
class Checkpoint {
 public:
  Checkpoint()
      : folder_(fs::temp_directory_path() /
                ("visavis_loader_" + std::to_string(::getpid()) + "_" +
                 testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::create_directories(folder_);
  }
  ~Checkpoint() { fs::remove_all(folder_); }
  Checkpoint(const Checkpoint&) = delete;
  Checkpoint& operator=(const Checkpoint&) = delete;

  // Random values of a type; what the file holds is kept as f32 in values.at(name).
  Checkpoint& add(const std::string& name, DType dtype, const tensor::Shape& shape) {
    base::Rng rng(1, name);
    std::string bytes;
    for (int64_t i = 0; i < shape.elements(); ++i) {
      const auto value = static_cast<float>(rng.uniform() - 0.5);
      const tensor::Bf16 bf16 = tensor::to_bf16(value);
      const tensor::F16 f16 = tensor::to_f16(value);
      if (dtype == DType::bf16) {
        bytes.append(reinterpret_cast<const char*>(&bf16), 2);
        values[name].push_back(tensor::to_float(bf16));
      } else if (dtype == DType::f16) {
        bytes.append(reinterpret_cast<const char*>(&f16), 2);
        values[name].push_back(tensor::to_float(f16));
      } else {
        bytes.append(static_cast<size_t>(tensor::size_of(dtype)), '\0');
        if (dtype == DType::f32) std::memcpy(bytes.data() + bytes.size() - 4, &value, 4);
        values[name].push_back(value);
      }
    }
    specs_.push_back({name, dtype, shape});
    data_.push_back(bytes);
    return *this;
  }

  // Overwrites one f32 value of the tensor added last.
  void spoil(size_t at, float value) { std::memcpy(data_.back().data() + 4 * at, &value, 4); }

  const checkpoint::TensorSource& open() {
    checkpoint::SafetensorsWriter writer(folder_ / "model.safetensors", specs_);
    for (const std::string& bytes : data_) writer.write(std::as_bytes(std::span(bytes)));
    writer.finish();
    source_ = checkpoint::open_tensors(folder_);
    return *source_;
  }

  void close() { source_.reset(); }
  const fs::path& folder() const { return folder_; }

  std::map<std::string, std::vector<float>> values;

 private:
  fs::path folder_;
  std::vector<checkpoint::TensorSpec> specs_;
  std::vector<std::string> data_;
  std::unique_ptr<checkpoint::TensorSource> source_;
};

struct Machine {
  std::unique_ptr<ops::Ops> ops = ops::make_cpu_ops({.threads = 2});
  base::ThreadPool pool{2};

  WeightLoader loader(const checkpoint::TensorSource& source, const WeightPolicy& policy,
                      Progress progress = {}, const std::vector<PlannedTensor>& planned = {},
                      WeightCache* cache = nullptr) {
    return {source, policy, *ops, pool, std::move(progress), planned, cache};
  }
};

}  // namespace visavis::load
