#include "hub/download.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "base/error.h"
#include "hub/checksum.h"
#include "hub/partial_file.h"
#include "hub/stopped.h"

namespace visavis::hub {
namespace {

constexpr int kMostTimesWrong = 2;  // that a whole file's digest is not the right one

struct Incoming {
  explicit Incoming(Job wanted, int64_t piece_bytes)
      : job(std::move(wanted)), partial(job.partial, job.file.bytes, piece_bytes) {}
  Job job;
  PartialFile partial;
  std::mutex mutex;
  std::string direct;              // where the hub redirected to last, while that works
  std::atomic<bool> whole{false};  // the server knows no ranges: one thread reads all of it
  bool closing = false;
  int times_wrong = 0;
};

// "bytes FIRST-LAST/TOTAL"; -1 where there is a "*" or nothing.
struct ContentRange {
  int64_t first = -1;
  int64_t total = -1;
};

ContentRange read_content_range(std::string_view text) {
  ContentRange range;
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return range;
  text.remove_prefix(kUnit.size());
  std::from_chars(text.data(), text.data() + text.size(), range.first);
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos)
    std::from_chars(text.data() + slash + 1, text.data() + text.size(), range.total);
  return range;
}

// Ends a transfer from inside its callback; never seen outside of fetch_part.
struct Enough {};

class Download {
 public:
  Download(const FetchRules& rules, const std::atomic<bool>& cancelled)
      : rules_(rules), cancelled_(cancelled) {}

  void add(Job job) {
    require(job.file.bytes >= 0 && !blob_name(job.file).empty(), "'", job.file.path,
            "': the hub gives no size or no checksum for it");
    files_.push_back(std::make_unique<Incoming>(std::move(job), rules_.piece_bytes));
  }

  int64_t run(const MakeSession& make_session, const Watch& watch) {
    for (const auto& file : files_) enqueue(*file);
    std::vector<std::thread> workers;
    for (int i = 0; i < rules_.connections; ++i)
      workers.emplace_back([this, i, &make_session] { work(make_session, i); });
    {
      std::unique_lock lock(mutex_);
      while (finished_workers_ < rules_.connections) {
        changed_.wait_for(lock, std::chrono::milliseconds(100));
        const Progress now = progress();
        lock.unlock();
        if (watch) watch(now);
        lock.lock();
      }
    }
    for (std::thread& worker : workers) worker.join();
    if (failure_) std::rethrow_exception(failure_);
    if (cancelled_) throw Stopped();
    return received_;
  }

 private:
  struct Work {
    Incoming* file = nullptr;
    int64_t piece = 0;
  };

  void enqueue(Incoming& file) {
    const std::lock_guard lock(mutex_);
    bool any = false;
    for (int64_t piece = 0; piece < file.partial.pieces(); ++piece) {
      if (file.partial.next(piece) == file.partial.end(piece)) continue;
      queue_.push_back({&file, piece});
      any = true;
    }
    // Nothing is missing (it was cut before it was checked): any piece leads to the check.
    if (!any) queue_.push_back({&file, 0});
    changed_.notify_all();
  }

