#include "engine/text/template_parser.h"

#include <algorithm>
#include <initializer_list>

#include "engine/text/template_expressions.h"

namespace visavis::text {
namespace {

// Statements; what stands in them is the base's.
class Parser : public ExpressionParser {
 public:
  Parser(std::vector<TemplateToken> tokens, const std::string& origin)
      : ExpressionParser(std::move(tokens), origin) {}

  Block run() {
    Block body = block({});
    if (now().kind != Kind::end) stop("unexpected end of a tag");
    return body;
  }

 private:
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
