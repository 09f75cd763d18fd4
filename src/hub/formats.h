// The forms in which checkpoints are published, and which of them the engine loads: what `pull`
// chooses from. Not the containers themselves (engine/checkpoint).
#pragma once

#include <span>
#include <string_view>

namespace visavis::hub {

struct Format {
  std::string_view name;  // as catalogue files spell it
  bool loads;             // the engine takes it
  std::string_view what;
  bool grows_on_card = false;  // 4 bits become 8 where a GPU computes
};

/// A new row, or a changed `loads`, is all it takes for `pull` to choose a format.
std::span<const Format> formats();
/// Null if there is no such format.
const Format* find_format(std::string_view name);

}  // namespace visavis::hub
