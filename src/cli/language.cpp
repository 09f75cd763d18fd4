#include "cli/language.h"

#include <cstdlib>
#include <string_view>

namespace visavis::cli {

std::string locale_language() {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    return std::string_view(value).starts_with("zh") ? "zh" : "en";
  }
  return "en";
}

void add_language(CLI::App& verb, std::string& lang) {
  lang = locale_language();
  verb.add_option("--lang", lang, "Language of the output (default: the locale's)")
      ->check(CLI::IsMember({"en", "zh"}));
}

}  // namespace visavis::cli
