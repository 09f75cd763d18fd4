// Draws one token by its probability.
#pragma once

#include "engine/ops/cuda/args.h"

namespace visavis::ops::cuda {

/// Ops::sample with views and draw taken apart.
struct SampleArgs {
  const float* logits = nullptr;
  int count = 0;
  float temperature = 1;
  int top_k = 0;
  float top_p = 1;
  double uniform = 0;
  int32_t* id = nullptr;
};

void sample(const SampleArgs& args, cudaStream_t stream);

}  // namespace visavis::ops::cuda
