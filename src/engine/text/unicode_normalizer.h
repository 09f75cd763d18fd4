// Unicode normalisation (NFC, NFD, NFKC, NFKD) as a tokenizer's normalizer: with the tables of
// Unicode 9, which the oracle uses, and in about linear time on any text.
#pragma once

#include <memory>

#include "engine/text/normalizer.h"

namespace visavis::text {

enum class UnicodeForm { nfc, nfd, nfkc, nfkd };

std::unique_ptr<Normalizer> make_unicode_normalizer(UnicodeForm form);

}  // namespace visavis::text
