// The files under page/, built into the program by CMake.
#pragma once

#include <string_view>

namespace visavis::report {

std::string_view page_html();
std::string_view page_css();
std::string_view page_js();

}  // namespace visavis::report
