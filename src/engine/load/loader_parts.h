// What the files of the loader share among themselves.
#pragma once

#include <string>

#include "engine/load/loader.h"

namespace visavis::load {

/// Rows that one tensor contributes to a weight.
struct WeightLoader::Part {
  std::string name;
  int64_t rows = 0;
  int64_t stored_cols = 0;
  const RowFold* fold = nullptr;
  std::string label = {};
};

/// All buffers of a weight; those that its layout lacks stay empty.
struct WeightLoader::Codes {
  tensor::Buffer values;
  tensor::Buffer scales;
  tensor::Buffer zeros;
  tensor::Buffer permutation;
};

}  // namespace visavis::load
