#include "harness/suites/document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"

namespace visavis::suites {
namespace {

constexpr int64_t kMaxBytes = int64_t{4} << 20;
constexpr int64_t kMaxLineBytes = int64_t{128} << 20;  // of JSONL: pictures may stand in it
constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxNodes = 200'000;
constexpr size_t kMaxShown = 80;  // bytes of a bad value that an error quotes

std::string show_value(std::string_view value) {
  std::string shown(value.substr(0, kMaxShown));
  shown.resize(base::complete_utf8_prefix(shown));
  std::replace(shown.begin(), shown.end(), '\n', ' ');
  return "'" + base::valid_utf8(shown) + (value.size() > kMaxShown ? "...'" : "'");
}

const char* name_of(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::scalar:
      return "a single value";
    case Node::Kind::list:
      return "a list";
    case Node::Kind::map:
      return "a map";
  }
  return "nothing";
}

// Puts nodes below one another as a parser meets them; shared by YAML and JSON.
class TreeBuilder {
 public:
  explicit TreeBuilder(const std::string& file) : file_(file) {}

  void add(Node node) {
    if (++nodes_ > kMaxNodes)
      fail_at(file_, node.line, "more than " + std::to_string(kMaxNodes) + " values");
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& top = open_.back();
    if (top.node.kind == Node::Kind::list) {
      top.node.items.push_back(std::move(node));
    } else if (!top.has_key) {
      if (node.kind != Node::Kind::scalar) fail_at(file_, node.line, "a key must be a plain text");
      for (const auto& [key, value] : top.node.entries)
        if (key == node.scalar)
          fail_at(file_, node.line, "key " + show_value(key) + " stands here twice");
      top.key = std::move(node.scalar);
      top.has_key = true;
    } else {
      top.node.entries.push_back({std::move(top.key), std::move(node)});
      top.has_key = false;
    }
  }

  void begin(Node::Kind kind, int line) {
    if (open_.size() >= kMaxDepth)
      fail_at(file_, line, "nested deeper than " + std::to_string(kMaxDepth) + " levels");
    if (!open_.empty() && open_.back().node.kind == Node::Kind::map && !open_.back().has_key)
      fail_at(file_, line, "a key must be a plain text");
    Frame frame;
    frame.node.kind = kind;
    frame.node.line = line;
    open_.push_back(std::move(frame));
  }

  void end() {
    Node node = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(node));
  }

  Node take() { return std::move(root_); }

 private:
  struct Frame {
    Node node;
    std::string key;
    bool has_key = false;
  };
  const std::string& file_;
  std::vector<Frame> open_;
  Node root_;
  size_t nodes_ = 0;
};

class YamlEvents : public YAML::EventHandler {
 public:
  explicit YamlEvents(const std::string& file) : file_(file), tree_(file) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check(mark, "", anchor);
    Node node;
    node.line = mark.line + 1;
    tree_.add(std::move(node));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    fail_at(file_, mark.line + 1, "aliases are not accepted here");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check(mark, tag, anchor);
    Node node;
    node.kind = Node::Kind::scalar;
    node.scalar = value;
    node.line = mark.line + 1;
    tree_.add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check(mark, tag, anchor);
    tree_.begin(Node::Kind::list, mark.line + 1);
  }
  void OnSequenceEnd() override { tree_.end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check(mark, tag, anchor);
    tree_.begin(Node::Kind::map, mark.line + 1);
  }
  void OnMapEnd() override { tree_.end(); }

  Node take() { return tree_.take(); }

 private:
  // The parser itself tags plain values "?" and quoted ones "!"; anything else was written.
  void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) const {
    if (anchor != 0) fail_at(file_, mark.line + 1, "anchors are not accepted here");
    if (!tag.empty() && tag != "?" && tag != "!")
      fail_at(file_, mark.line + 1, "tags are not accepted here, found " + show_value(tag));
  }

  const std::string& file_;
  TreeBuilder tree_;
};

// nlohmann's SAX interface: builds our tree directly, so that duplicate keys and depth are seen.
class JsonEvents : public base::Json::json_sax_t {
 public:
  JsonEvents(const std::string& file, int line) : file_(file), line_(line), tree_(file) {}

