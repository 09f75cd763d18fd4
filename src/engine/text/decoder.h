// The "decoder" of a tokenizer.json: token strings back to text, one token at a time. Decoding a
// whole list is pushing all of it, so streamed text and full text cannot differ.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"

namespace visavis::text {

/// One step of a running decoder. Passes on what is final and keeps what is not.
class DecodeStep {
 public:
  using Next = std::function<void(std::string)>;
  virtual ~DecodeStep() = default;
  virtual void push(std::string token, const Next& next) = 0;
  /// After the last token.
  virtual void finish(const Next& next);
};

/// A decoder in the middle of one list of tokens.
class RunningDecoder {
 public:
  explicit RunningDecoder(std::vector<std::unique_ptr<DecodeStep>> steps)
      : steps_(std::move(steps)) {}
  /// Appends to `text` what this token makes final: whole UTF-8 characters.
  void push(std::string token, std::string& text);
  void finish(std::string& text);

 private:
  void run(size_t step, std::string token, std::string& text);
  std::vector<std::unique_ptr<DecodeStep>> steps_;
};

/// What a tokenizer.json asks for; starts any number of running decoders.
class Decoder {
 public:
  /// JSON null gives the oracle's default, tokens joined by spaces. Throws Error naming a type that
  /// is not supported.
  static Decoder read(const base::Json& json, const std::string& name);
  RunningDecoder start() const;

 private:
  using MakeStep = std::function<std::unique_ptr<DecodeStep>()>;
  std::vector<MakeStep> steps_;
};

}  // namespace visavis::text
