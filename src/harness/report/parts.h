// What the files of sections share: how figures are written, and the sections that have files of
// their own. sections.cpp lists them all.
#pragma once

#include <optional>
#include <string>

#include "harness/report/sections.h"

namespace visavis::report {

/// The text in that language, or in English where there is no other.
std::string say(const Titles& titles, const std::string& lang);
/// "12.30 ms", "340 ms" or "1.20 s"; "-" for nothing.
std::string seconds_text(const std::optional<double>& value);
/// An empty column and the models' labels.
Row head_with_models(const Results& results);

Block costs_section(const Results& results, const std::string& lang);
Block other_cards_section(const Results& results, const std::string& lang);
Block speeds_section(const Results& results, const std::string& lang);
Block fixed_length_section(const Results& results, const std::string& lang);
Block fidelity_section(const Results& results, const std::string& lang);
Block provenance_section(const Results& results, const std::string& lang);

}  // namespace visavis::report
