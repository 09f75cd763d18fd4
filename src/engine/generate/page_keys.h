// Names for full pages of a KV cache by everything that their K and V follow from: the ids before
// and in the page, the pictures behind placeholder ids (all of which share one id) and the
// positions. Model, weights and KV type are no part of a key: a cache belongs to one loaded model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/models/model.h"

namespace visavis::generate {

/// Adds the keys that are missing in `keys` for the pages that lie wholly within ids[0, tokens);
/// keys[p] is the SHA-256 of page p's content and of keys[p - 1]. `ids` begins with the prompt's.
void extend_page_keys(const models::Prompt& prompt, std::span<const int32_t> ids, int64_t tokens,
                      std::vector<std::string>& keys);

}  // namespace visavis::generate
