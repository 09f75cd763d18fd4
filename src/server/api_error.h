// A request that ends with an error in OpenAI's form. Thrown by parsers and routes; the wrapper
// around routes (routes.cpp) turns it, and any other Error, into a response.
#pragma once

#include <string>

#include "base/error.h"
#include "base/json.h"

namespace visavis::server {

class ApiError : public Error {
 public:
  ApiError(int status, const std::string& message, std::string param = {}, std::string code = {},
           int retry_after = 0)
      : Error(message),
        status_(status),
        param_(std::move(param)),
        code_(std::move(code)),
        retry_after_(retry_after) {}

  int status() const { return status_; }
  /// Seconds for the header Retry-After; 0: none.
  int retry_after() const { return retry_after_; }
  /// {"error": {"message", "type", "param", "code"}}; param and code are null where there is none.
  base::Json json() const;

 private:
  int status_;
  std::string param_;  // the field of the request that is wrong
  std::string code_;
  int retry_after_;
};

/// Throws ApiError 400 about one field of the request.
template <class... Parts>
[[noreturn]] void refuse_field(const std::string& param, const Parts&... parts) {
  std::ostringstream line;
  line << param << ": ";
  (line << ... << parts);
  throw ApiError(400, line.str(), param, "invalid_value");
}

}  // namespace visavis::server
