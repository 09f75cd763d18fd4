// Random operations against a simple model of the same rules, and the rules one by one.
#include "engine/generate/page_ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/rng.h"

namespace visavis::generate {
namespace {

using Counts = PageLedger::Counts;
using Pages = std::vector<int32_t>;
using Keys = std::vector<std::string>;

TEST(PageLedger, KeepsNamedPagesForTheNextHolderAndFreesTheOthers) {
  PageLedger ledger(4);
  const Pages mine = ledger.take(3);
  ledger.name(mine[0], "a");
  ledger.name(mine[1], "b");
  EXPECT_EQ(ledger.counts(), (Counts{.free = 1, .kept = 0, .held = 3}));
  ledger.give_back(mine);
  EXPECT_EQ(ledger.counts(), (Counts{.free = 2, .kept = 2, .held = 0}));
  EXPECT_EQ(ledger.available(), 4);
  EXPECT_EQ(ledger.hold(Keys{"a", "b", "c"}), (Pages{mine[0], mine[1]}));
  EXPECT_EQ(ledger.counts(), (Counts{.free = 2, .kept = 0, .held = 2}));
}

TEST(PageLedger, SharesAPageUntilItsLastHolderIsGone) {
  PageLedger ledger(2);
  const Pages mine = ledger.take(1);
  ledger.name(mine[0], "a");
  const Pages yours = ledger.hold(Keys{"a"});
  EXPECT_EQ(yours, mine);
  ledger.give_back(mine);
  EXPECT_EQ(ledger.counts(), (Counts{.free = 1, .kept = 0, .held = 1}));
  ledger.give_back(yours);
  EXPECT_EQ(ledger.counts(), (Counts{.free = 1, .kept = 1, .held = 0}));
}

TEST(PageLedger, TheEndOfAChainGivesWayBeforeItsBeginning) {
  PageLedger ledger(3);
  const Pages chain = ledger.take(3);
  const Keys keys = {"a", "b", "c"};
  for (size_t i = 0; i < 3; ++i) ledger.name(chain[i], keys[i]);
  ledger.give_back(chain);
  EXPECT_EQ(ledger.take(1), (Pages{chain[2]}));
  EXPECT_EQ(ledger.hold(keys), (Pages{chain[0], chain[1]}));
}

TEST(PageLedger, DiscardedPagesAreForgottenUnlessSomebodyElseHoldsThem) {
  PageLedger ledger(2);
  const Pages mine = ledger.take(2);
  ledger.name(mine[0], "a");
  ledger.name(mine[1], "b");
  const Pages yours = ledger.hold(Keys{"a"});
  ledger.discard(mine);
  EXPECT_EQ(ledger.counts(), (Counts{.free = 1, .kept = 0, .held = 1}));
  EXPECT_EQ(ledger.hold(Keys{"a", "b"}), yours);
}

/// The same rules, written for clearness: everything is looked for in one list.
class SimpleLedger {
 public:
  explicit SimpleLedger(size_t pages) : pages_(pages) {}

  Counts counts() const {
    Counts counts;
    for (const Page& page : pages_) {
      ++(page.holders > 0 ? counts.held : page.key.empty() ? counts.free : counts.kept);
    }
    return counts;
  }
  /// Checks that these pages may be taken now and takes them.
  void take(const Pages& taken) {
    int64_t evictions = static_cast<int64_t>(taken.size()) - counts().free;
    for (; evictions > 0; --evictions) {
      Page* oldest = nullptr;
      for (Page& page : pages_) {
        const bool kept = page.holders == 0 && !page.key.empty();
        if (kept && (oldest == nullptr || page.idle_since < oldest->idle_since)) oldest = &page;
      }
      oldest->key.clear();
    }
    for (const int32_t page : taken) {
      EXPECT_EQ(at(page).holders, 0);
      EXPECT_EQ(at(page).key, "");
      at(page).holders = 1;
    }
  }
  Pages hold(const Keys& keys) {
    Pages found;
    for (const std::string& key : keys) {
      const auto page = std::find_if(pages_.begin(), pages_.end(),
                                     [&key](const Page& p) { return p.key == key; });
      if (page == pages_.end()) break;
      ++page->holders;
      found.push_back(static_cast<int32_t>(page - pages_.begin()));
    }
    return found;
  }
  void name(int32_t page, const std::string& key) {
    const bool taken =
        std::any_of(pages_.begin(), pages_.end(), [&key](const Page& p) { return p.key == key; });
    if (at(page).key.empty() && !taken) at(page).key = key;
  }
  void give_back(const Pages& pages, bool trusted) {
    for (size_t i = pages.size(); i-- > 0;) {
      Page& page = at(pages[i]);
      if (--page.holders == 0 && !trusted) page.key.clear();
      page.idle_since = ++time_;
    }
  }

 private:
  struct Page {
    int64_t holders = 0;
    std::string key;
    int64_t idle_since = 0;
  };
  Page& at(int32_t page) { return pages_[static_cast<size_t>(page)]; }
  std::vector<Page> pages_;
  int64_t time_ = 0;
};

TEST(PageLedger, RandomOperationsFollowTheSimpleModel) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    base::Rng rng(seed);
    const auto size = static_cast<int64_t>(1 + rng.below(24));
    PageLedger ledger(size);
    SimpleLedger simple(static_cast<size_t>(size));
    struct Holder {
      Pages pages;
      Keys chain;
    };
    std::vector<Holder> holders;
    for (int i = 0; i < 1000; ++i) {
      if (holders.empty() || rng.below(2) == 0) {
        Holder holder;
        const std::string story = std::to_string(rng.below(4));
        for (uint64_t k = 0; k < 1 + rng.below(6); ++k) {
          holder.chain.push_back(story + "/" + std::to_string(k));
        }
        holder.pages = ledger.hold(holder.chain);
        ASSERT_EQ(holder.pages, simple.hold(holder.chain));
        const auto missing = static_cast<int64_t>(holder.chain.size() - holder.pages.size());
        if (missing <= ledger.available()) {
          const Pages taken = ledger.take(missing);
          ASSERT_EQ(static_cast<int64_t>(taken.size()), missing);
          simple.take(taken);
          holder.pages.insert(holder.pages.end(), taken.begin(), taken.end());
          holders.push_back(holder);
        } else {
          ledger.give_back(holder.pages);
          simple.give_back(holder.pages, true);
        }
      } else {
        const size_t chosen = rng.below(holders.size());
        Holder& holder = holders[chosen];
        const size_t named = rng.below(holder.pages.size() + 1);
        for (size_t k = 0; k < named; ++k) {
          ledger.name(holder.pages[k], holder.chain[k]);
          simple.name(holder.pages[k], holder.chain[k]);
        }
        if (rng.below(2) == 0) {
          const bool trusted = rng.below(4) > 0;
          trusted ? ledger.give_back(holder.pages) : ledger.discard(holder.pages);
          simple.give_back(holder.pages, trusted);
          holders.erase(holders.begin() + static_cast<std::ptrdiff_t>(chosen));
        }
      }
      ASSERT_EQ(ledger.counts(), simple.counts());
    }
    for (const Holder& holder : holders) ledger.give_back(holder.pages);
    EXPECT_EQ(ledger.counts().held, 0);
    EXPECT_EQ(ledger.available(), size);
  }
}

}  // namespace
}  // namespace visavis::generate
