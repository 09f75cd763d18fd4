// A matrix whose rows are another's in a different order, or missing there: formats that permute
// heads, tables with fewer rows than the model has tokens.
#pragma once

#include <functional>
#include <memory>

#include "engine/checkpoint/tensor_source.h"

namespace visavis::models {

/// Row i of `rows` rows is row from(i) of the tensor `name`, or zeros if from(i) is -1. The source
/// must outlive the result.
std::unique_ptr<checkpoint::EncodedTensor> mapped_rows(const checkpoint::TensorSource& source,
                                                       const std::string& name, int64_t rows,
                                                       std::function<int64_t(int64_t)> from);

/// [rows, 2 * n * k] values made of two tensors of [rows, n, k]: for each of the n the k of the
/// first, then those of the second. Plain types only. Throws Error if their shapes or types differ.
std::unique_ptr<checkpoint::EncodedTensor> paired_rows(const checkpoint::TensorSource& source,
                                                       const std::string& first,
                                                       const std::string& second);

}  // namespace visavis::models
