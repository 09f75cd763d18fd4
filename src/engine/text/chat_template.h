// Chat templates: turns of a conversation to one prompt string, by an interpreter of the Jinja that
// model families use. Anything else is refused by name and line. Bytes of turn contents stay tagged
// as a user's through every operation. Templates are hostile input: depth, steps and bytes built
// are bounded. Not a general Jinja; template_eval.cpp says what runs.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "chat/request.h"
#include "engine/text/tagged_text.h"

namespace visavis::text {

struct TemplateProgram;

struct RenderOptions {
  bool add_generation_prompt = true;
  /// Variables that a template sees besides messages: bos_token, eos_token, ... (see
  /// Tokenizer::special_strings).
  std::map<std::string, std::string> variables = {};
  /// More such variables, true or false.
  std::map<std::string, bool> flags = {};
  /// Turns whose parts are all text become plain strings instead of lists of parts, for templates
  /// of text-only models.
  bool text_as_string = false;
};

/// Immutable; render may be called from several threads at once.
class ChatTemplate {
 public:
  /// Compiles a template; `origin` is how errors call it. Throws Error with the line for a syntax
  /// error and for every construct, filter, test or function that is not supported.
  static ChatTemplate parse(std::string_view source, std::string_view origin);

  /// The prompt of a conversation. A picture becomes {"type": "image"}, a video {"type": "video"},
  /// a text {"type": "text", "text": ...}; every byte of the texts is tagged as a user's, whatever
  /// the turn's role. Throws Error where the template refuses the conversation (raise_exception) or
  /// breaks a limit.
  TaggedText render(const std::vector<chat::Turn>& turns, const RenderOptions& options) const;

  /// The same for messages as JSON: [{"role", "content": string or list of parts, ...}]. All
  /// strings are tagged as a user's but plain roles and types.
  TaggedText render(const base::Json& messages, const RenderOptions& options) const;

  const std::string& origin() const;

 private:
  explicit ChatTemplate(std::shared_ptr<const TemplateProgram> program);
  std::shared_ptr<const TemplateProgram> program_;
};

/// A template's text and where it was found, e.g. "chat_template.jinja" or "tokenizer_config.json,
/// chat_template 'default'".
struct TemplateSource {
  std::string source;
  std::string origin;
};

/// Looks in a checkpoint folder, in this order: chat_template.jinja; chat_template.json;
/// processor_config.json and tokenizer_config.json, key chat_template (a string, or a list or
/// object of named templates, of which "default" is taken). nullopt if there is none: the family's
/// built-in template is used then, and that must be recorded.
std::optional<TemplateSource> find_chat_template(const std::filesystem::path& folder);

}  // namespace visavis::text
