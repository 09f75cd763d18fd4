#include "engine/text/template_parser.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>

#include "base/error.h"
#include "engine/text/template_lexer.h"
#include "engine/text/template_library.h"

namespace visavis::text {
namespace {

using Kind = TemplateToken::Kind;

constexpr int kMaxNesting = 64;  // of brackets and statements: bounds our own recursion
constexpr int kMaxDepth = 200;   // of an expression's tree

class Parser {
 public:
  Parser(std::vector<TemplateToken> tokens, const std::string& origin)
      : tokens_(std::move(tokens)), origin_(origin) {}

  Block run() {
    Block body = block({});
    if (now().kind != Kind::end) stop("unexpected end of a tag");
    return body;
  }

 private:
  // Counts one level of our recursion.
  class Level {
   public:
    explicit Level(Parser& parser) : parser_(parser) {
      if (++parser_.nesting_ > kMaxNesting) parser_.stop("nested too deep");
    }
    ~Level() { --parser_.nesting_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Parser& parser_;
  };

  const TemplateToken& now() const { return tokens_[at_]; }
  const TemplateToken& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  [[noreturn]] void stop(const std::string& what) const {
    fail(origin_, " line ", now().line, ": ", what);
  }
  bool is_symbol(std::string_view text) const {
    return now().kind == Kind::symbol && now().text == text;
  }
  bool is_name(std::string_view text) const {
    return now().kind == Kind::name && now().text == text;
  }
  bool take_symbol(std::string_view text) {
    if (!is_symbol(text)) return false;
    ++at_;
    return true;
  }
  bool take_name(std::string_view text) {
    if (!is_name(text)) return false;
    ++at_;
    return true;
  }
  void need_symbol(std::string_view text) {
    if (!take_symbol(text)) {
      stop("found '" + now().text + "', wanted '" + std::string(text) + "'");
    }
  }
  std::string need_name() {
    if (now().kind != Kind::name) stop("found '" + now().text + "', wanted a name");
    return tokens_[at_++].text;
  }
  void need(Kind kind) {
    if (now().kind != kind) stop("unexpected '" + now().text + "'");
    ++at_;
  }

  template <class Node>
  std::unique_ptr<Node> node() const {
    auto made = std::make_unique<Node>();
    made->line = now().line;
    return made;
  }
  // Gives an expression the depth that its parts make.
  template <class Node>
  ExpressionPtr finish(std::unique_ptr<Node> made, std::initializer_list<const Expression*> parts) {
    for (const Expression* part : parts) {
      if (part) made->depth = std::max(made->depth, part->depth + 1);
    }
    if (made->depth > kMaxDepth) stop("an expression is nested too deep");
    return made;
  }
  template <class Node>
  ExpressionPtr finish(std::unique_ptr<Node> made, const CallArguments& arguments,
                       const Expression* object) {
    for (const auto& part : arguments.positional) {
      made->depth = std::max(made->depth, part->depth + 1);
    }
    for (const auto& part : arguments.named) {
      made->depth = std::max(made->depth, part.second->depth + 1);
    }
    return finish(std::move(made), {object});
  }

  // ---- statements

  // Statements up to a block tag that begins with one of `ends`; that name is not taken.
  Block block(std::initializer_list<std::string_view> ends) {
    const Level level(*this);
    Block out;
    while (now().kind != Kind::end) {
      if (now().kind == Kind::data) {
        auto output = node<Output>();
        output->text = now().text;
        ++at_;
        out.push_back(std::move(output));
      } else if (now().kind == Kind::print_begin) {
        ++at_;
        auto print = node<Print>();
        print->value = tuple();
        need(Kind::print_end);
        out.push_back(std::move(print));
      } else {
        need(Kind::block_begin);
        if (now().kind == Kind::name &&
            std::find(ends.begin(), ends.end(), now().text) != ends.end()) {
          return out;
        }
        out.push_back(statement());
      }
    }
    if (ends.size() > 0) stop("'" + std::string(*ends.begin()) + "' is missing");
    return out;
  }

  void end_of(std::string_view name) {
    if (!take_name(name)) stop("wanted '" + std::string(name) + "'");
    need(Kind::block_end);
  }

