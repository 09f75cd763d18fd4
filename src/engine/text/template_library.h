// The filters, tests, methods and functions that chat templates may use, by name.
#pragma once

#include <string>

#include "engine/text/template_value.h"

namespace visavis::text {

class Interpreter;

/// A filter: `value | name(arguments)`.
using FilterFunction = Value (*)(Interpreter& run, const Value& value, const Arguments& arguments);
/// A test: `value is name(arguments)`.
using TestFunction = bool (*)(Interpreter& run, const Value& value, const Arguments& arguments);

/// Null if there is none of this name.
FilterFunction find_filter(const std::string& name);
TestFunction find_test(const std::string& name);

/// The method of a value, bound to it, e.g. 'text'.strip; undefined if there is none.
Value find_method(Interpreter& run, const Value& value, const std::string& name);

/// value.name and value['name']: methods, entries of mappings and of namespaces.
Value attribute_of(Interpreter& run, const Value& value, const std::string& name);

/// The items that a loop over the value sees. Throws Error if it cannot be looped over.
std::vector<Value> items_of(Interpreter& run, const Value& value);
/// Python's `needle in haystack`.
bool contains(Interpreter& run, const Value& haystack, const Value& needle);

}  // namespace visavis::text
