#include "engine/text/pattern.h"

#include "engine/text/json_fields.h"

namespace visavis::text {

Pattern Pattern::read(const base::Json& json, const std::string& name) {
  const auto found = json.find("pattern");
  require(found != json.end(), name, ": 'pattern' is missing");
  if (found->is_string()) return Pattern(found->get<std::string>());
  require(found->is_object() && found->size() == 1, name,
          ": 'pattern' is neither {\"String\": ...} nor {\"Regex\": ...}");
  if (found->contains("String")) return Pattern(string_field(*found, "String", name));
  return Pattern(Regex(string_field(*found, "Regex", name)));
}

std::vector<ByteRange> Pattern::find_all(std::string_view text) const {
  if (const Regex* regex = std::get_if<Regex>(&what_)) return regex->find_all(text);
  const std::string& wanted = std::get<std::string>(what_);
  std::vector<ByteRange> matches;
  if (wanted.empty()) return matches;
  for (size_t at = text.find(wanted); at != std::string_view::npos;
       at = text.find(wanted, at + wanted.size())) {
    matches.push_back({at, at + wanted.size()});
  }
  return matches;
}

}  // namespace visavis::text
