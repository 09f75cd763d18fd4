// The one way to end a task because of a bad file, request or environment: throw Error with a
// single line that says what, found and wanted. Expected outcomes are values (optional, Grade,
// Failure); mistakes of ours are assert. Only four places catch: cli main, server routes, runner,
// scheduler.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace visavis {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Joins the parts with operator<< and throws Error with the resulting line.
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  std::ostringstream line;
  (line << ... << parts);
  throw Error(line.str());
}

/// Throws Error made of the parts unless the condition holds. The parts are evaluated either way.
template <class... Parts>
void require(bool condition, const Parts&... parts) {
  if (!condition) fail(parts...);
}

}  // namespace visavis
