#include "engine/text/decoder.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "engine/text/byte_alphabet.h"
#include "engine/text/json_fields.h"
#include "engine/text/pattern.h"

namespace visavis::text {
namespace {

constexpr int64_t kMaxStrip = 64;

// Tokens in the byte-level alphabet to bytes; all of them together are read as UTF-8.
class ByteLevel : public DecodeStep {
 public:
  void push(std::string token, const Next& next) override {
    std::string bytes;
    for (const char32_t c : base::to_code_points(token)) {
      const auto byte = byte_of_character(c);
      if (!byte) {  // not in the alphabet, such as an added token with a space: as it is
        bytes = std::move(token);
        break;
      }
      bytes += static_cast<char>(*byte);
    }
    waiting_ += bytes;
    const size_t complete = base::complete_utf8_prefix(waiting_);
    next(base::valid_utf8(std::string_view(waiting_).substr(0, complete)));
    waiting_.erase(0, complete);
  }
  void finish(const Next& next) override { next(base::valid_utf8(waiting_)); }

 private:
  std::string waiting_;
};

// Runs of "<0xE4>"-like tokens to the text of their bytes; a run that is not UTF-8 becomes one
// U+FFFD per byte, so a run is read only when it has ended.
class ByteFallback : public DecodeStep {
 public:
  void push(std::string token, const Next& next) override {
    if (const int byte = byte_of(token); byte >= 0) {
      run_ += static_cast<char>(byte);
      return;
    }
    finish(next);
    next(std::move(token));
  }
  void finish(const Next& next) override {
    if (run_.empty()) return;
    std::string text = base::valid_utf8(run_);
    if (text != run_) {
      text.clear();
      for (size_t i = 0; i < run_.size(); ++i) text += "\xEF\xBF\xBD";
    }
    run_.clear();
    next(std::move(text));
  }

