#include "engine/text/chat_template.h"

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "engine/text/template_interpreter.h"
#include "engine/text/template_parser.h"

namespace visavis::text {
namespace {

constexpr int64_t kMaxTemplateFile = 1 << 20;
constexpr int64_t kMaxRange = 100'000;  // as in the oracle's sandbox

Value user_text(const std::string& text) {
  return Value(TaggedText::from_user(base::valid_utf8(text)));
}

const char* role_name(chat::Role role) {
  switch (role) {
    case chat::Role::system:
      return "system";
    case chat::Role::user:
      return "user";
    case chat::Role::assistant:
      return "assistant";
  }
  return "";
}

Value message_of(const chat::Turn& turn, bool text_as_string, size_t& bytes) {
  std::vector<Value> parts;
  std::string all_text;
  bool only_text = true;
  for (const chat::Part& part : turn.parts) {
    if (const chat::Text* text = std::get_if<chat::Text>(&part)) {
      bytes += text->text.size();
      all_text += text->text;
      parts.push_back(Value::dict({{Value::string("type"), Value::string("text")},
                                   {Value::string("text"), user_text(text->text)}}));
    } else {
      only_text = false;
      const char* type = std::holds_alternative<chat::Video>(part) ? "video" : "image";
      parts.push_back(Value::dict({{Value::string("type"), Value::string(type)}}));
    }
  }
  return Value::dict(
      {{Value::string("role"), Value::string(role_name(turn.role))},
       {Value::string("content"),
        only_text && text_as_string ? user_text(all_text) : Value::list(std::move(parts))}});
}

// JSON of a conversation: all strings are a user's but roles and types made of plain letters.
Value value_of(const base::Json& json, bool own, size_t& bytes) {
  if (json.is_null()) return Value();
  if (json.is_boolean()) return Value(json.get<bool>());
  if (json.is_number_integer()) return Value(json.get<int64_t>());
  if (json.is_number()) return Value(json.get<double>());
  if (json.is_string()) {
    const std::string& text = json.get_ref<const std::string&>();
    bytes += text.size();
    const bool plain = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos;
    return own && plain ? Value::string(text) : user_text(text);
  }
  if (json.is_array()) {
    std::vector<Value> items;
    for (const base::Json& item : json) items.push_back(value_of(item, false, bytes));
    return Value::list(std::move(items));
  }
  DictEntries entries;
  for (const auto& [key, item] : json.items()) {
    bytes += key.size();
    entries.emplace_back(user_text(key), value_of(item, key == "role" || key == "type", bytes));
  }
  return Value::dict(std::move(entries));
}

Value range_of(const Arguments& arguments) {
  std::vector<int64_t> numbers;
  for (const Value& value : arguments.positional) {
    require(value.integer().has_value(), "range wants whole numbers, found ", value.kind());
    numbers.push_back(*value.integer());
  }
  require(!numbers.empty() && numbers.size() <= 3, "range wants 1 to 3 numbers");
  const int64_t begin = numbers.size() > 1 ? numbers[0] : 0;
  const int64_t end = numbers.size() > 1 ? numbers[1] : numbers[0];
  const int64_t step = numbers.size() > 2 ? numbers[2] : 1;
  require(step != 0, "range has step 0");
  std::vector<Value> items;
  int64_t at = begin;
  while (step > 0 ? at < end : at > end) {
    require(static_cast<int64_t>(items.size()) < kMaxRange, "range of more than ", kMaxRange);
    items.emplace_back(at);
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  return Value::list(std::move(items));
}

Value refuse(const Arguments& arguments) {
  require(!arguments.positional.empty(), "raise_exception wants a message");
  fail("the template refuses this conversation: ", printed(arguments.positional[0]).text());
}

std::map<std::string, Value> globals_for(const RenderOptions& options, Value messages) {
  std::map<std::string, Value> globals;
  // The oracle always passes these; none here stands for "no tools, no documents".
  globals["tools"] = Value();
  globals["documents"] = Value();
  for (const auto& [name, value] : options.variables) globals[name] = Value::string(value);
  for (const auto& [name, value] : options.flags) globals[name] = Value(value);
  globals["messages"] = std::move(messages);
  globals["add_generation_prompt"] = Value(options.add_generation_prompt);
  globals["range"] = Value::function("range", &range_of);
  globals["raise_exception"] = Value::function("raise_exception", &refuse);
  return globals;
}

TaggedText run_template(const TemplateProgram& program, std::map<std::string, Value> globals,
                        size_t input_bytes) {
  Interpreter interpreter(std::move(globals), input_bytes);
  try {
    return interpreter.run(program);
  } catch (const Error& error) {  // the one place that knows the line
    fail(program.origin, " line ", interpreter.line(), ": ", error.what());
  }
}

std::optional<std::string> named_template(const base::Json& templates, std::string& name) {
  name.clear();
  if (templates.is_string()) return templates.get<std::string>();
  name = "default";
  if (templates.is_object() && templates.contains(name) && templates[name].is_string()) {
    return templates[name].get<std::string>();
  }
  if (!templates.is_array()) return std::nullopt;
  for (const base::Json& entry : templates) {
    if (entry.is_object() && entry.value("name", base::Json()) == name &&
        entry.contains("template") && entry["template"].is_string()) {
      return entry["template"].get<std::string>();
    }
  }
  return std::nullopt;
}

}  // namespace

ChatTemplate::ChatTemplate(std::shared_ptr<const TemplateProgram> program)
    : program_(std::move(program)) {}

ChatTemplate ChatTemplate::parse(std::string_view source, std::string_view origin) {
  return ChatTemplate(parse_template(source, std::string(origin)));
}

TaggedText ChatTemplate::render(const std::vector<chat::Turn>& turns,
                                const RenderOptions& options) const {
  std::vector<Value> messages;
  size_t bytes = 0;
  for (const chat::Turn& turn : turns) {
    messages.push_back(message_of(turn, options.text_as_string, bytes));
  }
  return run_template(*program_, globals_for(options, Value::list(std::move(messages))), bytes);
}

TaggedText ChatTemplate::render(const base::Json& messages, const RenderOptions& options) const {
  require(messages.is_array(), "messages are ", messages.type_name(), ", wanted a list");
  size_t bytes = 0;
  return run_template(*program_, globals_for(options, value_of(messages, false, bytes)), bytes);
}

const std::string& ChatTemplate::origin() const { return program_->origin; }

std::optional<TemplateSource> find_chat_template(const std::filesystem::path& folder) {
  const auto present = [&](const char* file) {
    return std::filesystem::is_regular_file(folder / file);
  };
  if (present("chat_template.jinja")) {
    return TemplateSource{base::read_file(folder / "chat_template.jinja", kMaxTemplateFile),
                          "chat_template.jinja"};
  }
  for (const char* file :
       {"chat_template.json", "processor_config.json", "tokenizer_config.json"}) {
    if (!present(file)) continue;
    const base::Json json = base::read_json(folder / file);
    if (!json.is_object()) continue;
    const auto found = json.find("chat_template");
    if (found == json.end() || found->is_null()) continue;
    std::string name;
    const auto source = named_template(*found, name);
    require(source.has_value(), (folder / file).string(),
            ": 'chat_template' is neither a string nor has a template named 'default'");
    return TemplateSource{
        *source, name.empty() ? file : std::string(file) + ", chat_template '" + name + "'"};
  }
  return std::nullopt;
}

}  // namespace visavis::text