  std::optional<Work> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return failure_ || !queue_.empty() || busy_ == 0; });
    if (failure_ || queue_.empty()) return std::nullopt;
    const Work next = queue_.front();
    queue_.pop_front();
    ++busy_;
    return next;
  }

  void work(const MakeSession& make_session, int number) {
    try {
      const std::unique_ptr<Session> session = make_session(static_cast<uint64_t>(number));
      while (const std::optional<Work> next = take()) {
        fetch_piece(*session, *next->file, next->piece);
        if (next->file->partial.done_bytes() == next->file->partial.bytes())
          close_file(*next->file);
        const std::lock_guard lock(mutex_);
        --busy_;
        changed_.notify_all();
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    ++finished_workers_;
    changed_.notify_all();
  }

  // Until the piece, or all of a file that comes in one stream only, is there.
  void fetch_piece(Session& session, Incoming& file, int64_t piece) {
    bool mine = false;  // the file comes in one stream, and this thread reads it
    for (int attempt = 1;; ++attempt) {
      if (has_failed()) return;
      const PartialFile& partial = file.partial;
      if (partial.bytes() == 0) return;
      const int64_t from = mine ? partial.first_missing() : partial.next(piece);
      const int64_t until = mine ? partial.bytes() : partial.end(piece);
      if (from >= until || (file.whole && !mine)) return;
      const int64_t had = partial.done_bytes();
      const std::optional<Session::Setback> back =
          fetch_part(session, file, from, until, attempt, mine);
      if (!back) continue;
      const bool moved = partial.done_bytes() > had;
      if (!back->again || (attempt > rules_.retries && !moved))
        fail("cannot fetch '", file.job.file.path, "': ", back->why,
             back->again ? "; pull again to go on" : "");
      set_waiting(back->why);
      session.wait(back->wait_seconds);
      set_waiting({});
      if (moved) attempt = 0;
    }
  }

  // One request for [from, until). Nothing: it did what it could; else why not all came.
  std::optional<Session::Setback> fetch_part(Session& session, Incoming& file, int64_t from,
                                             int64_t until, int attempt, bool& mine) {
    std::string direct;
    {
      const std::lock_guard lock(file.mutex);
      direct = file.direct;
    }
    int64_t at = -1;       // where the next byte of the body belongs; -1: no head yet
    std::string unwanted;  // the body of another reply
    std::string wrong;     // what is wrong with this one
    Fetched fetched;
    const std::string range =
        "Range: bytes=" + std::to_string(from) + "-" + std::to_string(until - 1);
    const auto begin = [&](const http::Reply& head) {
      if (head.status == 206) {
        const ContentRange got = read_content_range(head.header("content-range"));
        if (got.first != from)
          wrong = "asked for byte " + std::to_string(from) + ", got " + std::to_string(got.first);
        else if (got.total >= 0 && got.total != file.partial.bytes())
          wrong = "has " + std::to_string(got.total) + " bytes, wanted " +
                  std::to_string(file.partial.bytes());
        at = from;
        return;
      }
      at = 0;
      const std::string_view length = head.header("content-length");
      if (!length.empty() && length != std::to_string(file.partial.bytes()))
        wrong =
            "has " + std::string(length) + " bytes, wanted " + std::to_string(file.partial.bytes());
      const bool is_all = from == 0 && until == file.partial.bytes();
      // The server sends everything whatever it is asked for: one thread is enough.
      if (wrong.empty() && !is_all && !mine) {
        if (file.whole.exchange(true)) throw Enough();
        mine = true;
      }
    };
    try {
      fetched = session.get(
          direct.empty() ? file.job.url : direct, {range},
          [&](const http::Reply& head, std::string_view bytes) {
            if (has_failed()) throw Enough();
            if (head.status != 200 && head.status != 206) {
              constexpr size_t kMostKept = 1000;
              unwanted.append(bytes.substr(0, kMostKept - std::min(kMostKept, unwanted.size())));
              return;
            }
            if (at < 0) begin(head);
            if (!wrong.empty()) throw Enough();
            received_ += static_cast<int64_t>(bytes.size());
            file.partial.write(at, bytes);
            at += static_cast<int64_t>(bytes.size());
          });
    } catch (const Enough&) {
      if (wrong.empty()) return std::nullopt;
    }
    const bool right = fetched.reply.status == 200 || fetched.reply.status == 206;
    check_etag(file.job.file, fetched);
    {
      const std::lock_guard lock(file.mutex);
      const bool elsewhere = fetched.url != file.job.url && !fetched.url.empty();
      file.direct = right && wrong.empty() && elsewhere ? fetched.url : std::string();
    }
    if (!wrong.empty())
      return Session::Setback{.again = true,
                              .wait_seconds = rules_.first_wait_seconds * attempt,
                              .why = "the hub's file " + wrong};
    if (right && fetched.reply.error.empty() && fetched.refused.empty()) {
      if (at >= until || (mine && at >= file.partial.bytes())) return std::nullopt;
      return Session::Setback{.again = true,
                              .wait_seconds = rules_.first_wait_seconds,
                              .why = "the connection ended before its time"};
    }
    Session::Setback back = session.setback(fetched, unwanted, attempt);
    // An address that worked for others a moment ago is worth asking the hub for anew.
    if (!direct.empty()) back.again = true;
    return back;
  }

  static void check_etag(const RemoteFile& file, const Fetched& fetched) {
    RemoteFile said = file;
    said.sha256.clear();
    said.git_sha1.clear();
    if (!take_etag(fetched.etag, said)) return;  // another kind of tag
    const bool same_kind = said.sha256.empty() == file.sha256.empty();
    require(!same_kind || blob_name(said) == blob_name(file), "'", file.path,
            "': the hub's listing names ", blob_name(file), ", its file is ", blob_name(said));
  }

  // Exactly one thread comes through for each time that a file is complete.
  void close_file(Incoming& file) {
    {
      const std::lock_guard lock(file.mutex);
      if (file.closing || file.partial.done_bytes() < file.partial.bytes()) return;
      file.closing = true;
    }
    if (has_right_bytes(file.job.partial, file.job.file, &checked_, cancelled_)) {
      file.partial.finish(file.job.target);
      ++files_done_;
      return;
    }
    ++file.times_wrong;
    {
      const std::lock_guard lock(file.mutex);
      file.partial.start_over();
      file.direct.clear();
      file.closing = false;
    }
    require(file.times_wrong < kMostTimesWrong, "'", file.job.file.path,
            "': its bytes are not the ones that ", blob_name(file.job.file), " names, after ",
            file.times_wrong, " downloads");
    enqueue(file);
  }

  bool has_failed() {
    const std::lock_guard lock(mutex_);
    return failure_ != nullptr;
  }

  void set_waiting(const std::string& why) {
    const std::lock_guard lock(mutex_);
    waiting_ = why;
  }

  Progress progress() const {
    Progress now{.received_bytes = received_,
                 .checked_bytes = checked_,
                 .files = static_cast<int64_t>(files_.size()),
                 .files_done = files_done_,
                 .waiting = waiting_};
    for (const auto& file : files_) {
      now.total_bytes += file->partial.bytes();
      now.done_bytes += file->partial.done_bytes();
    }
    return now;
  }

  const FetchRules& rules_;
  const std::atomic<bool>& cancelled_;
  std::vector<std::unique_ptr<Incoming>> files_;
  std::atomic<int64_t> received_{0};
  std::atomic<int64_t> checked_{0};
  std::atomic<int64_t> files_done_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> queue_;
  int busy_ = 0;
  int finished_workers_ = 0;
  std::string waiting_;
  std::exception_ptr failure_;
};

}  // namespace

int64_t download(std::vector<Job> jobs, const MakeSession& make_session, const FetchRules& rules,
                 const Watch& watch, const std::atomic<bool>& cancelled) {
  Download all(rules, cancelled);
  for (Job& job : jobs) all.add(std::move(job));
  return all.run(make_session, watch);
}

}  // namespace visavis::hub
