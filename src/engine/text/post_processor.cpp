#include "engine/text/post_processor.h"

#include "engine/text/json_fields.h"

namespace visavis::text {
namespace {

// Reads {"single": [{"SpecialToken": {"id"}} | {"Sequence": {"id"}}], "special_tokens": {id:
// {ids}}}.
void read_template(const base::Json& json, int64_t size, const std::string& name,
                   PostProcessor& out) {
  bool seen_text = false;
  for (const base::Json& part : array_field(json, "single", name)) {
    if (part.is_object() && part.contains("Sequence")) {
      require(!seen_text, name, ": post-processor puts the text twice");
      seen_text = true;
      continue;
    }
    require(part.is_object() && part.contains("SpecialToken") && part["SpecialToken"].is_object(),
            name, ": post-processor's 'single' holds neither Sequence nor SpecialToken");
    const std::string label = string_field(part["SpecialToken"], "id", name);
    const auto tokens = json.find("special_tokens");
    require(tokens != json.end() && tokens->is_object() && tokens->contains(label) &&
                (*tokens)[label].is_object(),
            name, ": post-processor's special token '", label, "' is not defined");
    for (const base::Json& id : array_field((*tokens)[label], "ids", name)) {
      require(id.is_number_integer() && id.get<int64_t>() >= 0 && id.get<int64_t>() < size, name,
              ": post-processor's special token '", label, "' has an id that is no token's");
      (seen_text ? out.after : out.before).push_back(id.get<int32_t>());
    }
  }
  require(seen_text, name, ": post-processor leaves the text out");
}

void read_into(const base::Json& json, int64_t size, const std::string& name, PostProcessor& out) {
  const std::string type = type_field(json, name);
  if (type == "ByteLevel") return;  // changes offsets alone
  if (type == "Sequence") {
    for (const base::Json& step : array_field(json, "processors", name)) {
      PostProcessor inner;
      read_into(step, size, name, inner);
      out.before.insert(out.before.begin(), inner.before.begin(), inner.before.end());
      out.after.insert(out.after.end(), inner.after.begin(), inner.after.end());
    }
    return;
  }
  require(type == "TemplateProcessing", name, ": post-processor '", type, "' is not supported");
  read_template(json, size, name, out);
}

}  // namespace

PostProcessor PostProcessor::read(const base::Json& json, int64_t size, const std::string& name) {
  PostProcessor out;
  if (!json.is_null()) read_into(json, size, name, out);
  return out;
}

}  // namespace visavis::text
