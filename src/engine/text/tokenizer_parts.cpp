#include "engine/text/tokenizer_parts.h"

#include <simdjson.h>

#include <algorithm>
#include <limits>

#include "engine/text/json_fields.h"
#include "engine/text/tokenizer_rules.h"

namespace visavis::text {
namespace {

namespace dom = simdjson::dom;

constexpr size_t kMaxAddedToken = 1024;  // bytes
constexpr size_t kMaxAddedTokens = 100'000;
constexpr size_t kMaxFile = size_t{1} << 29;

// A small part of the file as our ordinary JSON.
base::Json part(const dom::object& root, const char* key, const std::string& name) {
  dom::element value;
  if (root[key].get(value) != simdjson::SUCCESS) return nullptr;
  return base::parse_json(simdjson::minify(value), name + ": '" + key + "'");
}

dom::object object_at(const dom::object& root, const char* key, const std::string& name) {
  dom::object value;
  require(root[key].get(value) == simdjson::SUCCESS, name, ": '", key, "' is missing or no object");
  return value;
}

void read_vocabulary(const dom::object& model, const std::string& name, Vocabulary& vocabulary) {
  const dom::object tokens = object_at(model, "vocab", name);
  vocabulary.reserve(tokens.size());
  for (const auto [token, value] : tokens) {
    int64_t id = 0;
    require(value.get(id) == simdjson::SUCCESS, name, ": the id of token '", token,
            "' is no whole number");
    vocabulary.add(token, id, name);
  }
}

// Merges are written ["a", "b"] in new files and "a b" in old ones.
void read_merges(const dom::object& model, const std::string& name, Bpe& bpe) {
  dom::array merges;
  require(model["merges"].get(merges) == simdjson::SUCCESS, name,
          ": 'merges' is missing or no list");
  bpe.reserve(merges.size());
  size_t index = 0;
  for (const dom::element merge : merges) {
    std::string_view left;
    std::string_view right;
    dom::array pair;
    if (merge.get(pair) == simdjson::SUCCESS) {
      require(pair.size() == 2 && pair.at(0).get(left) == simdjson::SUCCESS &&
                  pair.at(1).get(right) == simdjson::SUCCESS,
              name, ": merge ", index, " is not two strings");
    } else {
      std::string_view line;
      require(merge.get(line) == simdjson::SUCCESS, name, ": merge ", index,
              " is neither a string nor a pair");
      if (line.starts_with("#version")) continue;
      const size_t space = line.find(' ');
      require(
          space != std::string_view::npos && line.find(' ', space + 1) == std::string_view::npos,
          name, ": merge ", index, " is '", line, "', wanted two tokens with one space between");
      left = line.substr(0, space);
      right = line.substr(space + 1);
    }
    bpe.add_merge(left, right, name);
    ++index;
  }
}

void refuse_unsupported(const base::Json& model, const std::string& name) {
  const std::string type = optional_string_field(model, "type", name).value_or("BPE");
  require(type == "BPE", name, ": model '", type, "' is not supported, wanted 'BPE'");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const std::string value = optional_string_field(model, key, name).value_or("");
    require(value.empty(), name, ": model option '", key, "' = '", value, "' is not supported");
  }
  if (const auto dropout = model.find("dropout"); dropout != model.end() && !dropout->is_null()) {
    require(dropout->is_number() && dropout->get<double>() == 0, name,
            ": model option 'dropout' is not supported");
  }
}

BpeOptions read_options(const base::Json& model, const std::string& name) {
  return {.unk_token = optional_string_field(model, "unk_token", name),
          .fuse_unk = bool_field(model, "fuse_unk", false, name),
          .byte_fallback = bool_field(model, "byte_fallback", false, name),
          .ignore_merges = bool_field(model, "ignore_merges", false, name)};
}

// The model without its two long members.
base::Json model_settings(const dom::object& model, const std::string& name) {
  base::Json settings = base::Json::object();
  for (const auto [key, value] : model) {
    if (key == "vocab" || key == "merges") continue;
    settings[std::string(key)] = base::parse_json(simdjson::minify(value), name + ": 'model'");
  }
  return settings;
}

AddedToken read_added_token(const base::Json& json, const std::string& name) {
  require(json.is_object(), name, ": 'added_tokens' holds ", json.type_name(), ", wanted objects");
  AddedToken token;
  token.content = string_field(json, "content", name);
  const int64_t id = int_field(json, "id", -1, name);
  require(id >= 0 && id < Vocabulary::kMaxId, name, ": added token '", token.content, "' has id ",
          id, ", wanted 0 up to ", Vocabulary::kMaxId - 1);
  token.id = static_cast<int32_t>(id);
  token.single_word = bool_field(json, "single_word", false, name);
  token.lstrip = bool_field(json, "lstrip", false, name);
  token.rstrip = bool_field(json, "rstrip", false, name);
  token.special = bool_field(json, "special", false, name);
  token.normalized = bool_field(json, "normalized", !token.special, name);
  return token;
}

// Added tokens of both files. Those of tokenizer.json have the ids written there; a token that the
// configuration alone knows takes the model's id or the next free one, as in the oracle.
class AddedTokens {
 public:
  AddedTokens(Vocabulary& vocabulary, const std::string& name)
      : vocabulary_(vocabulary), name_(name), model_size_(vocabulary.count()) {}

