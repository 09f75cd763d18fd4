// Rebuilds a MarkedText from parts of an old one and new text, keeping the user's tags right.
#pragma once

#include <algorithm>
#include <string_view>
#include <utility>

#include "engine/text/normalizer.h"

namespace visavis::text {

class Rewriter {
 public:
  explicit Rewriter(const MarkedText& old) : old_(old), marked_(!old.user.empty()) {}

  void keep(size_t begin, size_t end) {
    out_.text.append(old_.text, begin, end - begin);
    if (marked_) {
      const auto first = old_.user.begin();
      out_.user.insert(out_.user.end(), first + static_cast<std::ptrdiff_t>(begin),
                       first + static_cast<std::ptrdiff_t>(end));
    }
  }
  // `text` stands for the old bytes [begin, end).
  void put(std::string_view text, size_t begin, size_t end) {
    out_.text += text;
    if (!marked_) return;
    const auto first = old_.user.begin();
    const bool user =
        std::any_of(first + static_cast<std::ptrdiff_t>(begin),
                    first + static_cast<std::ptrdiff_t>(end), [](uint8_t tag) { return tag != 0; });
    out_.user.insert(out_.user.end(), text.size(), user ? 1 : 0);
  }
  MarkedText take() { return std::move(out_); }

 private:
  const MarkedText& old_;
  const bool marked_;
  MarkedText out_;
};

}  // namespace visavis::text
