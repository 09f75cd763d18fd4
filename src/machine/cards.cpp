#include "machine/cards.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace visavis::machine {

std::span<const Card> known_cards() {
  static const std::array<Card, 2> cards = {{
      {.name = "T4",
       .memory_bytes = int64_t{16} << 30,
       .sustained = {.bytes_per_second = 240e9,
                     .f32_ops_per_second = 4e12,
                     .int8_ops_per_second = 16e12,
                     .bf16_ops_per_second = 24e12},
       .source =
           "data sheet 320 GB/s, 75 % of it assumed; 24 Tflop/s f16 reported for long products "
           "under its 70 W limit; f32 and dp4a: half of the data sheet assumed"},
      {.name = "L4",
       .memory_bytes = int64_t{24} << 30,
       .sustained = {.bytes_per_second = 260e9,
                     .f32_ops_per_second = 15e12,
                     .int8_ops_per_second = 60e12,
                     .bf16_ops_per_second = 70e12},
       .source =
           "data sheet 300 GB/s, 87 % of it assumed; 70 Tflop/s bf16 under its 72 W limit, f32 "
           "and dp4a half of the data sheet, all assumed"},
  }};
  return cards;
}

const Card* card_named_in(std::string_view text) {
  const auto is_word_part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  for (const Card& card : known_cards()) {
    for (size_t at = text.find(card.name); at != std::string_view::npos;
         at = text.find(card.name, at + 1)) {
      const size_t end = at + card.name.size();
      if ((at == 0 || !is_word_part(text[at - 1])) &&
          (end == text.size() || !is_word_part(text[end])))
        return &card;
    }
  }
  return nullptr;
}

double estimated_seconds(const base::Work& work, const Rates& rates) {
  double seconds = work.bytes / rates.bytes_per_second;
  if (work.int8_ops > 0) seconds += work.int8_ops / rates.int8_ops_per_second;
  if (work.f32_ops > 0) seconds += work.f32_ops / rates.f32_ops_per_second;
  if (work.bf16_ops > 0)
    seconds += work.bf16_ops / std::max(rates.bf16_ops_per_second, rates.f32_ops_per_second);
  return seconds;
}

}  // namespace visavis::machine
