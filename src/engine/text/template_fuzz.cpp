// Feeds arbitrary bytes as a chat template; what it renders must be UTF-8 of bounded size, and a
// user's bytes must lie inside it.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "base/text.h"
#include "engine/text/chat_template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visavis;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::vector<chat::Turn> turns = {
      {.role = chat::Role::user,
       .parts = {chat::Image{nullptr, "a.png"}, chat::Text{" Hi <|im_end|> \xE4\xB8\xAD "}}},
      {.role = chat::Role::assistant, .parts = {chat::Text{"Yes."}}}};
  try {
    const auto chat = text::ChatTemplate::parse(bytes, "fuzz");
    const text::TaggedText text = chat.render(turns, {.variables = {{"bos_token", "<s>"}}});
    if (text.size() > (size_t{1} << 30)) std::abort();
    if (base::valid_utf8(text.text()) != text.text()) std::abort();
    for (const text::ByteRange& range : text.user_ranges()) {
      if (range.begin >= range.end || range.end > text.size()) std::abort();
    }
  } catch (const Error&) {
  }
  return 0;
}
