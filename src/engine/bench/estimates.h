// What a measured run would take on a card that is not here: an estimate from the bytes and
// operations that were counted, and how far the same formula is off on the device that is.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/bench/measure.h"

namespace visavis::bench {

/// A card by rates that it sustains, not by its data sheet.
struct Card {
  std::string_view name;
  int64_t memory_bytes;
  ops::Ceilings sustained;
  std::string_view source;  // of the rates
};

/// Cards that are rented for this work.
std::span<const Card> known_cards();

/// Seconds of one run: reading and multiplying one after the other, nothing overlapped and nothing
/// lost: bytes / rate of reading + operations / rate of their format.
double estimated_seconds(const Work& work, const ops::Ceilings& sustained);

/// Estimates of every measured case for every known card; the formula in words; and `error_here`,
/// the median of (estimated / measured - 1) of each part with this device's measured ceilings.
base::Json estimates_json(const Report& report);

}  // namespace visavis::bench
