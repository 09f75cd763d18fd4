#include "harness/cost/prices.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"

namespace visavis::cost {
namespace {

constexpr int64_t kMostBytes = 1 << 20;
constexpr double kMostPerHour = 1e6;
constexpr std::array<const char*, 6> kColumns = {"card",           "provider", "currency",
                                                 "price_per_hour", "date",     "source"};

// The fields of one line: plain, or in double quotes with inner ones doubled.
std::optional<std::vector<std::string>> fields_of(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += c;
      ++i;
    } else if (c == '"' && (quoted || fields.back().empty())) {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  if (quoted) return std::nullopt;
  for (std::string& field : fields) field = std::string(base::trim(field));
  return fields;
}

bool is_date(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00";
  if (text.size() != kForm.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool digit = std::isdigit(static_cast<unsigned char>(text[i])) != 0;
    if (kForm[i] == '0' ? !digit : text[i] != '-') return false;
  }
  return true;
}

std::vector<std::string> names_of(const std::vector<Price>& prices) {
  std::vector<std::string> names;
  for (const Price& price : prices) {
    std::string& name = names.emplace_back(price.card);
    name.append("@").append(price.provider);
  }
  return names;
}

class Table {
 public:
  Table(const std::vector<std::string>& head, const std::string& name) : name_(name), head_(head) {
    for (const char* column : kColumns)
      require(std::count(head.begin(), head.end(), column) == 1, name,
              ":1: wanted exactly one column '", column, "', found: ", base::join(head, ", "));
    require(head.size() == kColumns.size(), name, ":1: found ", head.size(), " columns, wanted ",
            base::join({kColumns.begin(), kColumns.end()}, ", "));
  }

  Price row(const std::vector<std::string>& fields, size_t line) const {
    const std::string place = name_ + ":" + std::to_string(line) + ": ";
    require(fields.size() == head_.size(), place, "found ", fields.size(), " fields, wanted ",
            head_.size());
    const auto field = [&](const char* column) -> const std::string& {
      const auto at = std::find(head_.begin(), head_.end(), column) - head_.begin();
      const std::string& text = fields[static_cast<size_t>(at)];
      require(!text.empty(), place, "'", column, "' is empty");
      return text;
    };
    Price price{.card = field("card"),
                .provider = field("provider"),
                .currency = field("currency"),
                .per_hour = 0,
                .date = field("date"),
                .source = field("source")};
    const std::string& number = field("price_per_hour");
    const char* end = number.data() + number.size();
    const auto [stop, error] = std::from_chars(number.data(), end, price.per_hour);
    require(
        error == std::errc() && stop == end && price.per_hour > 0 && price.per_hour <= kMostPerHour,
        place, "'price_per_hour' is '", number, "', wanted a number above 0");
    require(is_date(price.date), place, "'date' is '", price.date, "', wanted YYYY-MM-DD");
    return price;
  }

 private:
  const std::string& name_;
  std::vector<std::string> head_;
};

}  // namespace

std::vector<Price> parse_prices(std::string_view text, const std::string& name) {
  std::optional<Table> table;
  std::vector<Price> prices;
  size_t number = 0;
  for (const std::string& each : base::split(text, '\n')) {
    ++number;
    const std::string_view line = base::trim(each);
    if (line.empty() || line.front() == '#') continue;
    const auto fields = fields_of(line);
    require(fields.has_value(), name, ":", number, ": a quoted field does not end");
    if (!table) {
      table.emplace(*fields, name);
      continue;
    }
    Price price = table->row(*fields, number);
    for (const Price& other : prices)
      require(other.card != price.card || other.provider != price.provider, name, ":", number,
              ": '", price.card, "@", price.provider, "' is there already");
    prices.push_back(std::move(price));
  }
  require(!prices.empty(), name, ": no price in it");
  return prices;
}

std::vector<Price> read_prices(const std::filesystem::path& path) {
  return parse_prices(base::read_file(path, kMostBytes), path.string());
}

const Price& price_named(const std::vector<Price>& prices, const std::string& name) {
  const Price* found = nullptr;
  for (const Price& price : prices) {
    if (name == price.card + "@" + price.provider) return price;
    if (name != price.card) continue;
    require(found == nullptr, "several providers rent out card '", name,
            "'; wanted one of: ", base::join(names_of(prices), ", "));
    found = &price;
  }
  require(found != nullptr, "no price for card '", name,
          "'; the table has: ", base::join(names_of(prices), ", "));
  return *found;
}

}  // namespace visavis::cost
