// Launching kernels that may start before the one ahead of them has ended.
#pragma once

#include <cuda_runtime.h>

#include "engine/ops/cuda/args.h"

namespace visavis::ops::cuda {

/// A launch configuration; with `overlap` the kernel starts as soon as all blocks of the one before
/// have called let_next_start(), and must call wait_for_previous() before it reads what that one
/// writes, or writes anything. Needs machine code for sm_90.
struct Launch {
  Launch(cudaStream_t stream, bool overlap) {
    config.stream = stream;
    config.attrs = attributes;
    if (!overlap) return;
    cudaLaunchAttribute& attribute = attributes[config.numAttrs++];
    attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attribute.val.programmaticStreamSerializationAllowed = 1;
  }
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;

  /// Blocks that run as a cluster (sm_90); the grid is a multiple of them.
  void cluster(unsigned blocks) {
    cudaLaunchAttribute& attribute = attributes[config.numAttrs++];
    attribute.id = cudaLaunchAttributeClusterDimension;
    attribute.val.clusterDim = {blocks, 1, 1};
  }

  cudaLaunchConfig_t config = {};
  cudaLaunchAttribute attributes[2] = {};
};

/// Lets a kernel take more shared memory than every block may.
template <class Kernel>
void allow_shared(Kernel kernel, int bytes) {
  constexpr int kAlways = 48 * 1024;
  if (bytes <= kAlways) return;
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes),
        "raising a kernel's shared memory");
}

}  // namespace visavis::ops::cuda
