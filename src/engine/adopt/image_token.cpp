#include "engine/adopt/image_token.h"

#include <algorithm>
#include <string>

#include "base/json.h"

namespace visavis::adopt {

ImageToken image_token(int64_t known, int64_t rows, int64_t tokens) {
  constexpr int64_t kPadding = 64;
  const bool is_new = known < 0;
  const int64_t id = is_new ? std::max(rows, tokens) : known;
  return {
      .id = id, .vocabulary = id < rows ? rows : (id / kPadding + 1) * kPadding, .is_new = is_new};
}

void add_image_token(const ImageToken& token, DerivedFiles& files) {
  if (!token.is_new) return;
  std::string& text = files["tokenizer_config.json"];
  base::Json settings = base::parse_json(text, "tokenizer_config.json");
  settings["added_tokens_decoder"][std::to_string(token.id)] = {
      {"content", "<image>"}, {"normalized", false}, {"special", true}};
  text = base::dump_json(settings);
}

}  // namespace visavis::adopt
