// The few instructions that CUDA C++ has no portable name for, each with what replaces it on cards
// that lack it: copies into shared memory (sm_80), int8 matrix products (sm_75 has a smaller one),
// and programmatic dependent launch (sm_90).
#pragma once

#include <cuda_fp16.h>

#include <cstdint>

namespace visavis::ops::cuda {

__device__ inline uint32_t shared_address(const void* pointer) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}

/// Starts copying 16 bytes past the first-level cache, or writing 16 zeros if not `present`. Both
/// addresses aligned to 16. (A cache hint here is an illegal instruction on sm_90.)
__device__ inline void copy16(void* shared, const void* global, bool present) {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)),
               "l"(global), "r"(present ? 16 : 0)
               : "memory");
#else
  *static_cast<uint4*>(shared) =
      present ? __ldg(static_cast<const uint4*>(global)) : make_uint4(0, 0, 0, 0);
#endif
}

/// As copy16, 4 bytes, always present.
__device__ inline void copy4(void* shared, const void* global) {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(shared_address(shared)), "l"(global)
               : "memory");
#else
  *static_cast<uint32_t*>(shared) = __ldg(static_cast<const uint32_t*>(global));
#endif
}

/// Ends a group of copies of this thread.
__device__ inline void commit_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

/// Waits until at most `Pending` of this thread's newest groups are still under way.
template <int Pending>
__device__ inline void wait_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory");
#endif
}

/// Lets the next kernel of the stream start while this one still runs.
__device__ inline void let_next_start() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

/// Waits until the kernels before this one have ended and their results can be read.
__device__ inline void wait_for_previous() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// A cluster: blocks that run at the same time and reach each other's shared memory (sm_90).

__device__ inline uint32_t block_of_cluster() {
  uint32_t rank = 0;
#if __CUDA_ARCH__ >= 900
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
#endif
  return rank;
}

/// Where block `rank` of the cluster has what this block has at `shared`.
__device__ inline uint32_t address_in_block(const void* shared, int rank) {
  uint32_t address = shared_address(shared);
#if __CUDA_ARCH__ >= 900
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(address) : "r"(address), "r"(rank));
#endif
  return address;
}

__device__ inline void store_in_cluster(uint32_t address, float value) {
#if __CUDA_ARCH__ >= 900
  asm volatile("st.shared::cluster.f32 [%0], %1;" ::"r"(address), "f"(value) : "memory");
#endif
}
__device__ inline void store_in_cluster(uint32_t address, uint2 value) {
#if __CUDA_ARCH__ >= 900
  asm volatile("st.shared::cluster.v2.u32 [%0], {%1, %2};" ::"r"(address), "r"(value.x),
               "r"(value.y)
               : "memory");
#endif
}

/// Says that this thread is here, and that its writes to the cluster's shared memory may be seen.
__device__ inline void arrive_in_cluster() {
#if __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
#endif
}
/// Waits until every thread of the cluster has arrived.
__device__ inline void wait_for_cluster() {
#if __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
#endif
}

/// c[16 x 8] += a[16 x 32] b[32 x 8] over a warp. Lane 4 g + t holds of a the rows g (a[0], a[2])
/// and g + 8 (a[1], a[3]), of b the column g, of c the columns 2 t and 2 t + 1 of rows g (c[0],
/// c[1]) and g + 8. The order of the 32 summands is free as long as a and b agree.
__device__ inline void multiply_s8(const uint32_t (&a)[4], uint32_t b0, uint32_t b1, int (&c)[4]) {
#if __CUDA_ARCH__ >= 800
  asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
  const auto part = [](uint32_t a8, uint32_t b8, int& c0, int& c1) {
    asm("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0,%1}, {%2}, {%3}, {%0,%1};"
        : "+r"(c0), "+r"(c1)
        : "r"(a8), "r"(b8));
  };
  part(a[0], b0, c[0], c[1]);
  part(a[2], b1, c[0], c[1]);
  part(a[1], b0, c[2], c[3]);
  part(a[3], b1, c[2], c[3]);
#endif
}

}  // namespace visavis::ops::cuda
