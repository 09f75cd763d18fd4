#include "engine/text/template_expressions.h"

#include <charconv>

#include "engine/text/template_library.h"

namespace visavis::text {

ExpressionPtr ExpressionParser::tuple(bool with_conditional) {
  const auto one = [&] { return with_conditional ? expression() : logical_or(); };
  ExpressionPtr first = one();
  if (!is_symbol(",")) return first;
  auto made = node<ListLiteral>();
  made->tuple = true;
  made->depth = first->depth + 1;
  made->items.push_back(std::move(first));
  while (take_symbol(",")) {
    if (ends_expression()) break;
    made->items.push_back(one());
    made->depth = std::max(made->depth, made->items.back()->depth + 1);
  }
  return finish(std::move(made), {});
}

bool ExpressionParser::ends_expression() const {
  return now().kind == Kind::print_end || now().kind == Kind::block_end || is_symbol(")");
}

ExpressionPtr ExpressionParser::expression() {
  const Level level(*this);
  ExpressionPtr value = logical_or();
  while (is_name("if")) {
    ++at_;
    auto made = node<Conditional>();
    made->condition = logical_or();
    if (take_name("else")) made->otherwise = expression();
    made->then = std::move(value);
    const auto* parts = made.get();
    value = finish(std::move(made),
                   {parts->condition.get(), parts->then.get(), parts->otherwise.get()});
  }
  return value;
}

ExpressionPtr ExpressionParser::binary(std::string op, ExpressionPtr left, ExpressionPtr right) {
  auto made = node<Binary>();
  made->op = std::move(op);
  made->left = std::move(left);
  made->right = std::move(right);
  const auto* parts = made.get();
  return finish(std::move(made), {parts->left.get(), parts->right.get()});
}

ExpressionPtr ExpressionParser::logical_or() {
  ExpressionPtr left = logical_and();
  while (take_name("or")) left = binary("or", std::move(left), logical_and());
  return left;
}

ExpressionPtr ExpressionParser::logical_and() {
  ExpressionPtr left = logical_not();
  while (take_name("and")) left = binary("and", std::move(left), logical_not());
  return left;
}

ExpressionPtr ExpressionParser::logical_not() {
  if (!is_name("not")) return comparison();
  const Level level(*this);
  ++at_;
  return unary_node(Unary::Operator::logical_not, logical_not());
}

ExpressionPtr ExpressionParser::unary_node(Unary::Operator op, ExpressionPtr operand) {
  auto made = node<Unary>();
  made->op = op;
  made->operand = std::move(operand);
  const auto* part = made->operand.get();
  return finish(std::move(made), {part});
}

ExpressionPtr ExpressionParser::comparison() {
  ExpressionPtr first = sum();
  auto made = node<Comparison>();
  while (true) {
    std::string op;
    if (now().kind == Kind::symbol &&
        (now().text == "==" || now().text == "!=" || now().text == "<" || now().text == "<=" ||
         now().text == ">" || now().text == ">=")) {
      op = now().text;
      ++at_;
    } else if (take_name("in")) {
      op = "in";
    } else if (is_name("not") && ahead().kind == Kind::name && ahead().text == "in") {
      at_ += 2;
      op = "not in";
    } else {
      break;
    }
    made->rest.emplace_back(op, sum());
    made->depth = std::max(made->depth, made->rest.back().second->depth + 1);
  }
  if (made->rest.empty()) return first;
  made->first = std::move(first);
  const auto* part = made->first.get();
  return finish(std::move(made), {part});
}

ExpressionPtr ExpressionParser::sum() {
  ExpressionPtr left = concatenation();
  while (is_symbol("+") || is_symbol("-")) {
    std::string op = tokens_[at_++].text;
    left = binary(std::move(op), std::move(left), concatenation());
  }
  return left;
}

ExpressionPtr ExpressionParser::concatenation() {
  ExpressionPtr left = product();
  while (take_symbol("~")) left = binary("~", std::move(left), product());
  return left;
}

ExpressionPtr ExpressionParser::product() {
  ExpressionPtr left = power();
  while (is_symbol("*") || is_symbol("/") || is_symbol("//") || is_symbol("%")) {
    std::string op = tokens_[at_++].text;
    left = binary(std::move(op), std::move(left), power());
  }
  return left;
}

ExpressionPtr ExpressionParser::power() {
  ExpressionPtr left = unary(true);
  while (take_symbol("**")) left = binary("**", std::move(left), unary(true));
  return left;
}

ExpressionPtr ExpressionParser::unary(bool with_filters) {
  const Level level(*this);
  ExpressionPtr value;
  if (take_symbol("-")) {
    value = unary_node(Unary::Operator::negate, unary(false));
  } else if (take_symbol("+")) {
    value = unary_node(Unary::Operator::plus, unary(false));
  } else {
    value = primary();
  }
  value = postfix(std::move(value));
  return with_filters ? filters(std::move(value)) : std::move(value);
}

ExpressionPtr ExpressionParser::literal(Value value) {
  auto made = node<Literal>();
  made->value = std::move(value);
  return made;
}

ExpressionPtr ExpressionParser::primary() {
  const TemplateToken token = now();
  switch (token.kind) {
    case Kind::name: {
      ++at_;
      if (token.text == "true" || token.text == "True") return literal(Value(true));
      if (token.text == "false" || token.text == "False") return literal(Value(false));
      if (token.text == "none" || token.text == "None") return literal(Value());
      auto made = node<Name>();
      made->name = token.text;
      return made;
    }
    case Kind::string: {
      std::string text;
      while (now().kind == Kind::string) text += tokens_[at_++].text;
      return literal(Value::string(std::move(text)));
    }
    case Kind::integer: {
      int64_t number = 0;
      const char* end = token.text.data() + token.text.size();
      const auto parsed = std::from_chars(token.text.data(), end, number);
      if (parsed.ec != std::errc() || parsed.ptr != end) stop("number out of range");
      ++at_;
      return literal(Value(number));
    }
    case Kind::real: {
      double number = 0;
      const char* end = token.text.data() + token.text.size();
      const auto parsed = std::from_chars(token.text.data(), end, number);
      if (parsed.ec != std::errc() || parsed.ptr != end) stop("number out of range");
      ++at_;
      return literal(Value(number));
    }
    case Kind::symbol:
      if (take_symbol("(")) return bracketed();
      if (take_symbol("[")) return list();
      if (take_symbol("{")) return dict();
      break;
    default:
      break;
  }
  stop("unexpected '" + token.text + "'");
}

ExpressionPtr ExpressionParser::bracketed() {
  const Level level(*this);
  if (take_symbol(")")) {
    auto made = node<ListLiteral>();
    made->tuple = true;
    return made;
  }
  ExpressionPtr inside = tuple();
  need_symbol(")");
  return inside;
}

ExpressionPtr ExpressionParser::list() {
  const Level level(*this);
  auto made = node<ListLiteral>();
  while (!take_symbol("]")) {
    made->items.push_back(expression());
    made->depth = std::max(made->depth, made->items.back()->depth + 1);
    if (!is_symbol("]")) need_symbol(",");
  }
  return finish(std::move(made), {});
}

ExpressionPtr ExpressionParser::dict() {
  const Level level(*this);
  auto made = node<DictLiteral>();
  while (!take_symbol("}")) {
    ExpressionPtr key = expression();
    need_symbol(":");
    ExpressionPtr value = expression();
    made->depth = std::max({made->depth, key->depth + 1, value->depth + 1});
    made->entries.emplace_back(std::move(key), std::move(value));
    if (!is_symbol("}")) need_symbol(",");
  }
  return finish(std::move(made), {});
}

ExpressionPtr ExpressionParser::postfix(ExpressionPtr value) {
  while (true) {
    if (take_symbol(".")) {
      if (now().kind == Kind::integer) {
        auto made = node<Subscript>();
        made->object = std::move(value);
        made->index = primary();
        const auto* part = made->object.get();
        value = finish(std::move(made), {part});
        continue;
      }
      auto made = node<Attribute>();
      made->name = need_name();
      made->object = std::move(value);
      const auto* part = made->object.get();
      value = finish(std::move(made), {part});
    } else if (take_symbol("[")) {
      value = subscript(std::move(value));
    } else if (is_symbol("(")) {
      value = call(std::move(value));
    } else {
      return value;
    }
  }
}

ExpressionPtr ExpressionParser::call(ExpressionPtr function) {
  auto made = node<Call>();
  made->function = std::move(function);
  made->arguments = arguments();
  const auto* parts = made.get();
  return finish(std::move(made), parts->arguments, parts->function.get());
}

ExpressionPtr ExpressionParser::subscript(ExpressionPtr object) {
  const Level level(*this);
  ExpressionPtr first;
  if (!is_symbol(":")) first = tuple();
  if (take_symbol("]")) {
    auto made = node<Subscript>();
    made->object = std::move(object);
    made->index = std::move(first);
    const auto* parts = made.get();
    return finish(std::move(made), {parts->object.get(), parts->index.get()});
  }
  auto made = node<Slice>();
  made->object = std::move(object);
  made->begin = std::move(first);
  need_symbol(":");
  if (!is_symbol(":") && !is_symbol("]")) made->end = expression();
  if (take_symbol(":") && !is_symbol("]")) made->step = expression();
  need_symbol("]");
  const auto* parts = made.get();
  return finish(std::move(made),
                {parts->object.get(), parts->begin.get(), parts->end.get(), parts->step.get()});
}

CallArguments ExpressionParser::arguments() {
  const Level level(*this);
  CallArguments out;
  need_symbol("(");
  while (!take_symbol(")")) {
    if (is_symbol("*") || is_symbol("**")) stop("unpacked arguments are not supported");
    if (now().kind == Kind::name && ahead().kind == Kind::symbol && ahead().text == "=") {
      std::string name = need_name();
      ++at_;
      out.named.emplace_back(std::move(name), expression());
    } else {
      if (!out.named.empty()) stop("a positional argument follows a named one");
      out.positional.push_back(expression());
    }
    if (!is_symbol(")")) need_symbol(",");
  }
  return out;
}

ExpressionPtr ExpressionParser::filters(ExpressionPtr value) {
  while (true) {
    if (take_symbol("|")) {
      value = filter(std::move(value));
    } else if (take_name("is")) {
      value = test(std::move(value));
    } else if (is_symbol("(")) {
      value = call(std::move(value));
    } else {
      return value;
    }
  }
}

ExpressionPtr ExpressionParser::filter(ExpressionPtr object) {
  auto made = node<Filter>();
  made->name = need_name();
  if (!find_filter(made->name)) stop("filter '" + made->name + "' is not supported");
  if (is_symbol("(")) made->arguments = arguments();
  made->object = std::move(object);
  const auto* parts = made.get();
  return finish(std::move(made), parts->arguments, parts->object.get());
}

ExpressionPtr ExpressionParser::test(ExpressionPtr object) {
  auto made = node<Test>();
  made->negated = take_name("not");
  made->name = need_name();
  if (!find_test(made->name)) stop("test '" + made->name + "' is not supported");
  if (is_symbol("(")) {
    made->arguments = arguments();
  } else if (begins_test_argument()) {
    made->arguments.positional.push_back(postfix(primary()));
  }
  made->object = std::move(object);
  const auto* parts = made.get();
  return finish(std::move(made), parts->arguments, parts->object.get());
}

bool ExpressionParser::begins_test_argument() const {
  switch (now().kind) {
    case Kind::name:
      return now().text != "else" && now().text != "or" && now().text != "and" &&
             now().text != "is" && now().text != "if" && now().text != "not" &&
             now().text != "in" && now().text != "recursive";
    case Kind::string:
    case Kind::integer:
    case Kind::real:
      return true;
    case Kind::symbol:
      return now().text == "[" || now().text == "{";
    default:
      return false;
  }
}

}  // namespace visavis::text
