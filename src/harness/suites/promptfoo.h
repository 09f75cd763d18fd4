// Tests as promptfoo's users write them: prompts with {{variables}}, a list of tests with `vars`
// and `assert`. What has no counterpart here is refused by name, never passed over.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "harness/suites/document.h"
#include "harness/suites/suite.h"
#include "harness/suites/wording.h"

namespace visavis::suites {

/// A .yaml or .yml file.
bool is_promptfoo(const std::filesystem::path& path);

/// Keys: description, prompts, tests, defaultTest; providers and the like are left to the
/// experiment and noted. A test has vars (image or images: its pictures, a file or a list of them,
/// relative to the file; options: of a multiple-choice question), assert, description, prompts of
/// its own and metadata (id, scenario, lang, cluster). Each test is asked with each prompt; without
/// prompts, {{question}}. Tests about the same first picture are a cluster, unless defaultTest's
/// options say cluster_key: id. Several asserts must all hold; not- before a type negates it.
/// Throws Error with file and line.
Suite read_promptfoo(const std::filesystem::path& path);

/// The same of a text that is the content of `file`.
Suite parse_promptfoo(std::string_view text, const std::filesystem::path& file);

/// What an experiment file says of a suite whose tests stand in it. Borrows the nodes.
struct InlineTests {
  std::string name;   // of the suite, and of the scenario of tests that name none
  const Node& tests;  // a list
  std::vector<Prompt> prompts = {};
  const Node* default_test = nullptr;  // of the whole file
  const Node* asserts = nullptr;       // that every test must hold, too
};

/// The same tests out of an experiment file. Ids and pictures are not checked yet
/// (formats.h, check_suite). Throws Error with file and line.
Suite read_inline_tests(const InlineTests& given, const std::filesystem::path& file);

}  // namespace visavis::suites
