#include "engine/generate/page_ledger.h"

#include <cassert>

namespace visavis::generate {

PageLedger::PageLedger(int64_t pages) : pages_(static_cast<size_t>(pages)) {
  for (int64_t page = pages - 1; page >= 0; --page) free_.push_back(static_cast<int32_t>(page));
}

PageLedger::Counts PageLedger::counts() const {
  const auto free = static_cast<int64_t>(free_.size());
  const auto kept = static_cast<int64_t>(kept_.size());
  return {.free = free, .kept = kept, .held = static_cast<int64_t>(pages_.size()) - free - kept};
}

void PageLedger::forget(Page& page) {
  known_.erase(page.key);
  page.key.clear();
}

std::vector<int32_t> PageLedger::take(int64_t count) {
  assert(count <= available());  // the scheduler asks before it takes
  std::vector<int32_t> taken;
  while (static_cast<int64_t>(taken.size()) < count) {
    if (free_.empty()) {
      const int32_t oldest = kept_.front();
      kept_.pop_front();
      forget(at(oldest));
      free_.push_back(oldest);
    }
    taken.push_back(free_.back());
    free_.pop_back();
    at(taken.back()).holders = 1;
  }
  return taken;
}

std::vector<int32_t> PageLedger::hold(std::span<const std::string> keys) {
  std::vector<int32_t> found;
  for (const std::string& key : keys) {
    const auto known = known_.find(key);
    if (known == known_.end()) break;
    Page& page = at(known->second);
    if (page.holders++ == 0) kept_.erase(page.kept);
    found.push_back(known->second);
  }
  return found;
}

void PageLedger::name(int32_t page, const std::string& key) {
  assert(at(page).holders > 0);
  if (!at(page).key.empty() || !known_.emplace(key, page).second) return;
  at(page).key = key;
}

void PageLedger::give_back(std::span<const int32_t> pages) {
  // From the last to the first: a page is of no use without those before it, so it shall give way
  // before them.
  for (size_t i = pages.size(); i-- > 0;) {
    Page& page = at(pages[i]);
    assert(page.holders > 0);
    if (--page.holders > 0) continue;
    if (page.key.empty()) {
      free_.push_back(pages[i]);
    } else {
      page.kept = kept_.insert(kept_.end(), pages[i]);
    }
  }
}

void PageLedger::discard(std::span<const int32_t> pages) {
  for (const int32_t page : pages) {
    if (at(page).holders == 1 && !at(page).key.empty()) forget(at(page));
  }
  give_back(pages);
}

}  // namespace visavis::generate