 private:
  static int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  }
  static int byte_of(std::string_view token) {
    if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
    const int high = digit(token[3]);
    const int low = digit(token[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
  }

  std::string run_;
};

class ReplaceAll : public DecodeStep {
 public:
  ReplaceAll(Pattern pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  void push(std::string token, const Next& next) override {
    std::string out;
    size_t copied = 0;
    for (const ByteRange& match : pattern_.find_all(token)) {
      out.append(token, copied, match.begin - copied);
      out += content_;
      copied = match.end;
    }
    out.append(token, copied);
    next(std::move(out));
  }

 private:
  Pattern pattern_;
  std::string content_;
};

// Removes up to `start` leading and `stop` trailing characters that equal `content`: of every
// token, or, once tokens are fused, of the whole text.
class Strip : public DecodeStep {
 public:
  Strip(std::string content, int64_t start, int64_t stop, bool fused)
      : content_(std::move(content)), start_(start), stop_(stop), fused_(fused) {}

  void push(std::string token, const Next& next) override {
    waiting_ += token;
    while (to_strip() > 0 && waiting_.size() >= content_.size()) {
      if (!waiting_.starts_with(content_)) {
        stripped_ = start_;
        break;
      }
      waiting_.erase(0, content_.size());
      ++stripped_;
    }
    if (!fused_) {
      finish(next);
    } else if (to_strip() == 0) {
      // Trailing characters that could still be the end of the text wait.
      size_t end = waiting_.size();
      for (int64_t i = 0; i < stop_ && ends_at(end); ++i) end -= content_.size();
      next(waiting_.substr(0, end));
      waiting_.erase(0, end);
    }
  }
  void finish(const Next& next) override {
    size_t end = waiting_.size();
    for (int64_t i = 0; i < stop_ && ends_at(end); ++i) end -= content_.size();
    next(waiting_.substr(0, end));
    waiting_.clear();
    stripped_ = 0;
  }

 private:
  int64_t to_strip() const { return start_ - stripped_; }
  bool ends_at(size_t end) const {
    return std::string_view(waiting_).substr(0, end).ends_with(content_);
  }

  std::string content_;
  int64_t start_;
  int64_t stop_;
  bool fused_;
  int64_t stripped_ = 0;  // leading characters removed, or start_ once another character came
  std::string waiting_;
};

// U+2581 back to spaces; those of the first token vanish where encoding put one in front.
class Metaspace : public DecodeStep {
 public:
  Metaspace(std::string replacement, bool prepended)
      : replacement_(std::move(replacement)), prepended_(prepended) {}
  void push(std::string token, const Next& next) override {
    next(base::replace_all(token, replacement_, first_ && prepended_ ? "" : " "));
    first_ = false;
  }

 private:
  std::string replacement_;
  bool prepended_;
  bool first_ = true;
};

class JoinBySpace : public DecodeStep {
 public:
  void push(std::string token, const Next& next) override {
    next(first_ ? std::move(token) : " " + token);
    first_ = false;
  }

 private:
  bool first_ = true;
};

}  // namespace

void DecodeStep::finish(const Next&) {}

void RunningDecoder::run(size_t step, std::string token, std::string& text) {
  if (step == steps_.size()) {
    text += token;
    return;
  }
  steps_[step]->push(std::move(token),
                     [&](std::string out) { run(step + 1, std::move(out), text); });
}

void RunningDecoder::push(std::string token, std::string& text) { run(0, std::move(token), text); }

void RunningDecoder::finish(std::string& text) {
  for (size_t step = 0; step < steps_.size(); ++step) {
    steps_[step]->finish([&](std::string out) { run(step + 1, std::move(out), text); });
  }
}

RunningDecoder Decoder::start() const {
  std::vector<std::unique_ptr<DecodeStep>> steps;
  for (const MakeStep& make : steps_) steps.push_back(make());
  return RunningDecoder(std::move(steps));
}

Decoder Decoder::read(const base::Json& json, const std::string& name) {
  Decoder decoder;
  if (json.is_null()) {
    decoder.steps_.push_back([] { return std::make_unique<JoinBySpace>(); });
    return decoder;
  }
  bool fused = false;  // the steps that follow see one token
  const std::function<void(const base::Json&)> add = [&](const base::Json& step) {
    const std::string type = type_field(step, name);
    if (type == "Sequence") {
      for (const base::Json& inner : array_field(step, "decoders", name)) add(inner);
      return;
    }
    require(!fused || type == "Strip" || type == "Fuse", name, ": decoder '", type,
            "' after the tokens are fused is not supported");
    if (type == "ByteLevel") {
      decoder.steps_.push_back([] { return std::make_unique<ByteLevel>(); });
      fused = true;
    } else if (type == "Fuse") {
      fused = true;
    } else if (type == "ByteFallback") {
      decoder.steps_.push_back([] { return std::make_unique<ByteFallback>(); });
    } else if (type == "Replace") {
      const Pattern pattern = Pattern::read(step, name);
      const std::string content = string_field(step, "content", name);
      decoder.steps_.push_back(
          [pattern, content] { return std::make_unique<ReplaceAll>(pattern, content); });
    } else if (type == "Strip") {
      const std::string content = string_field(step, "content", name);
      require(base::count_code_points(content) == 1, name, ": decoder 'Strip' has content '",
              content, "', wanted one character");
      const int64_t start = int_field(step, "start", 0, name);
      const int64_t stop = int_field(step, "stop", 0, name);
      require(start >= 0 && start <= kMaxStrip && stop >= 0 && stop <= kMaxStrip, name,
              ": decoder 'Strip' takes ", start, " and ", stop, " characters, wanted 0 to ",
              kMaxStrip);
      decoder.steps_.push_back([content, start, stop, fused] {
        return std::make_unique<Strip>(content, start, stop, fused);
      });
    } else if (type == "Metaspace") {
      const std::string replacement = string_field(step, "replacement", name);
      const std::string scheme =
          optional_string_field(step, "prepend_scheme", name)
              .value_or(bool_field(step, "add_prefix_space", true, name) ? "always" : "never");
      decoder.steps_.push_back([replacement, prepended = scheme != "never"] {
        return std::make_unique<Metaspace>(replacement, prepended);
      });
    } else {
      fail(name, ": decoder '", type, "' is not supported");
    }
  };
  add(json);
  return decoder;
}

}  // namespace visavis::text
