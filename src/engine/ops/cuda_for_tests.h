// The first CUDA device for a module's tests. Tests only.
#pragma once

#include <memory>

#include "base/error.h"
#include "engine/ops/ops.h"

namespace visavis::ops {

/// Null if this build or machine has none.
inline std::unique_ptr<Ops> first_cuda_device() {
  if (!has_cuda()) return nullptr;
  try {
    return make_cuda_ops({});
  } catch (const Error&) {
    return nullptr;
  }
}

}  // namespace visavis::ops
