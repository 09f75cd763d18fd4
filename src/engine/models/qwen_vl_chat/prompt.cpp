#include "engine/models/qwen_vl_chat/prompt.h"

#include <string>
#include <variant>

namespace visavis::models::qwen_vl_chat {
namespace {

using text::TaggedText;

constexpr const char* kDefaultSystem = "You are a helpful assistant.";

const char* name_of(chat::Role role) {
  switch (role) {
    case chat::Role::system:
      return "system";
    case chat::Role::user:
      return "user";
    case chat::Role::assistant:
      return "assistant";
  }
  return "user";
}

TaggedText heading(const char* role) {
  return TaggedText(std::string("<|im_start|>") + role + "\n");
}

}  // namespace

std::vector<TaggedText> prompt_pieces(const std::vector<chat::Turn>& turns) {
  std::vector<TaggedText> pieces;
  const auto add = [&pieces](chat::Role role, TaggedText content) {
    pieces.push_back(heading(name_of(role)));
    pieces.push_back(std::move(content));
    pieces.emplace_back("<|im_end|>\n");
  };
  if (turns.empty() || turns.front().role != chat::Role::system)
    add(chat::Role::system, TaggedText(kDefaultSystem));
  int pictures = 0;
  for (const chat::Turn& turn : turns) {
    TaggedText content;
    for (const chat::Part& part : turn.parts) {
      if (const auto* words = std::get_if<chat::Text>(&part)) {
        content.append(TaggedText::from_user(words->text));
      } else {
        content.append("Picture " + std::to_string(++pictures) + ": <img><imgpad></img>\n");
      }
    }
    add(turn.role, std::move(content));
  }
  pieces.push_back(heading(name_of(chat::Role::assistant)));
  return pieces;
}

}  // namespace visavis::models::qwen_vl_chat
