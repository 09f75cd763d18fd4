// The "messages" of a chat request as turns, with the pictures of their data: URLs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "chat/request.h"
#include "server/orders.h"

namespace visavis::server {

/// Reads the list; takes the pictures' texts out of it. `pictures` counts them. Throws ApiError.
std::vector<chat::Turn> read_messages(base::Json& messages, const OrderRules& rules,
                                      int64_t& pictures);

/// The bytes of a picture given as data:image/...;base64,... or, if the rules allow it, as an
/// http(s) URL. Throws ApiError.
std::string read_picture(const std::string& url, const std::string& param, const OrderRules& rules);

}  // namespace visavis::server
