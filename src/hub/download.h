// Fetches many files at once, each in pieces over several connections, until every byte has been
// checked or something cannot be helped. Knows neither hubs nor the cache's layout.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hub/listing.h"
#include "hub/session.h"

namespace visavis::hub {

struct Job {
  RemoteFile file;  // with its size and a digest
  std::string url;
  std::filesystem::path partial;  // where it grows, maybe from an earlier time
  std::filesystem::path target;   // where it comes to lie once it is checked
};

struct Progress {
  int64_t total_bytes = 0;
  int64_t done_bytes = 0;      // on the disk, of this time or an earlier one
  int64_t received_bytes = 0;  // over the network, this time
  int64_t checked_bytes = 0;   // read again for their digests
  int64_t files = 0;
  int64_t files_done = 0;
  std::string waiting;  // why nothing moves, if something is being waited for
};
/// Called about ten times a second by the thread that waits for the end.
using Watch = std::function<void(const Progress&)>;

using MakeSession = std::function<std::unique_ptr<Session>(uint64_t number)>;

/// Blocks until all files are at their targets. A file whose bytes turn out wrong is fetched once
/// more from its beginning. Throws Error (what was fetched stays and is gone on with next time), or
/// Stopped once `cancelled`. Returns the bytes that came over the network.
int64_t download(std::vector<Job> jobs, const MakeSession& make_session, const FetchRules& rules,
                 const Watch& watch, const std::atomic<bool>& cancelled);

}  // namespace visavis::hub