  StatementPtr statement() {
    const std::string keyword = need_name();
    if (keyword == "if") return if_statement();
    if (keyword == "for") return for_statement();
    if (keyword == "set") return set_statement();
    if (keyword == "macro") return macro();
    if (keyword == "generation") {
      auto plain = node<Plain>();
      need(Kind::block_end);
      plain->body = block({"endgeneration"});
      end_of("endgeneration");
      return plain;
    }
    if (keyword == "break" || keyword == "continue") {
      if (loops_ == 0) stop("'" + keyword + "' outside a loop");
      auto jump = node<Jump>();
      jump->flow = keyword == "break" ? Flow::loop_break : Flow::loop_continue;
      need(Kind::block_end);
      return jump;
    }
    stop("statement '" + keyword + "' is not supported");
  }

  StatementPtr if_statement() {
    auto made = node<If>();
    do {
      ExpressionPtr condition = tuple();
      need(Kind::block_end);
      Block body = block({"elif", "else", "endif"});
      made->branches.emplace_back(std::move(condition), std::move(body));
    } while (take_name("elif"));
    if (take_name("else")) {
      need(Kind::block_end);
      made->otherwise = block({"endif"});
    }
    end_of("endif");
    return made;
  }

  StatementPtr for_statement() {
    auto made = node<For>();
    made->targets = targets();
    if (!take_name("in")) stop("a for loop wants 'in'");
    made->items = tuple(false);
    if (take_name("if")) made->condition = expression();
    if (is_name("recursive")) stop("a recursive loop is not supported");
    need(Kind::block_end);
    ++loops_;
    made->body = block({"else", "endfor"});
    --loops_;
    if (take_name("else")) {
      need(Kind::block_end);
      made->otherwise = block({"endfor"});
    }
    end_of("endfor");
    return made;
  }

  std::vector<std::string> targets() {
    std::vector<std::string> names;
    const bool bracket = take_symbol("(");
    do {
      names.push_back(need_name());
    } while (take_symbol(",") && now().kind == Kind::name && !is_name("in"));
    if (bracket) need_symbol(")");
    return names;
  }

  StatementPtr set_statement() {
    const int line = now().line;
    std::vector<std::string> names = targets();
    std::string attribute;
    if (names.size() == 1 && take_symbol(".")) attribute = need_name();
    if (take_symbol("=")) {
      auto made = node<Set>();
      made->line = line;
      made->targets = std::move(names);
      made->attribute = std::move(attribute);
      made->value = tuple();
      need(Kind::block_end);
      return made;
    }
    if (is_symbol("|")) stop("a filter on a set block is not supported");
    if (names.size() != 1 || !attribute.empty()) stop("a set block wants one name");
    auto made = node<SetBlock>();
    made->line = line;
    made->target = names[0];
    need(Kind::block_end);
    made->body = block({"endset"});
    end_of("endset");
    return made;
  }

  StatementPtr macro() {
    if (loops_ > 0 || macros_ > 0) stop("a macro inside a loop or macro is not supported");
    auto made = node<Macro>();
    made->name = need_name();
    need_symbol("(");
    while (!take_symbol(")")) {
      std::string parameter = need_name();
      ExpressionPtr fallback;
      if (take_symbol("=")) fallback = expression();
      made->parameters.emplace_back(std::move(parameter), std::move(fallback));
      if (!is_symbol(")")) need_symbol(",");
    }
    need(Kind::block_end);
    ++macros_;
    made->body = block({"endmacro"});
    --macros_;
    end_of("endmacro");
    return made;
  }

  // ---- expressions, from the loosest binding to the tightest

