// Error feedback: what rounding one column leaves is taken off the columns behind it, as far as the
// inputs of both go together, so that the outputs change less than the codes do. Source: Frantar et
// al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers" (2022);
// here errors stay inside blocks of columns, whose second moments are all that is kept.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/compress/coding.h"

namespace visavis::compress {

inline constexpr int64_t kMomentBlock = 128;  // columns; every group lies inside one

/// Values that a matrix of so many columns takes in InputMoments: a square per block, the last one
/// as large as the others.
int64_t moment_values(int64_t cols);

class Feedback {
 public:
  /// moments: sums of x_i x_j over the inputs, block by block, [blocks, kMomentBlock,
  /// kMomentBlock].
  Feedback(std::span<const float> moments, int64_t cols);

  /// As compress::code_row, with errors handed on; 8 bits are rounded without.
  [[nodiscard]] bool code_row(std::span<const float> row, std::span<const float> weights,
                              const Coding& coding, tensor::DType scale_type, const CodedRow& out,
                              std::span<float> back) const;

 private:
  int64_t cols_;
  std::vector<float> factors_;  // of each block the upper factor of the moments' inverse
};

}  // namespace visavis::compress
