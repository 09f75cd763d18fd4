// The syntax tree of a chat template. Nodes evaluate themselves against an Interpreter; the tree is
// built by template_parser.cpp, what the nodes do is in template_eval.cpp.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/text/template_value.h"

namespace visavis::text {

class Interpreter;

struct Expression {
  int line = 0;
  int depth = 1;  // of the tree below, bounded by the parser
  virtual ~Expression() = default;
  virtual Value evaluate(Interpreter& run) const = 0;
};
using ExpressionPtr = std::unique_ptr<const Expression>;

struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
};

struct Literal : Expression {
  Value value;
  Value evaluate(Interpreter& run) const override;
};
struct Name : Expression {
  std::string name;
  Value evaluate(Interpreter& run) const override;
};
struct ListLiteral : Expression {
  std::vector<ExpressionPtr> items;
  bool tuple = false;
  Value evaluate(Interpreter& run) const override;
};
struct DictLiteral : Expression {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries;
  Value evaluate(Interpreter& run) const override;
};
struct Attribute : Expression {
  ExpressionPtr object;
  std::string name;
  Value evaluate(Interpreter& run) const override;
};
struct Subscript : Expression {
  ExpressionPtr object;
  ExpressionPtr index;
  Value evaluate(Interpreter& run) const override;
};
struct Slice : Expression {
  ExpressionPtr object;
  ExpressionPtr begin;  // each may be null
  ExpressionPtr end;
  ExpressionPtr step;
  Value evaluate(Interpreter& run) const override;
};
struct Call : Expression {
  ExpressionPtr function;
  CallArguments arguments;
  Value evaluate(Interpreter& run) const override;
};
struct Filter : Expression {
  ExpressionPtr object;
  std::string name;
  CallArguments arguments;
  Value evaluate(Interpreter& run) const override;
};
struct Test : Expression {
  ExpressionPtr object;
  std::string name;
  CallArguments arguments;
  bool negated = false;
  Value evaluate(Interpreter& run) const override;
};
struct Unary : Expression {
  enum class Operator { negate, plus, logical_not };
  Operator op = Operator::negate;
  ExpressionPtr operand;
  Value evaluate(Interpreter& run) const override;
};
struct Binary : Expression {
  std::string op;  // + - * / // % ** ~ and or
  ExpressionPtr left;
  ExpressionPtr right;
  Value evaluate(Interpreter& run) const override;
};
struct Comparison : Expression {
  ExpressionPtr first;
  std::vector<std::pair<std::string, ExpressionPtr>> rest;  // == != < <= > >= in "not in"
  Value evaluate(Interpreter& run) const override;
};
struct Conditional : Expression {
  ExpressionPtr condition;
  ExpressionPtr then;
  ExpressionPtr otherwise;  // may be null: undefined then
  Value evaluate(Interpreter& run) const override;
};

/// How a statement ended.
enum class Flow { next, loop_break, loop_continue };

struct Statement {
  int line = 0;
  virtual ~Statement() = default;
  virtual Flow execute(Interpreter& run) const = 0;
};
using StatementPtr = std::unique_ptr<const Statement>;
using Block = std::vector<StatementPtr>;

struct Output : Statement {
  std::string text;
  Flow execute(Interpreter& run) const override;
};
struct Print : Statement {
  ExpressionPtr value;
  Flow execute(Interpreter& run) const override;
};
struct If : Statement {
  std::vector<std::pair<ExpressionPtr, Block>> branches;
  Block otherwise;
  Flow execute(Interpreter& run) const override;
};
struct For : Statement {
  std::vector<std::string> targets;
  ExpressionPtr items;
  ExpressionPtr condition;  // may be null
  Block body;
  Block otherwise;
  Flow execute(Interpreter& run) const override;
};
struct Set : Statement {
  std::vector<std::string> targets;
  std::string attribute;  // of the only target, a namespace; may be empty
  ExpressionPtr value;
  Flow execute(Interpreter& run) const override;
};
struct SetBlock : Statement {
  std::string target;
  Block body;
  Flow execute(Interpreter& run) const override;
};
struct Macro : Statement {
  std::string name;
  std::vector<std::pair<std::string, ExpressionPtr>> parameters;  // defaults may be null
  Block body;
  Flow execute(Interpreter& run) const override;
};
/// Statements that run as if they stood alone: {% generation %}.
struct Plain : Statement {
  Block body;
  Flow execute(Interpreter& run) const override;
};
struct Jump : Statement {
  Flow flow = Flow::loop_break;
  Flow execute(Interpreter&) const override { return flow; }
};

struct TemplateProgram {
  std::string origin;
  Block body;
};

}  // namespace visavis::text
