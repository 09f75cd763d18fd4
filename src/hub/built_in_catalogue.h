// models/catalogue.json as it was when the program was built (cmake/embed.cmake).
#pragma once

#include <string_view>

namespace visavis::hub {

std::string_view built_in_catalogue();

}  // namespace visavis::hub
