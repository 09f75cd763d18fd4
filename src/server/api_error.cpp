#include "server/api_error.h"

namespace visavis::server {
namespace {

struct StatusType {
  int status;
  const char* type;
};

// OpenAI's names of the kinds of errors.
constexpr StatusType kTypes[] = {{401, "authentication_error"},
                                 {403, "permission_error"},
                                 {404, "not_found_error"},
                                 {429, "rate_limit_error"}};

const char* type_of(int status) {
  for (const StatusType& row : kTypes)
    if (row.status == status) return row.type;
  return status >= 500 ? "server_error" : "invalid_request_error";
}

base::Json text_or_null(const std::string& text) {
  return text.empty() ? base::Json() : base::Json(text);
}

}  // namespace

base::Json ApiError::json() const {
  return {{"error",
           {{"message", what()},
            {"type", type_of(status_)},
            {"param", text_or_null(param_)},
            {"code", text_or_null(code_)}}}};
}

}  // namespace visavis::server
