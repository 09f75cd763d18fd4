// Whether a model declined to answer instead of answering: "I'm sorry, but I can't help with that",
// "抱歉，我无法查看图片". A class of its own, so that a cautious model and a wrong one are told
// apart.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace visavis::graders {

/// The words by which the answer declines, folded; nothing if it does not. Not knowing ("hard to
/// say", "看不清") is no refusal, nor is a denial about the picture ("I can't see any cat").
std::optional<std::string> find_refusal(std::string_view answer);

}  // namespace visavis::graders
