#include "server/messages.h"

#include <array>
#include <utility>

#include "base/base64.h"
#include "base/text.h"
#include "server/body.h"

namespace visavis::server {
namespace {

struct RoleName {
  std::string_view name;
  chat::Role role;
};

constexpr RoleName kRoles[] = {{"system", chat::Role::system},
                               {"developer", chat::Role::system},
                               {"user", chat::Role::user},
                               {"assistant", chat::Role::assistant}};

chat::Role read_role(Fields& message) {
  const std::string name = message.text("role").value_or("");
  for (const RoleName& row : kRoles)
    if (row.name == name) return row.role;
  refuse_field(message.name("role"), "found '", base::valid_utf8(name.substr(0, 100)),
               "', wanted system, developer, user or assistant");
}

chat::Part read_part(base::Json& json, const std::string& where, const OrderRules& rules,
                     int64_t& pictures) {
  Fields part(json, where + ".", {"type", "text", "image_url"});
  const std::string type = part.text("type").value_or("");
  if (type == "text") {
    part.require("text");
    return chat::Text{*part.text("text")};
  }
  if (type != "image_url")
    refuse_field(part.name("type"), "found '", base::valid_utf8(type.substr(0, 100)),
                 "', wanted text or image_url");
  Fields image(part.require("image_url"), part.name("image_url") + ".", {"url", "detail"});
  // The model's own limits decide on a picture's size, whatever detail is asked for.
  const std::string detail = image.text("detail").value_or("auto");
  if (detail != "auto" && detail != "low" && detail != "high")
    refuse_field(image.name("detail"), "found another text, wanted auto, low or high");
  base::Json& url = image.require("url");
  if (!url.is_string()) refuse_field(image.name("url"), "found ", kind_of(url), ", wanted a text");
  if (++pictures > static_cast<int64_t>(rules.limits.max_pictures))
    refuse_field(image.name("url"), "more than ", rules.limits.max_pictures,
                 " pictures in one request");
  const std::string text = std::move(url.get_ref<std::string&>());
  return chat::Image{
      .bytes = std::make_shared<const std::string>(read_picture(text, image.name("url"), rules)),
      .name = "picture " + std::to_string(pictures)};
}

chat::Turn read_message(base::Json& json, const std::string& where, const OrderRules& rules,
                        int64_t& pictures) {
  Fields message(json, where + ".",
                 {"role", "content", "name", "refusal", "reasoning_content", "audio", "tool_calls",
                  "annotations"});
  chat::Turn turn{.role = read_role(message)};
  for (const char* const key : {"tool_calls", "audio"}) {
    const base::Json* value = message.find(key);
    if (value != nullptr && !value->empty()) refuse_field(message.name(key), "is not supported");
  }
  base::Json& content = message.require("content");
  if (content.is_string()) {
    turn.parts.emplace_back(chat::Text{std::move(content.get_ref<std::string&>())});
    return turn;
  }
  if (!content.is_array())
    refuse_field(message.name("content"), "found ", kind_of(content),
                 ", wanted a text or a list of parts");
  if (content.empty()) refuse_field(message.name("content"), "is an empty list");
  size_t index = 0;
  for (base::Json& part : content)
    turn.parts.push_back(read_part(
        part, message.name("content") + "[" + std::to_string(index++) + "]", rules, pictures));
  return turn;
}

}  // namespace

std::string read_picture(const std::string& url, const std::string& param,
                         const OrderRules& rules) {
  const auto too_large = [&](size_t bytes) {
    throw ApiError(413,
                   param + ": the picture has " + base::human_bytes(static_cast<int64_t>(bytes)) +
                       ", allowed are " + base::human_bytes(rules.limits.max_picture_bytes),
                   param, "picture_too_large");
  };
  if (url.starts_with("http://") || url.starts_with("https://")) {
    if (!rules.fetch)
      refuse_field(param,
                   "this server fetches no pictures (visavis serve --allow-url-fetch); wanted a "
                   "data: URL");
    return rules.fetch(url, param);
  }
  if (!url.starts_with("data:"))
    refuse_field(param, "found '", base::valid_utf8(url.substr(0, 40)),
                 "', wanted a data: URL (data:image/png;base64,...)");
  const size_t comma = url.find(',');
  if (comma == std::string::npos || comma > 200 ||
      !std::string_view(url).substr(0, comma).ends_with(";base64"))
    refuse_field(param, "found a data: URL without base64, wanted data:image/png;base64,...");
  const std::string_view encoded = std::string_view(url).substr(comma + 1);
  if (encoded.size() / 4 * 3 > static_cast<size_t>(rules.limits.max_picture_bytes) + 3)
    too_large(encoded.size() / 4 * 3);
  std::optional<std::string> bytes = base::from_base64(encoded);
  if (!bytes) refuse_field(param, "its base64 is damaged");
  if (bytes->empty()) refuse_field(param, "the picture is empty");
  if (bytes->size() > static_cast<size_t>(rules.limits.max_picture_bytes)) too_large(bytes->size());
  return std::move(*bytes);
}

std::vector<chat::Turn> read_messages(base::Json& messages, const OrderRules& rules,
                                      int64_t& pictures) {
  if (!messages.is_array())
    refuse_field("messages", "found ", kind_of(messages), ", wanted a list");
  if (messages.empty()) refuse_field("messages", "is empty, wanted at least one message");
  if (messages.size() > rules.limits.max_messages)
    refuse_field("messages", "found ", messages.size(), ", wanted at most ",
                 rules.limits.max_messages);
  std::vector<chat::Turn> turns;
  size_t index = 0;
  for (base::Json& message : messages)
    turns.push_back(
        read_message(message, "messages[" + std::to_string(index++) + "]", rules, pictures));
  return turns;
}

}  // namespace visavis::server
