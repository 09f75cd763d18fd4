#include "engine/adopt/sentencepiece_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"

namespace visavis::adopt {
namespace {

using testing::HasSubstr;

std::string varint(uint64_t number) {
  std::string out;
  for (; number > 0x7F; number >>= 7) out += static_cast<char>(number | 0x80);
  return out + static_cast<char>(number);
}

std::string number(uint64_t field, uint64_t value) { return varint(field << 3) + varint(value); }

std::string text(uint64_t field, const std::string& value) {
  return varint(field << 3 | 2) + varint(value.size()) + value;
}

std::string real(uint64_t field, float value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return varint(field << 3 | 5) + bytes;
}

std::string piece(const std::string& token, float score, uint64_t type) {
  return text(1, text(1, token) + real(2, score) + number(3, type));
}

const std::string kPieces = piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("<0x00>", 0, 6) +
                            text(1, text(1, "ab") + real(2, -1.5F));
const std::string kTrainer = text(2, number(3, 2) + text(1, "input") + number(41, 1));
const std::string kNormalizer = text(3, text(1, "identity") + number(3, 0) + number(4, 0));

std::string error_of(const std::string& bytes) {
  try {
    parse_sentencepiece_model(bytes, "m.model");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(SentencepieceModel, HoldsPiecesAndWhatIsDoneToTexts) {
  const SentencepieceModel model =
      parse_sentencepiece_model(kPieces + kTrainer + kNormalizer, "m.model");
  ASSERT_EQ(model.pieces.size(), 4u);
  EXPECT_EQ(model.pieces[0].type, PieceType::unknown);
  EXPECT_EQ(model.pieces[2].type, PieceType::byte);
  EXPECT_EQ(model.pieces[3].text, "ab");
  EXPECT_EQ(model.pieces[3].score, -1.5);
  EXPECT_EQ(model.pieces[3].type, PieceType::normal) << "the default of the format";
  EXPECT_EQ(model.bos, 1);
  EXPECT_FALSE(model.add_space);
}

TEST(SentencepieceModel, IsRefusedWithTheReason) {
  const std::string normalizer = text(3, number(4, 0));
  EXPECT_EQ(error_of(kPieces + kTrainer + normalizer), "no error");
  EXPECT_THAT(error_of(""), HasSubstr("m.model: is no SentencePiece model: it has no pieces"));
  EXPECT_THAT(error_of(kPieces + normalizer), HasSubstr("model_type is 1, wanted 2"));
  EXPECT_THAT(error_of(kPieces + text(2, number(3, 2) + number(41, 4)) + normalizer),
              HasSubstr("bos_id is 4"));
  EXPECT_THAT(error_of(kPieces + kTrainer), HasSubstr("removes spaces"));
  EXPECT_THAT(error_of(kPieces + kTrainer + text(3, text(2, "map") + number(4, 0))),
              HasSubstr("replaces characters"));
  EXPECT_THAT(error_of(piece("a", 0, 7)), HasSubstr("piece 0 has type 7, wanted 1 to 6"));
  EXPECT_THAT(error_of(kPieces + varint(9 << 3 | 3)), HasSubstr("wire type 3"));
  EXPECT_THAT(error_of(std::string(12, '\xFF')), HasSubstr("more than 64 bits"));
}

TEST(SentencepieceModel, MayBeCutAnywhere) {
  const std::string whole = kPieces + kTrainer + kNormalizer;
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_NE(error_of(whole.substr(0, length)), "no error") << length;
}

}  // namespace
}  // namespace visavis::adopt
