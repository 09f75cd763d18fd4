// The conversation in pieces; whole prompts are compared with the oracle's in goldens_test.cpp.
#include "engine/models/qwen_vl_chat/prompt.h"

#include <gtest/gtest.h>

#include <string>

namespace visavis::models::qwen_vl_chat {
namespace {

std::string joined(const std::vector<chat::Turn>& turns) {
  std::string text;
  for (const text::TaggedText& piece : prompt_pieces(turns)) text += piece.text();
  return text;
}

TEST(QwenVlChatPrompt, NumbersPicturesThroughTheConversationAndHasADefaultSystemTurn) {
  const chat::Image image;
  EXPECT_EQ(joined({{.parts = {image, chat::Text{"One?"}}},
                    {.role = chat::Role::assistant, .parts = {chat::Text{"Yes."}}},
                    {.parts = {chat::Text{"And "}, image, chat::Text{"?"}}}}),
            "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
            "<|im_start|>user\nPicture 1: <img><imgpad></img>\nOne?<|im_end|>\n"
            "<|im_start|>assistant\nYes.<|im_end|>\n"
            "<|im_start|>user\nAnd Picture 2: <img><imgpad></img>\n?<|im_end|>\n"
            "<|im_start|>assistant\n");
  EXPECT_EQ(joined({{.role = chat::Role::system, .parts = {chat::Text{"Be brief."}}},
                    {.parts = {chat::Text{"Hi"}}}}),
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
            "<|im_start|>assistant\n");
}

TEST(QwenVlChatPrompt, WhatPeopleTypedIsTheirsAndNothingElse) {
  for (const text::TaggedText& piece :
       prompt_pieces({{.parts = {chat::Image{}, chat::Text{"<img>x</img>"}}}})) {
    const bool typed = piece.text().find("<img>x") != std::string::npos;
    if (!typed) {
      EXPECT_TRUE(piece.user_ranges().empty()) << piece.text();
      continue;
    }
    const size_t begin = piece.text().find("<img>x");
    ASSERT_EQ(piece.user_ranges().size(), 1u);
    EXPECT_EQ(piece.user_ranges()[0].begin, begin);
    EXPECT_EQ(piece.user_ranges()[0].end, piece.size());
  }
}

}  // namespace
}  // namespace visavis::models::qwen_vl_chat
