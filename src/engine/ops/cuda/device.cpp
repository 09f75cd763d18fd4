#include "engine/ops/cuda/device.h"

#include "base/error.h"
#include "base/text.h"
#include "engine/ops/cuda/matrix_library.h"

namespace visavis::ops::cuda {

void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  cudaGetLastError();  // an error that is told is not met again by the next call
  fail("CUDA: ", what, ": ", cudaGetErrorString(error), " (", cudaGetErrorName(error), ")");
}

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

namespace {

void require_driver() {
  int driver = 0;
  check(cudaDriverGetVersion(&driver), "asking for the driver's version");
  require(driver != 0, "CUDA: this machine has no NVIDIA driver");
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) cudaGetLastError();
  require(error != cudaErrorInsufficientDriver, "CUDA: the driver knows CUDA ",
          version_text(driver), ", this build needs ", version_text(CUDART_VERSION),
          "; install a newer driver or build with an older toolkit");
  require(error != cudaErrorNoDevice && (error != cudaSuccess || count > 0),
          "CUDA: the driver finds no device");
  check(error, "looking for devices");
}

int attribute(cudaDeviceAttr which, int index) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, index), "asking for the device's attributes");
  return value;
}

}  // namespace

void use_device(int index) {
  // The runtime keeps one current device per thread.
  thread_local int current = -1;
  if (current == index) return;
  check(cudaSetDevice(index), "choosing the device");
  current = index;
}

std::string device_name(int index) {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, index), "asking for the device's name");
  return properties.name;
}

namespace {

void require_device(int index) {
  require_driver();
  int count = 0;
  check(cudaGetDeviceCount(&count), "looking for devices");
  require(index >= 0 && index < count, "CUDA: found ", count, count == 1 ? " device" : " devices",
          ", wanted device ", index, " (the first is 0)");
}

}  // namespace

std::string bus_id(int index) {
  require_device(index);
  char text[32] = {};
  check(cudaDeviceGetPCIBusId(text, sizeof(text), index), "asking for the device's bus id");
  return text;
}

Device open_device(int index) {
  require_device(index);
  use_device(index);
  check(cudaFree(nullptr), "starting the device");
  // By default the driver keeps a stack for every thread that the device can run at once, a
  // quarter of a gigabyte on an H100; what a kernel needs it gets without that.
  check(cudaDeviceSetLimit(cudaLimitStackSize, 0), "giving up the threads' stacks");
  Device device{.index = index,
                .sm = 10 * attribute(cudaDevAttrComputeCapabilityMajor, index) +
                      attribute(cudaDevAttrComputeCapabilityMinor, index),
                .code = code_that_runs(),
                .multiprocessors = attribute(cudaDevAttrMultiProcessorCount, index),
                .shared_bytes = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, index),
                .l2_bytes = attribute(cudaDevAttrL2CacheSize, index),
                .library = MatrixLibrary::installed()};
  require(device.code != 0, "CUDA: ", device_name(index), " is sm_", device.sm,
          ", for which this build has no code; build with -DCMAKE_CUDA_ARCHITECTURES=", device.sm);
  return device;
}

FreeMemory free_memory() {
  size_t free = 0;
  size_t total = 0;
  check(cudaMemGetInfo(&free, &total), "asking for free memory");
  return {static_cast<int64_t>(free), static_cast<int64_t>(total)};
}

}  // namespace visavis::ops::cuda
