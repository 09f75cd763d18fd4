// Finding a card that this build runs on, and saying in one line why there is none.
#pragma once

#include <string>

#include "engine/ops/cuda/args.h"

namespace visavis::ops::cuda {

/// Makes device `index` current for this thread and returns its facts. Throws Error: no driver, a
/// driver older than the toolkit, no such device, no code for its architecture.
Device open_device(int index);

/// "0000:00:05.0"; takes no memory on the device. Throws Error as open_device().
std::string bus_id(int index);

/// "NVIDIA H100 80GB HBM3"
std::string device_name(int index);

/// Makes the device current for the calling thread.
void use_device(int index);

/// Free and total bytes of the current device.
struct FreeMemory {
  int64_t free = 0;
  int64_t total = 0;
};
FreeMemory free_memory();

/// "12.4" of 12040.
std::string version_text(int version);

}  // namespace visavis::ops::cuda
