// Which device a model goes to: --device, MODEL@DEVICE, and what "auto" finds on this machine.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "chat/model_host.h"
#include "engine/ops/ops.h"
#include "machine/gpu.h"

namespace visavis::cli {

struct Place {
  bool automatic = false;  // the first CUDA device if it works, else the CPU
  int cuda = -1;           // the device's number; -1: the CPU

  friend bool operator==(const Place&, const Place&) = default;
};

/// "auto", "cpu", "cuda" or "cuda:1". Throws Error.
Place place_named(const std::string& word);
/// What the options ask for: MODEL@DEVICE before --device before auto.
Place place_of(const std::string& model, const chat::ModelOptions& options);

/// MODEL without @DEVICE; `device` becomes what stood behind the @, or stays.
std::string without_place(const std::string& model, std::string* device = nullptr);

struct OpenDevice {
  Place place;  // never automatic
  std::unique_ptr<ops::Ops> ops;
  std::unique_ptr<machine::GpuMemorySampler> memory;  // of a card; null for the CPU
  int64_t context_bytes = 0;  // what the card's use of this process takes before any allocation
};

/// Opens it. An automatic place falls back to the CPU with a line to `log`; any other throws Error.
OpenDevice open_device(Place place, int threads,
                       const std::function<void(const std::string&)>& log);

/// Lets the Ops hold what the budget leaves beside the context; 0: no limit. Throws Error if the
/// context alone is larger.
void limit_memory(ops::Ops& ops, int64_t budget, int64_t context_bytes);

/// "15GB", "800MB", "14.5GiB" in bytes; throws Error, naming the option.
int64_t bytes_named(const std::string& option, const std::string& word);

}  // namespace visavis::cli
