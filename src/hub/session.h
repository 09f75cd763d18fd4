// One thread's way to a hub: follows redirections by hand, so that the token goes to the hub's own
// origin and nowhere else, and knows what may be tried again.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "http/client.h"

namespace visavis::hub {

struct FetchRules {
  int connections = 8;
  int retries = 8;                          // attempts in a row that bring no new byte
  double first_wait_seconds = 0.5;          // doubles, at most 30 s
  double longest_asked_wait_seconds = 300;  // of what a hub may ask for by Retry-After
  double stall_seconds = 60;
  double connect_seconds = 20;
  int redirections = 6;
  int64_t piece_bytes = int64_t{32} << 20;
};

/// What the replies along one chain of redirections said.
struct Fetched {
  http::Reply reply;    // the last one
  std::string url;      // that it came from
  std::string etag;     // X-Linked-Etag, else ETag, of the hub's own reply
  int64_t bytes = -1;   // X-Linked-Size of the hub's own reply
  std::string refused;  // why a redirection was not followed
};

class Session {
 public:
  /// `endpoint` is where `credentials` (whole header lines) may go. `cancelled` must outlive it.
  Session(std::string endpoint, std::vector<std::string> credentials, const FetchRules& rules,
          const std::atomic<bool>& cancelled, uint64_t seed);

  using Use = std::function<void(const http::Reply& head, std::string_view bytes)>;
  /// One attempt. Bodies of redirections are dropped.
  Fetched get(const std::string& url, const std::vector<std::string>& headers, const Use& use);

  struct Page {
    std::string body;
    std::string next;  // the URL that the Link header calls "next"
  };
  /// A document of at most 64 MiB, tried again where that is worth it. `what` is how errors call
  /// it. Throws Error, Stopped.
  Page page(const std::string& url, const std::string& what);
  /// The ETag and length of a file whose listing did not say them.
  Fetched probe(const std::string& url, const std::string& what);

  struct Setback {
    bool again = false;
    double wait_seconds = 0;
    std::string why;
  };
  /// What follows from a reply that did not bring what was asked for; `attempt` counts from 1.
  Setback setback(const Fetched& fetched, std::string_view body, int attempt);
  /// Waits; throws Stopped once cancelled.
  void wait(double seconds);

  const FetchRules& rules() const { return rules_; }
  const std::atomic<bool>& cancelled() const { return cancelled_; }

 private:
  Fetched try_again(const std::string& url, const std::vector<std::string>& headers,
                    const std::string& what, std::string& body);

  std::string origin_;
  std::vector<std::string> credentials_;
  FetchRules rules_;
  const std::atomic<bool>& cancelled_;
  base::Rng rng_;
  http::Client client_;
};

}  // namespace visavis::hub
