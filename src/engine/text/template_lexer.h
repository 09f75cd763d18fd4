// Cuts a chat template into tokens, with the white-space control that the oracle sets: the first
// newline after a block and the indent before one vanish (trim_blocks, lstrip_blocks).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace visavis::text {

struct TemplateToken {
  enum class Kind {
    data,
    print_begin,
    print_end,
    block_begin,
    block_end,
    name,
    string,
    integer,
    real,
    symbol,
    end
  };
  Kind kind = Kind::end;
  std::string text;  // of strings: with escapes resolved
  int line = 1;
};

/// Throws Error naming `origin` and the line. Ends with a token of kind end.
std::vector<TemplateToken> lex_template(std::string_view source, const std::string& origin);

}  // namespace visavis::text