  void add_from_file(AddedToken token) {
    if (token.content.empty()) return;
    check(token);
    const auto known = vocabulary_.find(token.content);
    if (!known) {
      vocabulary_.add(token.content, token.id, name_);
    } else {
      require(*known == token.id, name_, ": added token '", token.content, "' has id ", token.id,
              ", but the vocabulary says ", *known);
    }
    put(std::move(token));
  }

  void add_from_config(AddedToken token) {
    if (token.content.empty()) return;
    check(token);
    const auto known = vocabulary_.find(token.content);
    token.id = known ? *known : next_id();
    if (!known) vocabulary_.add(token.content, token.id, name_);
    put(std::move(token));
  }

  // A string that the configuration names as special (bos_token, ...).
  void add_special(const std::string& content) {
    const auto old = std::find_if(tokens_.begin(), tokens_.end(),
                                  [&](const AddedToken& t) { return t.content == content; });
    if (old != tokens_.end()) {
      old->special = true;
    } else {
      add_from_config({.content = content, .normalized = false, .special = true});
    }
  }

  const std::vector<AddedToken>& tokens() const { return tokens_; }

 private:
  void check(const AddedToken& token) const {
    require(token.content.size() <= kMaxAddedToken, name_, ": an added token has ",
            token.content.size(), " bytes, wanted at most ", kMaxAddedToken);
    require(tokens_.size() < kMaxAddedTokens, name_, ": more than ", kMaxAddedTokens,
            " added tokens");
  }
  int32_t next_id() const {
    int64_t id = model_size_;
    for (const AddedToken& token : tokens_) id = std::max<int64_t>(id, token.id + 1);
    return static_cast<int32_t>(id);
  }
  void put(AddedToken token) {
    const auto old = std::find_if(tokens_.begin(), tokens_.end(),
                                  [&](const AddedToken& t) { return t.content == token.content; });
    if (old != tokens_.end()) {
      *old = std::move(token);
    } else {
      tokens_.push_back(std::move(token));
    }
  }

