// What a measured run would take on a card that is not here: an estimate from the bytes and
// operations that were counted, and how far the same formula is off on the device that is.
#pragma once

#include "engine/bench/measure.h"
#include "machine/cards.h"

namespace visavis::bench {

/// The work as machine::estimated_seconds takes it, and the ceilings likewise.
base::Work plain(const Work& work);
machine::Rates plain(const ops::Ceilings& ceilings);

/// Estimates (machine/cards.h) of every measured case for every known card; the formula in words;
/// and `error_here`, the median of (estimated / measured - 1) of each part with this device's
/// measured ceilings.
base::Json estimates_json(const Report& report);

}  // namespace visavis::bench
