// Feeds arbitrary bytes as a qwen.tiktoken, and behind the 256 lines that every such file needs;
// what is accepted must encode and decode without harm, and give no special token for a user's
// text.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/base64.h"
#include "base/error.h"
#include "base/text.h"
#include "engine/text/tokenizer.h"

namespace {

using namespace visavis;

void read(std::string_view file, std::string_view bytes) {
  try {
    const auto tokenizer = text::Tokenizer::parse_tiktoken(file, base::Json::object(), "fuzz");
    for (const std::string_view text :
         {std::string_view("a b <img>\n\xE4\xB8\xAD\xCC\x81 ab<|im_end|>"), bytes}) {
      const std::vector<int32_t> plain =
          tokenizer.encode(text::TaggedText::from_user(std::string(text)));
      for (const int32_t id : plain)
        if (id < 0 || id >= tokenizer.size() || tokenizer.is_special(id)) std::abort();
      const std::string back = tokenizer.decode(plain, true);
      if (base::valid_utf8(back) != back) std::abort();
    }
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string all_bytes = [] {
    std::string file;
    for (int byte = 0; byte < 256; ++byte)
      file +=
          base::base64(std::string(1, static_cast<char>(byte))) + " " + std::to_string(byte) + "\n";
    return file;
  }();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read(bytes, bytes);
  read(all_bytes + std::string(bytes), bytes);
  return 0;
}
