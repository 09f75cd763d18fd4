// What a card can do at best, measured as ceilings.h of ops/ says.
#pragma once

#include <memory>

#include "engine/ops/ceilings.h"
#include "engine/ops/cuda/args.h"

namespace visavis::ops::cuda {

/// Reads device memory larger than any cache; takes it with the first read_rate() or measure().
std::unique_ptr<CeilingProbe> make_ceiling_probe(const Device& device);

}  // namespace visavis::ops::cuda
