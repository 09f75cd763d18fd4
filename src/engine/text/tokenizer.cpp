#include "engine/text/tokenizer.h"

#include "base/error.h"
#include "base/files.h"
#include "base/mmap.h"
#include "base/text.h"
#include "engine/text/tiktoken.h"
#include "engine/text/tokenizer_parts.h"

namespace visavis::text {
namespace {

constexpr size_t kMaxText = size_t{1} << 28;

void tag(const std::vector<ByteRange>& ranges, MarkedText& text) {
  if (ranges.empty()) return;
  text.user.assign(text.text.size(), 0);
  for (const ByteRange& range : ranges) {
    std::fill(text.user.begin() + static_cast<std::ptrdiff_t>(range.begin),
              text.user.begin() + static_cast<std::ptrdiff_t>(range.end), uint8_t{1});
  }
}

MarkedText slice(const MarkedText& text, size_t begin, size_t end) {
  MarkedText out{text.text.substr(begin, end - begin), {}};
  if (!text.user.empty()) {
    out.user.assign(text.user.begin() + static_cast<std::ptrdiff_t>(begin),
                    text.user.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return out;
}

// Ids of valid UTF-8, with nothing put around them.
std::vector<int32_t> encode_marked(const TokenizerParts& parts, const MarkedText& text) {
  std::vector<int32_t> ids;
  ids.reserve(text.text.size() / 3 + 8);
  std::vector<Piece> pieces;
  for (const Section& raw : parts.raw_matcher.split(text)) {
    if (raw.id >= 0) {
      ids.push_back(raw.id);
      continue;
    }
    MarkedText section = slice(text, raw.begin, raw.end);
    if (parts.normalizer) parts.normalizer->apply(section);
    for (const Section& part : parts.normalized_matcher.split(section)) {
      if (part.id >= 0) {
        ids.push_back(part.id);
        continue;
      }
      Piece piece{section.text.substr(part.begin, part.end - part.begin),
                  raw.begin == 0 && part.begin == 0};
      pieces.clear();
      if (parts.pre_tokenizer) {
        parts.pre_tokenizer->split(std::move(piece), pieces);
      } else {
        pieces.push_back(std::move(piece));
      }
      for (const Piece& cut : pieces) parts.bpe->encode(cut.text, ids);
    }
  }
  return ids;
}

// Texts are read as the oracle reads them: bytes that are not UTF-8 become U+FFFD.
MarkedText readable(const TaggedText& text) {
  require(text.size() <= kMaxText, "text of ", text.size(), " bytes, wanted at most ", kMaxText);
  MarkedText out{base::valid_utf8(text.text()), {}};
  if (out.text == text.text()) {
    tag(text.user_ranges(), out);
    return out;
  }
  // Replacing moves bytes, so it is done range by range; a border inside a character ends it.
  TaggedText repaired;
  size_t at = 0;
  const auto repair = [&](size_t end) {
    return base::valid_utf8(std::string_view(text.text()).substr(at, end - at));
  };
  for (const ByteRange& range : text.user_ranges()) {
    repaired.append(repair(range.begin));
    at = range.begin;
    repaired.append(TaggedText::from_user(repair(range.end)));
    at = range.end;
  }
  repaired.append(repair(text.size()));
  out.text = repaired.text();
  tag(repaired.user_ranges(), out);
  return out;
}

std::vector<int32_t> put_around(const PostProcessor& post, std::vector<int32_t> ids) {
  ids.insert(ids.begin(), post.before.begin(), post.before.end());
  ids.insert(ids.end(), post.after.begin(), post.after.end());
  return ids;
}

}  // namespace

struct StreamDecoder::State {
  const TokenizerParts* parts;
  bool skip_special;
  RunningDecoder decoder;
};

StreamDecoder::StreamDecoder(std::unique_ptr<State> state) : state_(std::move(state)) {}
StreamDecoder::StreamDecoder(StreamDecoder&&) noexcept = default;
StreamDecoder::~StreamDecoder() = default;

std::string StreamDecoder::push(int32_t id) {
  std::string text;
  if (state_->skip_special && state_->parts->special_ids.contains(id)) return text;
  const auto token = state_->parts->vocabulary.token(id);
  if (token) state_->decoder.push(std::string(*token), text);
  return text;
}

std::string StreamDecoder::finish() {
  std::string text;
  state_->decoder.finish(text);
  return text;
}

Tokenizer::Tokenizer(std::unique_ptr<const TokenizerParts> parts) : parts_(std::move(parts)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

std::filesystem::path Tokenizer::file_of(const std::filesystem::path& folder) {
  const std::filesystem::path usual = folder / "tokenizer.json";
  const std::filesystem::path older = folder / kTiktokenFile;
  const bool is_older =
      !std::filesystem::is_regular_file(usual) && std::filesystem::is_regular_file(older);
  return is_older ? older : usual;
}

Tokenizer Tokenizer::load(const std::filesystem::path& folder) {
  const std::filesystem::path path = file_of(folder);
  require(std::filesystem::is_regular_file(path), "no tokenizer: found no file '", path.string(),
          "'");
  const std::filesystem::path config_path = folder / "tokenizer_config.json";
  const auto read_if_there = [&](const char* file) {
    return std::filesystem::is_regular_file(folder / file) ? base::read_json(folder / file)
                                                           : base::Json::object();
  };
  const base::Json model = read_if_there("config.json");
  const bool says_type =
      model.is_object() && model.contains("model_type") && model["model_type"].is_string();
  const base::MappedFile file(path);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()),
                              file.bytes().size());
  const TokenizerConfig config =
      TokenizerConfig::read(read_if_there("tokenizer_config.json"), config_path.string());
  if (path.filename() == kTiktokenFile)
    return Tokenizer(read_tiktoken(text, config, path.string()));
  return Tokenizer(read_tokenizer(
      text, config, says_type ? model["model_type"].get<std::string>() : "", path.string()));
}

Tokenizer Tokenizer::parse_tiktoken(std::string_view tiktoken, const base::Json& config,
                                    std::string_view name) {
  return Tokenizer(read_tiktoken(tiktoken, TokenizerConfig::read(config, "tokenizer_config.json"),
                                 std::string(name)));
}

Tokenizer Tokenizer::parse(std::string_view tokenizer_json, const base::Json& config,
                           const std::string& model_type, std::string_view name) {
  return Tokenizer(read_tokenizer(tokenizer_json,
                                  TokenizerConfig::read(config, "tokenizer_config.json"),
                                  model_type, std::string(name)));
}

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
  require(text.size() <= kMaxText, "text of ", text.size(), " bytes, wanted at most ", kMaxText);
  return put_around(parts_->post_processor, encode_marked(*parts_, {base::valid_utf8(text), {}}));
}

std::vector<int32_t> Tokenizer::encode(const TaggedText& prompt) const {
  std::vector<int32_t> ids = encode_marked(*parts_, readable(prompt));
  const auto bos = special_strings().find("bos_token");
  if (bos != special_strings().end() && !bos->second.empty() &&
      prompt.text().starts_with(bos->second) && !prompt.touches_user(0, bos->second.size())) {
    return ids;
  }
  return put_around(parts_->post_processor, std::move(ids));
}

std::vector<int32_t> Tokenizer::encode_plain(std::string_view text) const {
  return encode_marked(*parts_, readable(TaggedText::from_user(std::string(text))));
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  StreamDecoder decoder = stream(skip_special);
  std::string text;
  for (const int32_t id : ids) text += decoder.push(id);
  return text + decoder.finish();
}

StreamDecoder Tokenizer::stream(bool skip_special) const {
  return StreamDecoder(std::make_unique<StreamDecoder::State>(
      StreamDecoder::State{parts_.get(), skip_special, parts_->decoder.start()}));
}

std::optional<std::string> Tokenizer::token(int32_t id) const {
  const auto token = parts_->vocabulary.token(id);
  if (!token) return std::nullopt;
  return std::string(*token);
}

std::optional<int32_t> Tokenizer::id_of(std::string_view token) const {
  return parts_->vocabulary.find(token);
}

bool Tokenizer::is_special(int32_t id) const { return parts_->special_ids.contains(id); }

int64_t Tokenizer::size() const { return parts_->vocabulary.size(); }

const std::map<std::string, std::string>& Tokenizer::special_strings() const {
  return parts_->special_strings;
}

const std::string& Tokenizer::rule() const { return parts_->rule; }

}  // namespace visavis::text
