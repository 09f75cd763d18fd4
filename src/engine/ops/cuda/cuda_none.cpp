// What a build without CUDA links in place of this folder: the same functions, and one clear line.
#include "base/error.h"
#include "engine/ops/ops.h"

namespace visavis::ops {

bool has_cuda() { return false; }

std::unique_ptr<Ops> make_cuda_ops(const CudaOptions& /*options*/) {
  fail("this build has no CUDA backend; 'cmake --preset cuda' configures one that has");
}

std::vector<KernelRow> cuda_kernels(int /*device*/) { return {}; }

}  // namespace visavis::ops
