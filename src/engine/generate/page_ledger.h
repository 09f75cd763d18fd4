// Who holds which page of a KV cache. A page is free, held by one or more sequences, or kept: held
// by nobody, but known by a key under which the next sequence may hold it again. Kept pages give
// way, the longest unused first, when free ones run out. Numbers only, no memory; one thread.
#pragma once

#include <cstdint>
#include <list>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace visavis::generate {

class PageLedger {
 public:
  explicit PageLedger(int64_t pages);

  struct Counts {
    int64_t free = 0;
    int64_t kept = 0;
    int64_t held = 0;
    friend bool operator==(const Counts&, const Counts&) = default;
  };
  Counts counts() const;
  /// How many pages take() can give.
  int64_t available() const { return static_cast<int64_t>(free_.size() + kept_.size()); }

  /// Takes `count` pages, at most available(), for one holder. Their content is undefined.
  std::vector<int32_t> take(int64_t count);
  /// Holds the pages known as keys[0], keys[1], ... up to the first unknown key, and returns them.
  /// Held pages with a key may only be read.
  std::vector<int32_t> hold(std::span<const std::string> keys);
  /// Makes a held page known by its content. Does nothing if the page has a key already or another
  /// page is known by this one.
  void name(int32_t page, const std::string& key);
  /// Ends one holder's hold on each of these pages. What nobody holds any more is kept if it is
  /// known, else free.
  void give_back(std::span<const int32_t> pages);
  /// The same for pages whose content is not to be trusted: what nobody else holds becomes free.
  void discard(std::span<const int32_t> pages);

 private:
  struct Page {
    int64_t holders = 0;
    std::string key;                         // empty: not known
    std::list<int32_t>::iterator kept = {};  // its place in kept_ when nobody holds it
  };

  Page& at(int32_t page) { return pages_[static_cast<size_t>(page)]; }
  void forget(Page& page);

  std::vector<Page> pages_;
  std::vector<int32_t> free_;
  std::list<int32_t> kept_;  // the longest unused first
  std::unordered_map<std::string, int32_t> known_;
};

}  // namespace visavis::generate
