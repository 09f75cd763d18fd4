// Expressions of chat templates: tokens to syntax trees, from the loosest binding to the tightest.
#pragma once

#include <string>
#include <vector>

#include "engine/text/template_cursor.h"

namespace visavis::text {

class ExpressionParser : public TokenCursor {
 protected:
  using TokenCursor::TokenCursor;

  // One expression, or several with commas between: a tuple.
  ExpressionPtr tuple(bool with_conditional = true);
  bool ends_expression() const;
  ExpressionPtr expression();
  ExpressionPtr binary(std::string op, ExpressionPtr left, ExpressionPtr right);
  ExpressionPtr logical_or();
  ExpressionPtr logical_and();
  ExpressionPtr logical_not();
  ExpressionPtr unary_node(Unary::Operator op, ExpressionPtr operand);
  ExpressionPtr comparison();
  ExpressionPtr sum();
  ExpressionPtr concatenation();
  ExpressionPtr product();
  ExpressionPtr power();
  ExpressionPtr unary(bool with_filters);
  ExpressionPtr literal(Value value);
  ExpressionPtr primary();
  ExpressionPtr bracketed();
  ExpressionPtr list();
  ExpressionPtr dict();
  // .name, [index], [a:b:c] and calls.
  ExpressionPtr postfix(ExpressionPtr value);
  ExpressionPtr call(ExpressionPtr function);
  ExpressionPtr subscript(ExpressionPtr object);
  CallArguments arguments();
  // |filter, `is test`, and calls of their results.
  ExpressionPtr filters(ExpressionPtr value);
  ExpressionPtr filter(ExpressionPtr object);
  ExpressionPtr test(ExpressionPtr object);
  bool begins_test_argument() const;
};

}  // namespace visavis::text
