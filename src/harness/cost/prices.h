// The price table: what cards cost by the hour, where, since when and who says so. A CSV file of
// the user's own; nothing here knows a price.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::cost {

/// One row of the table.
struct Price {
  std::string card = {};      // "T4"
  std::string provider = {};  // who rents it out
  std::string currency = {};  // "CNY"
  double per_hour = 0;
  std::string date = {};    // of the price, YYYY-MM-DD
  std::string source = {};  // who says so

  friend bool operator==(const Price&, const Price&) = default;
};

/// Reads a table with the columns card, provider, currency, price_per_hour, date and source (any
/// order, named in the first line; fields may be quoted). Throws Error with file and line.
std::vector<Price> read_prices(const std::filesystem::path& path);

/// The same from text; `name` is how errors call it.
std::vector<Price> parse_prices(std::string_view text, const std::string& name);

/// The row that "CARD" or "CARD@PROVIDER" names. Throws Error, naming the rows that there are, if
/// there is none or more than one.
const Price& price_named(const std::vector<Price>& prices, const std::string& name);

}  // namespace visavis::cost
