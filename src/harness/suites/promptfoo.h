// Tests as promptfoo's users write them: prompts with {{variables}}, a list of tests with `vars`
// and `assert`. What has no counterpart here is refused by name, never passed over.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "harness/suites/suite.h"

namespace visavis::suites {

/// A .yaml or .yml file.
bool is_promptfoo(const std::filesystem::path& path);

/// Keys: description, prompts, tests, defaultTest; providers and the like are left to the
/// experiment and noted. A test has vars (image or images: its pictures, a file or a list of them,
/// relative to the file; options: of a multiple-choice question), assert, description and metadata
/// (id, scenario, lang, cluster). Each test is asked with each prompt; without prompts,
/// {{question}}. Several asserts must all hold; not- before a type negates it. Throws Error with
/// file and line.
Suite read_promptfoo(const std::filesystem::path& path);

/// The same of a text that is the content of `file`.
Suite parse_promptfoo(std::string_view text, const std::filesystem::path& file);

}  // namespace visavis::suites
