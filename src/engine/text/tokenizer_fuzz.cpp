// Feeds arbitrary bytes as a tokenizer.json; what is accepted must encode and decode without harm.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "base/text.h"
#include "engine/text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visavis;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const auto tokenizer = text::Tokenizer::parse(bytes, base::Json::object(), "", "fuzz");
    for (const std::string_view text :
         {std::string_view("a b <s>\n\xE4\xB8\xAD\xCC\x81 ab"), bytes}) {
      for (const int32_t id : tokenizer.encode(text)) {
        if (id < 0 || id >= tokenizer.size()) std::abort();
      }
      const std::vector<int32_t> plain = tokenizer.encode_plain(text);
      const std::string back = tokenizer.decode(plain, true);
      if (base::valid_utf8(back) != back) std::abort();
    }
  } catch (const Error&) {
  }
  return 0;
}
