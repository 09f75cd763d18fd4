// The language of what the commands print: English or Chinese.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>

namespace visavis::cli {

/// "zh" if the locale of messages (LC_ALL, LC_MESSAGES, LANG, in this order) is a Chinese one, else
/// "en".
std::string locale_language();

/// Adds --lang en|zh to the verb; `lang` holds the locale's language unless it is given.
void add_language(CLI::App& verb, std::string& lang);

/// Prints one of two format strings with the same arguments to stdout.
template <class... Arguments>
void say(const std::string& lang, const char* english, const char* chinese,
         const Arguments&... arguments) {
  fmt::print(fmt::runtime(lang == "zh" ? chinese : english), arguments...);
}

}  // namespace visavis::cli