  // One expression, or several with commas between: a tuple.
  ExpressionPtr tuple(bool with_conditional = true) {
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

  bool ends_expression() const {
    return now().kind == Kind::print_end || now().kind == Kind::block_end || is_symbol(")");
  }

  ExpressionPtr expression() {
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

  ExpressionPtr binary(std::string op, ExpressionPtr left, ExpressionPtr right) {
    auto made = node<Binary>();
    made->op = std::move(op);
    made->left = std::move(left);
    made->right = std::move(right);
    const auto* parts = made.get();
    return finish(std::move(made), {parts->left.get(), parts->right.get()});
  }

  ExpressionPtr logical_or() {
    ExpressionPtr left = logical_and();
    while (take_name("or")) left = binary("or", std::move(left), logical_and());
    return left;
  }

  ExpressionPtr logical_and() {
    ExpressionPtr left = logical_not();
    while (take_name("and")) left = binary("and", std::move(left), logical_not());
    return left;
  }

  ExpressionPtr logical_not() {
    if (!is_name("not")) return comparison();
    const Level level(*this);
    ++at_;
    return unary_node(Unary::Operator::logical_not, logical_not());
  }

  ExpressionPtr unary_node(Unary::Operator op, ExpressionPtr operand) {
    auto made = node<Unary>();
    made->op = op;
    made->operand = std::move(operand);
    const auto* part = made->operand.get();
    return finish(std::move(made), {part});
  }

  ExpressionPtr comparison() {
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

  ExpressionPtr sum() {
    ExpressionPtr left = concatenation();
    while (is_symbol("+") || is_symbol("-")) {
      std::string op = tokens_[at_++].text;
      left = binary(std::move(op), std::move(left), concatenation());
    }
    return left;
  }

  ExpressionPtr concatenation() {
    ExpressionPtr left = product();
    while (take_symbol("~")) left = binary("~", std::move(left), product());
    return left;
  }

  ExpressionPtr product() {
    ExpressionPtr left = power();
    while (is_symbol("*") || is_symbol("/") || is_symbol("//") || is_symbol("%")) {
      std::string op = tokens_[at_++].text;
      left = binary(std::move(op), std::move(left), power());
    }
    return left;
  }

  ExpressionPtr power() {
    ExpressionPtr left = unary(true);
    while (take_symbol("**")) left = binary("**", std::move(left), unary(true));
    return left;
  }

  ExpressionPtr unary(bool with_filters) {
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

  ExpressionPtr literal(Value value) {
    auto made = node<Literal>();
    made->value = std::move(value);
    return made;
  }

  ExpressionPtr primary() {
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

  ExpressionPtr bracketed() {
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

  ExpressionPtr list() {
    const Level level(*this);
    auto made = node<ListLiteral>();
    while (!take_symbol("]")) {
      made->items.push_back(expression());
      made->depth = std::max(made->depth, made->items.back()->depth + 1);
      if (!is_symbol("]")) need_symbol(",");
    }
    return finish(std::move(made), {});
  }

  ExpressionPtr dict() {
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

  // .name, [index], [a:b:c] and calls.
  ExpressionPtr postfix(ExpressionPtr value) {
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

  ExpressionPtr call(ExpressionPtr function) {
    auto made = node<Call>();
    made->function = std::move(function);
    made->arguments = arguments();
    const auto* parts = made.get();
    return finish(std::move(made), parts->arguments, parts->function.get());
  }

  ExpressionPtr subscript(ExpressionPtr object) {
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

  CallArguments arguments() {
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

  // |filter, `is test`, and calls of their results.
  ExpressionPtr filters(ExpressionPtr value) {
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

  ExpressionPtr filter(ExpressionPtr object) {
    auto made = node<Filter>();
    made->name = need_name();
    if (!find_filter(made->name)) stop("filter '" + made->name + "' is not supported");
    if (is_symbol("(")) made->arguments = arguments();
    made->object = std::move(object);
    const auto* parts = made.get();
    return finish(std::move(made), parts->arguments, parts->object.get());
  }

  ExpressionPtr test(ExpressionPtr object) {
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

  bool begins_test_argument() const {
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

  std::vector<TemplateToken> tokens_;
  const std::string& origin_;
  size_t at_ = 0;
  int nesting_ = 0;
  int loops_ = 0;
  int macros_ = 0;
};

}  // namespace

std::shared_ptr<const TemplateProgram> parse_template(std::string_view source,
                                                      const std::string& origin) {
  auto program = std::make_shared<TemplateProgram>();
  program->origin = origin;
  program->body = Parser(lex_template(source, origin), program->origin).run();
  return program;
}

}  // namespace visavis::text