  Vocabulary& vocabulary_;
  const std::string& name_;
  int64_t model_size_;
  std::vector<AddedToken> tokens_;
};

Rules choose_rules(const dom::object& root, const base::Json& settings,
                   const TokenizerConfig& config, const std::string& model_type,
                   const std::string& name) {
  switch (config.rules(model_type)) {
    case TokenizerRules::llama:
      return llama_rules(config);
    case TokenizerRules::qwen2:
      return qwen2_rules();
    case TokenizerRules::tokenizer_json:
      break;
  }
  return {.words = "tokenizer.json",
          .options = read_options(settings, name),
          .normalizer = part(root, "normalizer", name),
          .pre_tokenizer = part(root, "pre_tokenizer", name),
          .decoder = part(root, "decoder", name)};
}

PostProcessor bos_and_eos(const TokenizerConfig& config, const Vocabulary& vocabulary) {
  PostProcessor out;
  const auto put = [&](bool wanted, const char* key, std::vector<int32_t>& where) {
    const auto text = config.special_strings.find(key);
    if (!wanted || text == config.special_strings.end()) return;
    if (const auto id = vocabulary.find(text->second)) where.push_back(*id);
  };
  put(config.add_bos, "bos_token", out.before);
  put(config.add_eos, "eos_token", out.after);
  return out;
}

}  // namespace

std::unique_ptr<TokenizerParts> read_tokenizer(std::string_view tokenizer_json,
                                               const TokenizerConfig& config,
                                               const std::string& model_type,
                                               const std::string& name) {
  require(tokenizer_json.size() <= kMaxFile, name, ": ", tokenizer_json.size(),
          " bytes, wanted at most ", kMaxFile);
  dom::parser parser;
  dom::element document;
  const simdjson::error_code error =
      parser.parse(tokenizer_json.data(), tokenizer_json.size()).get(document);
  require(error == simdjson::SUCCESS, name, ": not valid JSON: ", simdjson::error_message(error));
  dom::object root;
  require(document.get(root) == simdjson::SUCCESS, name, ": is no JSON object");

  auto parts = std::make_unique<TokenizerParts>();
  const dom::object model = object_at(root, "model", name);
  const base::Json settings = model_settings(model, name);
  refuse_unsupported(settings, name);
  const Rules rules = choose_rules(root, settings, config, model_type, name);
  parts->rule = rules.words;
  read_vocabulary(model, name, parts->vocabulary);
  parts->bpe = std::make_unique<Bpe>(parts->vocabulary, rules.options, name);
  read_merges(model, name, *parts->bpe);

  AddedTokens tokens(parts->vocabulary, name);
  const base::Json added = part(root, "added_tokens", name);
  if (!added.is_null()) {
    require(added.is_array(), name, ": 'added_tokens' is ", added.type_name(), ", wanted a list");
    for (const base::Json& token : added) tokens.add_from_file(read_added_token(token, name));
  }
  for (const AddedToken& token : config.added_tokens) tokens.add_from_config(token);
  for (const auto& [key, content] : config.special_strings) tokens.add_special(content);
  for (const std::string& content : config.extra_special) tokens.add_special(content);

  parts->normalizer = make_normalizer(rules.normalizer, name);
  parts->pre_tokenizer = make_pre_tokenizer(rules.pre_tokenizer, name);
  parts->decoder = Decoder::read(rules.decoder, name);
  const base::Json post_processor = part(root, "post_processor", name);
  parts->post_processor = post_processor.is_null()
                              ? bos_and_eos(config, parts->vocabulary)
                              : PostProcessor::read(post_processor, parts->vocabulary.size(), name);
  parts->special_strings = config.special_strings;

  std::vector<int32_t> special;
  for (const AddedToken& token : tokens.tokens()) {
    if (token.special) special.push_back(token.id);
    if (!token.normalized || !parts->normalizer) {
      (token.normalized ? parts->normalized_matcher : parts->raw_matcher).add(token.content, token);
      continue;
    }
    MarkedText text{token.content, {}};
    parts->normalizer->apply(text);
    parts->normalized_matcher.add(text.text, token);
  }
  parts->special_ids.insert(special.begin(), special.end());
  parts->bpe->hide(special);
  return parts;
}

}  // namespace visavis::text
