// The table of routes: one row each, one file each (routes/<name>.cpp).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/context.h"
#include "server/exchange.h"

namespace visavis::server {

enum class Entry { open, keyed };  // whether the key is asked for, if there is one

struct Route {
  const char* method;
  // Segments; "{name}" takes any one of letters, digits, '.', '_' and '-'; "{name*}" at the end all
  // that follows, unescaped: a text to compare with, never a path to open.
  const char* pattern;
  Entry entry;
  /// Runs on the connection's executor and must not block. Throws Error before it has responded.
  void (*handle)(const ExchangePtr& exchange, Context& context);
};

const std::vector<Route>& routes();

struct Match {
  const Route* route = nullptr;  // null: no such path
  std::string allow;             // methods of the path, if the method is wrong
  std::map<std::string, std::string> parts;
};

/// HEAD is served as GET.
Match match_route(std::string_view method, std::string_view path);

/// Runs the route; what it throws becomes the response.
void serve(const Route& route, const ExchangePtr& exchange, Context& context);

}  // namespace visavis::server
