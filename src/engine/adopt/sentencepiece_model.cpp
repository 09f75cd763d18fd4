#include "engine/adopt/sentencepiece_model.h"

#include <cmath>
#include <cstring>
#include <optional>

#include "base/error.h"

namespace visavis::adopt {
namespace {

enum class Wire : uint64_t { varint = 0, eight_bytes = 1, text = 2, four_bytes = 5 };

struct Field {
  uint64_t number = 0;
  Wire wire = Wire::varint;
  uint64_t value = 0;          // varint
  std::string_view text = {};  // the bytes of all others
};

// The fields of one message, in order.
class Message {
 public:
  Message(std::string_view bytes, const std::string& file) : rest_(bytes), file_(file) {}

  std::optional<Field> next() {
    if (rest_.empty()) return std::nullopt;
    const uint64_t tag = varint();
    Field field{.number = tag >> 3, .wire = static_cast<Wire>(tag & 7)};
    switch (field.wire) {
      case Wire::varint:
        field.value = varint();
        break;
      case Wire::eight_bytes:
        field.text = take(8);
        break;
      case Wire::text:
        field.text = take(varint());
        break;
      case Wire::four_bytes:
        field.text = take(4);
        break;
      default:
        fail(file_, ": is no SentencePiece model: a field has wire type ", tag & 7);
    }
    return field;
  }

 private:
  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    fail(file_, ": is no SentencePiece model: a number has more than 64 bits");
  }

  std::string_view take(uint64_t count) {
    require(count <= rest_.size(), file_, ": is no SentencePiece model, or cut short: a field of ",
            count, " bytes, with ", rest_.size(), " left");
    const std::string_view taken = rest_.substr(0, static_cast<size_t>(count));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view rest_;
  const std::string& file_;
};

Piece read_piece(std::string_view bytes, size_t id, const std::string& file) {
  Piece piece;
  Message message(bytes, file);
  while (const auto field = message.next()) {
    if (field->number == 1 && field->wire == Wire::text) piece.text = field->text;
    if (field->number == 2 && field->wire == Wire::four_bytes) {
      float score = 0;
      std::memcpy(&score, field->text.data(), sizeof score);
      require(!std::isnan(score), file, ": piece ", id, " has a score that is no number");
      piece.score = static_cast<double>(score);
    }
    if (field->number == 3 && field->wire == Wire::varint) {
      require(field->value >= 1 && field->value <= 6, file, ": piece ", id, " has type ",
              field->value, ", wanted 1 to 6");
      piece.type = static_cast<PieceType>(field->value);
    }
  }
  return piece;
}

void read_trainer(std::string_view bytes, SentencepieceModel& model, const std::string& file) {
  constexpr uint64_t kBytePairs = 2;
  uint64_t kind = 1;
  Message message(bytes, file);
  while (const auto field = message.next()) {
    if (field->wire != Wire::varint) continue;
    if (field->number == 3) kind = field->value;
    if (field->number == 41) model.bos = static_cast<int32_t>(field->value);
  }
  require(kind == kBytePairs, file, ": its model_type is ", kind, ", wanted ", kBytePairs,
          " (byte pair encoding) as LLaMA's vocabularies have it");
}

void read_normalizer(std::string_view bytes, SentencepieceModel& model, const std::string& file) {
  bool one_space = true;
  bool spaces_are_pieces = true;
  Message message(bytes, file);
  while (const auto field = message.next()) {
    require(field->number != 2 || field->text.empty(), file,
            ": it replaces characters before it splits texts, which is not supported");
    if (field->wire != Wire::varint) continue;
    if (field->number == 3) model.add_space = field->value != 0;
    if (field->number == 4) one_space = field->value != 0;
    if (field->number == 5) spaces_are_pieces = field->value != 0;
  }
  require(!one_space && spaces_are_pieces, file,
          ": it removes spaces before it splits texts, which is not supported");
}

}  // namespace

SentencepieceModel parse_sentencepiece_model(std::string_view bytes, const std::string& file) {
  SentencepieceModel model;
  std::string_view trainer;
  std::string_view normalizer;
  Message message(bytes, file);
  while (const auto field = message.next()) {
    if (field->wire != Wire::text) continue;
    if (field->number == 1)
      model.pieces.push_back(read_piece(field->text, model.pieces.size(), file));
    if (field->number == 2) trainer = field->text;
    if (field->number == 3) normalizer = field->text;
  }
  require(!model.pieces.empty(), file, ": is no SentencePiece model: it has no pieces");
  read_trainer(trainer, model, file);
  read_normalizer(normalizer, model, file);
  require(model.bos >= -1 && model.bos < static_cast<int64_t>(model.pieces.size()), file,
          ": its bos_id is ", model.bos, ", wanted a piece's, below ", model.pieces.size());
  return model;
}

}  // namespace visavis::adopt
