#include "server/exchange.h"

#include "server/api_error.h"

namespace visavis::server {

void Exchange::respond_json(const base::Json& json, int status) {
  respond({.status = status, .body = base::dump_json(json) + "\n"});
}

Response error_response(const std::exception& error) {
  const auto* known = dynamic_cast<const ApiError*>(&error);
  // Other Errors are what the library says of an environment or a file; the rest is a fault of
  // ours, of which a client need not know more.
  const ApiError stated = known != nullptr ? *known
                          : dynamic_cast<const Error*>(&error) != nullptr
                              ? ApiError(500, error.what())
                              : ApiError(500, "internal error");
  Response response{.status = stated.status(), .body = base::dump_json(stated.json()) + "\n"};
  if (stated.retry_after() > 0)
    response.headers.emplace_back("Retry-After", std::to_string(stated.retry_after()));
  if (stated.status() == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

}  // namespace visavis::server
