// Chat template source to syntax tree.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/text/template_ast.h"

namespace visavis::text {

/// Throws Error with origin and line for a syntax error and for every statement, filter and test
/// that is not supported.
std::shared_ptr<const TemplateProgram> parse_template(std::string_view source,
                                                      const std::string& origin);

}  // namespace visavis::text
