// The place in a template's tokens that its parser has reached, and the small steps from it. Errors
// name origin and line.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "engine/text/template_ast.h"
#include "engine/text/template_lexer.h"

namespace visavis::text {

class TokenCursor {
 protected:
  using Kind = TemplateToken::Kind;

  /// `origin` must outlive the cursor.
  TokenCursor(std::vector<TemplateToken> tokens, const std::string& origin)
      : tokens_(std::move(tokens)), origin_(origin) {}

  // Counts one level of our recursion.
  class Level {
   public:
    explicit Level(TokenCursor& cursor) : cursor_(cursor) {
      if (++cursor_.nesting_ > kMaxNesting) cursor_.stop("nested too deep");
    }
    ~Level() { --cursor_.nesting_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    TokenCursor& cursor_;
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

  std::vector<TemplateToken> tokens_;
  size_t at_ = 0;

 private:
  static constexpr int kMaxNesting = 64;  // of brackets and statements: bounds our own recursion
  static constexpr int kMaxDepth = 200;   // of an expression's tree

  const std::string& origin_;
  int nesting_ = 0;
};

}  // namespace visavis::text
