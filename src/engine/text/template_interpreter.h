// One rendering of a chat template: its variables, its output and its limits.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/text/template_ast.h"

namespace visavis::text {

class Interpreter {
 public:
  /// `globals` are the variables that every part of the template sees. `input_bytes` is the size of
  /// the conversation: the limit on bytes built grows with it.
  Interpreter(std::map<std::string, Value> globals, size_t input_bytes);
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;
  ~Interpreter();

  /// Runs a template to its end. Throws Error where it refuses, errs or breaks a limit.
  TaggedText run(const TemplateProgram& program);
  /// The line that runs now, for errors.
  int line() const { return line_; }

  /// One level of nodes that evaluate nodes; counts the steps too.
  class Level {
   public:
    Level(Interpreter& run, int line);
    ~Level() { --run_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Interpreter& run_;
  };

  /// Names, inner scopes first. Blocks of loops and macros are scopes, those of if are not.
  Value lookup(const std::string& name) const;
  void assign(const std::string& name, Value value);
  Flow run_block(const Block& block);
  /// Runs a block in a scope of its own.
  Flow run_scoped(const Block& block, std::map<std::string, Value> names);
  /// Runs a block and gives what it wrote instead of writing it.
  TaggedText capture(const Block& block);
  /// Runs a macro: of the names outside it sees those of the template's top level.
  TaggedText call_macro(const Block& body, std::map<std::string, Value> parameters);
  /// Evaluates in a scope of its own.
  Value evaluate_with(const Expression& expression, std::map<std::string, Value> names);

  void write(const TaggedText& text);
  /// Counts bytes that are about to be built. Throws Error beyond the limit.
  void built(size_t bytes);
  /// A new namespace object.
  Value new_space(std::map<std::string, Value> names);

 private:
  std::map<std::string, Value> globals_;
  std::vector<std::map<std::string, Value>> scopes_;
  size_t visible_from_ = 1;  // scopes of a macro's caller, below this but the first, are not seen
  std::vector<Value::Space> spaces_;  // emptied at the end, because they may refer to each other
  TaggedText out_;
  size_t bytes_left_;
  size_t steps_left_;
  int depth_ = 0;
  int line_ = 0;
};

/// The arguments of a call, evaluated.
Arguments evaluate(Interpreter& run, const CallArguments& arguments, int line);

}  // namespace visavis::text
