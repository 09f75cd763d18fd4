// The table of hubs: where each one is, what it lists, how a file of it is called, and whose token
// it takes. A new hub is a row.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hub/catalogue.h"
#include "hub/listing.h"
#include "hub/session.h"

namespace visavis::hub {

/// What the environment says about a hub.
struct HubSettings {
  std::string endpoint;  // without a slash at its end
  std::string token;     // "" if there is none
};

struct Hub {
  const char* name;
  const char* default_revision;
  const char* ref_prefix;  // refs/<ref_prefix>REVISION in the cache
  const char* token_hint;  // where a token comes from, in words
  HubSettings (*settings)();
  std::vector<std::string> (*credentials)(const std::string& token);
  /// All files of a repository at a revision, each with its path; sizes and digests where said.
  Listing (*list)(Session& session, const std::string& endpoint, const std::string& repository,
                  const std::string& revision);
  /// `at` is the listing's commit, or the revision where the hub names no commit.
  std::string (*file_url)(const std::string& endpoint, const std::string& repository,
                          const std::string& at, const std::string& path);
  bool has_commits;                     // files can be asked for by the listing's commit
  std::string Repository::*repository;  // where a catalogue says what it is called there
};

std::span<const Hub> hubs();
/// Throws Error with the known names.
const Hub& find_hub(std::string_view name);

}  // namespace visavis::hub
