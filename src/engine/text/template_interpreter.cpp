#include "engine/text/template_interpreter.h"

#include "base/error.h"

namespace visavis::text {
namespace {

constexpr int kMaxDepth = 400;
constexpr size_t kMaxSteps = 1'000'000;
constexpr size_t kMaxBytes = size_t{1} << 28;
constexpr size_t kBytesPerInputByte = 64;

}  // namespace

Interpreter::Interpreter(std::map<std::string, Value> globals, size_t input_bytes)
    : globals_(std::move(globals)),
      bytes_left_(kMaxBytes + kBytesPerInputByte * input_bytes),
      steps_left_(kMaxSteps) {
  globals_["namespace"] = Value::function("namespace", [this](const Arguments& arguments) {
    require(arguments.positional.empty(), "namespace wants named values");
    return new_space({arguments.named.begin(), arguments.named.end()});
  });
  globals_["dict"] = Value::function("dict", [](const Arguments& arguments) {
    require(arguments.positional.empty(), "dict wants named values");
    DictEntries entries;
    for (const auto& [name, value] : arguments.named) {
      entries.emplace_back(Value::string(name), value);
    }
    return Value::dict(std::move(entries));
  });
}

Interpreter::~Interpreter() {
  for (const Value::Space& space : spaces_) space->clear();
}

Interpreter::Level::Level(Interpreter& run, int line) : run_(run) {
  run_.line_ = line;
  require(run_.steps_left_ > 0, "the template runs for more than ", kMaxSteps, " steps");
  --run_.steps_left_;
  require(run_.depth_ < kMaxDepth, "the template calls deeper than ", kMaxDepth);
  ++run_.depth_;
}

TaggedText Interpreter::run(const TemplateProgram& program) {
  scopes_.assign(1, {});
  run_block(program.body);
  return std::move(out_);
}

Value Interpreter::lookup(const std::string& name) const {
  for (size_t i = scopes_.size(); i-- > 0;) {
    if (i > 0 && i < visible_from_) continue;
    if (const auto found = scopes_[i].find(name); found != scopes_[i].end()) return found->second;
  }
  if (const auto found = globals_.find(name); found != globals_.end()) return found->second;
  return Undefined{name};
}

void Interpreter::assign(const std::string& name, Value value) {
  scopes_.back()[name] = std::move(value);
}

Flow Interpreter::run_block(const Block& block) {
  for (const StatementPtr& statement : block) {
    const Level level(*this, statement->line);
    const Flow flow = statement->execute(*this);
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

Flow Interpreter::run_scoped(const Block& block, std::map<std::string, Value> names) {
  scopes_.push_back(std::move(names));
  const Flow flow = run_block(block);
  scopes_.pop_back();
  return flow;
}

TaggedText Interpreter::capture(const Block& block) {
  TaggedText outer = std::move(out_);
  out_ = TaggedText();
  run_block(block);
  std::swap(outer, out_);
  return outer;
}

TaggedText Interpreter::call_macro(const Block& body, std::map<std::string, Value> parameters) {
  const Level level(*this, line_);
  const size_t caller = visible_from_;
  visible_from_ = scopes_.size();
  scopes_.push_back(std::move(parameters));
  TaggedText text = capture(body);
  scopes_.pop_back();
  visible_from_ = caller;
  return text;
}

Value Interpreter::evaluate_with(const Expression& expression, std::map<std::string, Value> names) {
  scopes_.push_back(std::move(names));
  Value value = expression.evaluate(*this);
  scopes_.pop_back();
  return value;
}

void Interpreter::write(const TaggedText& text) {
  built(text.size());
  out_.append(text);
}

void Interpreter::built(size_t bytes) {
  require(bytes <= bytes_left_, "the template builds too many bytes of text");
  bytes_left_ -= bytes;
}

Value Interpreter::new_space(std::map<std::string, Value> names) {
  built(64);
  spaces_.push_back(std::make_shared<SpaceData>(std::move(names)));
  return Value::space(spaces_.back());
}

Arguments evaluate(Interpreter& run, const CallArguments& arguments, int line) {
  Arguments out;
  out.line = line;
  for (const ExpressionPtr& argument : arguments.positional) {
    out.positional.push_back(argument->evaluate(run));
  }
  for (const auto& [name, argument] : arguments.named) {
    out.named.emplace_back(name, argument->evaluate(run));
  }
  return out;
}

}  // namespace visavis::text
