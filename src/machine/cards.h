// Cards that are rented for inference, by the rates that they sustain, and how long work takes at
// such rates. For cards that are not here: what is here is measured.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/work.h"

namespace visavis::machine {

/// Bytes and operations per second (a multiply-add is two); 0: no instruction of its own.
struct Rates {
  double bytes_per_second = 0;
  double f32_ops_per_second = 0;
  double int8_ops_per_second = 0;
  double bf16_ops_per_second = 0;
};

/// A card by rates that it sustains, not by its data sheet.
struct Card {
  std::string_view name;
  int64_t memory_bytes;
  Rates sustained;
  std::string_view source;  // of the rates
};

std::span<const Card> known_cards();

/// The known card that `text` ("Tesla T4", "cuda:0 (NVIDIA L4, ...)") names as a word, or null.
const Card* card_named_in(std::string_view text);

/// Reading and multiplying one after the other, nothing overlapped and nothing lost: bytes / rate
/// of reading + operations / rate of their format. 16-bit operations without a rate of their own
/// run at f32's.
double estimated_seconds(const base::Work& work, const Rates& rates);

}  // namespace visavis::machine
