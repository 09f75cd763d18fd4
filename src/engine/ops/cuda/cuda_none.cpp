// What a build without CUDA links in place of this folder: the same functions, and one clear line.
#include "base/error.h"
#include "engine/ops/ops.h"

namespace visavis::ops {

bool has_cuda() { return false; }

namespace {
constexpr const char* kNone =
    "this build has no CUDA backend; 'cmake --preset cuda' configures one that has";
}

std::unique_ptr<Ops> make_cuda_ops(const CudaOptions& /*options*/) { fail(kNone); }

std::string cuda_bus_id(int /*device*/) { fail(kNone); }

std::vector<KernelRow> cuda_kernels(int /*device*/) { return {}; }

}  // namespace visavis::ops