  bool null() override {
    Node node;
    node.line = line_;
    tree_.add(std::move(node));
    return true;
  }
  bool boolean(bool value) override { return scalar(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return scalar(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return scalar(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return scalar(text); }
  bool string(string_t& value) override { return scalar(value); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return start(Node::Kind::map); }
  bool key(string_t& value) override { return scalar(value); }
  bool end_object() override { return finish(); }
  bool start_array(std::size_t) override { return start(Node::Kind::list); }
  bool end_array() override { return finish(); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    fail_at(file_, line_, "not valid JSON at byte " + std::to_string(position));
  }

  Node take() { return tree_.take(); }

 private:
  bool scalar(std::string value) {
    Node node;
    node.kind = Node::Kind::scalar;
    node.scalar = std::move(value);
    node.line = line_;
    tree_.add(std::move(node));
    return true;
  }
  bool start(Node::Kind kind) {
    tree_.begin(kind, line_);
    return true;
  }
  bool finish() {
    tree_.end();
    return true;
  }

  const std::string& file_;
  int line_;
  TreeBuilder tree_;
};

template <class Number>
bool parse_number(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

void fail_at(const std::string& file, int line, const std::string& message) {
  fail(file, ":", line, ": ", message);
}

Node parse_yaml(std::string_view text, const std::string& name) {
  require(static_cast<int64_t>(text.size()) <= kMaxBytes, name, " has ", text.size(),
          " bytes, wanted at most ", kMaxBytes);
  require(text.find('\0') == std::string_view::npos, name, ": not a text file");
  std::istringstream stream{std::string(text)};
  YamlEvents events(name);
  try {
    YAML::Parser parser(stream);
    require(parser.HandleNextDocument(events), name, ": is empty");
    YamlEvents rest(name);
    require(!parser.HandleNextDocument(rest), name, ": holds more than one document");
  } catch (const YAML::Exception& error) {
    fail_at(name, error.mark.line + 1, "not valid YAML: " + error.msg);
  }
  return events.take();
}

Node read_yaml(const std::filesystem::path& path) {
  return parse_yaml(base::read_file(path, kMaxBytes), path.string());
}

Node parse_json_line(std::string_view text, const std::string& name, int line) {
  require(static_cast<int64_t>(text.size()) <= kMaxLineBytes, name, ":", line, ": line has ",
          text.size(), " bytes, wanted at most ", kMaxLineBytes);
  JsonEvents events(name, line);
  base::Json::sax_parse(text, &events);
  return events.take();
}

Fields::Fields(const Node& node, const std::string& file, std::string_view what,
               std::initializer_list<const char*> known)
    : node_(node), file_(file), what_(what) {
  if (node.kind != Node::Kind::map)
    fail_at(node, what_ + " is " + name_of(node.kind) + ", wanted a map");
  for (const auto& [key, value] : node.entries) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    fail_at(value, "unknown key " + show_value(key) + " in " + what_ + "; known: " +
                       base::join(std::vector<std::string>(known.begin(), known.end()), ", "));
  }
}

void Fields::fail_at(const Node& node, const std::string& message) const {
  suites::fail_at(file_, node.line, message);
}

const Node* Fields::find(std::string_view key) const {
  for (const auto& [name, value] : node_.entries)
    if (name == key) return value.kind == Node::Kind::null ? nullptr : &value;
  return nullptr;
}

const Node& Fields::require(std::string_view key) const {
  const Node* found = find(key);
  if (found == nullptr) fail_at(node_, what_ + " has no '" + std::string(key) + "'");
  return *found;
}

const Node& Fields::scalar_at(std::string_view key, const Node& node) const {
  if (node.kind != Node::Kind::scalar)
    fail_at(node, "'" + std::string(key) + "' of " + what_ + " is " + name_of(node.kind) +
                      ", wanted a single value");
  return node;
}

std::string Fields::text(std::string_view key, std::string_view fallback) const {
  const Node* found = find(key);
  return found == nullptr ? std::string(fallback) : scalar_at(key, *found).scalar;
}

std::string Fields::required_text(std::string_view key) const {
  const Node& found = scalar_at(key, require(key));
  if (found.scalar.empty()) fail_at(found, "'" + std::string(key) + "' of " + what_ + " is empty");
  return found.scalar;
}

std::vector<std::string> Fields::texts(std::string_view key) const {
  const Node* found = find(key);
  if (found == nullptr) return {};
  if (found->kind == Node::Kind::scalar) return {found->scalar};
  if (found->kind != Node::Kind::list)
    fail_at(*found, "'" + std::string(key) + "' of " + what_ + " is a map, wanted a list");
  std::vector<std::string> out;
  for (const Node& item : found->items) out.push_back(scalar_at(key, item).scalar);
  return out;
}

int64_t Fields::integer(std::string_view key, int64_t fallback, int64_t low, int64_t high) const {
  const Node* found = find(key);
  if (found == nullptr) return fallback;
  int64_t value = 0;
  if (!parse_number(scalar_at(key, *found).scalar, value) || value < low || value > high)
    fail_at(*found, "'" + std::string(key) + "' of " + what_ + " is " + show_value(found->scalar) +
                        ", wanted a whole number from " + std::to_string(low) + " to " +
                        std::to_string(high));
  return value;
}

double Fields::number(std::string_view key, double fallback, double low, double high) const {
  const Node* found = find(key);
  if (found == nullptr) return fallback;
  double value = 0;
  if (!parse_number(scalar_at(key, *found).scalar, value) || !(value >= low && value <= high)) {
    std::ostringstream range;
    range << low << " to " << high;
    fail_at(*found, "'" + std::string(key) + "' of " + what_ + " is " + show_value(found->scalar) +
                        ", wanted a number from " + range.str());
  }
  return value;
}

bool Fields::boolean(std::string_view key, bool fallback) const {
  const Node* found = find(key);
  if (found == nullptr) return fallback;
  const std::string& value = scalar_at(key, *found).scalar;
  if (value == "true") return true;
  if (value == "false") return false;
  fail_at(*found, "'" + std::string(key) + "' of " + what_ + " is " + show_value(value) +
                      ", wanted true or false");
}

double parse_duration(std::string_view text, const std::string& name) {
  double factor = 1;
  std::string_view digits = text;
  if (!text.empty()) {
    const char unit = text.back();
    if (unit == 's' || unit == 'm' || unit == 'h') digits.remove_suffix(1);
    if (unit == 'm') factor = 60;
    if (unit == 'h') factor = 3600;
  }
  double value = 0;
  visavis::require(parse_number(digits, value) && value >= 0 && value * factor <= 1e9, name,
                   ": found ", show_value(text), ", wanted a duration such as 90s, 30m or 2h");
  return value * factor;
}

}  // namespace visavis::suites
