// The words of tables and plots in the languages of reports: one row per word.
#pragma once

#include <span>
#include <string>

#include "base/json.h"

namespace visavis::report {

struct Word {
  const char* key;
  const char* en;
  const char* zh;
};

std::span<const Word> words();

/// The word in that language ("zh" or anything else for English). An unknown key is a mistake of
/// ours and gives the key itself.
std::string word(const std::string& key, const std::string& lang);

/// {"key": {"en": ..., "zh": ...}, ...} for the page.
base::Json words_json();

}  // namespace visavis::report
