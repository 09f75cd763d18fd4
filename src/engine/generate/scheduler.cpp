#include "engine/generate/scheduler.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"
#include "engine/generate/page_keys.h"

namespace visavis::generate {
namespace {

// The ids of the `count` highest logits, the highest first, the lower id among equals.
std::vector<int32_t> highest(std::span<const float> logits, int count) {
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto wanted = std::min(order.size(), static_cast<size_t>(count));
  const auto better = [logits](int32_t a, int32_t b) {
    const float x = logits[static_cast<size_t>(a)];
    const float y = logits[static_cast<size_t>(b)];
    return x > y || (x == y && a < b);
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<int64_t>(wanted), order.end(),
                    better);
  order.resize(wanted);
  return order;
}

}  // namespace

Scheduler::Scheduler(models::Model& model, DeviceLoop& loop, ops::Ops& ops,
                     const models::Limits& limits, const MemoryPlan& plan, bool prefix_cache,
                     const base::Clock& clock)
    : model_(model),
      loop_(loop),
      ops_(ops),
      clock_(clock),
      limits_(limits),
      memory_(plan.reported()),
      prefix_cache_(prefix_cache),
      pool_(ops, model.dimensions(), limits),
      buffers_(ops, model.dimensions(), limits),
      features_(ops, plan.image_features, plan.vision_cache, plan.image_features / limits.context),
      preparer_(model, [&loop] { loop.wake(); }) {}

// --- any thread -----------------------------------------------------------------------------

chat::Ticket Scheduler::submit(chat::Request request, chat::Sink& sink) {
  auto sequence = std::make_unique<Sequence>();
  sequence->accepted_ns = clock_.now_ns();
  sequence->request = std::move(request);
  sequence->sink = &sink;
  chat::Ticket ticket = 0;
  {
    const std::lock_guard lock(mutex_);
    ticket = sequence->ticket = next_ticket_++;
    inbox_.push_back(std::move(sequence));
  }
  loop_.wake();
  return ticket;
}

void Scheduler::cancel(chat::Ticket ticket) {
  {
    const std::lock_guard lock(mutex_);
    cancelled_.insert(ticket);
  }
  loop_.wake();
}

std::future<chat::Score> Scheduler::score(chat::ScoreRequest request) {
  auto sequence = std::make_unique<Sequence>();
  sequence->accepted_ns = clock_.now_ns();
  sequence->scoring = std::make_unique<Scoring>();
  sequence->request.turns = request.turns;
  sequence->request.plain = request.plain;
  sequence->request.reuse = request.layer_rows == 0;
  sequence->scoring->request = std::move(request);
  std::future<chat::Score> result = sequence->scoring->done.get_future();
  {
    const std::lock_guard lock(mutex_);
    sequence->ticket = next_ticket_++;
    inbox_.push_back(std::move(sequence));
  }
  loop_.wake();
  return result;
}

// --- the device's thread --------------------------------------------------------------------

bool Scheduler::step() {
  take_inbox();
  bool worked = false;
  while (admit_next()) worked = true;
  worked = encode_next_picture() || worked;
  worked = run_rows() || worked;
  remove_done();
  return worked;
}

void Scheduler::take_inbox() {
  std::vector<SequencePtr> arrived;
  std::unordered_set<chat::Ticket> cancelled;
  {
    const std::lock_guard lock(mutex_);
    arrived.swap(inbox_);
    cancelled.swap(cancelled_);
  }
  for (SequencePtr& sequence : arrived) waiting_.push_back(std::move(sequence));
  if (cancelled.empty()) return;
  for (const SequencePtr& sequence : waiting_) {
    if (cancelled.contains(sequence->ticket)) finish(*sequence, chat::Finish::cancelled);
  }
  for (const SequencePtr& sequence : running_) {
    if (cancelled.contains(sequence->ticket)) finish(*sequence, chat::Finish::cancelled);
  }
  remove_done();
}

// Moves the oldest waiting sequence on: into the batch if there is room for all that it may ever
// need, or out with its failure. One prompt at a time is fed, so the features are its own.
bool Scheduler::admit_next() {
  if (waiting_.empty()) return false;
  SequencePtr& next = waiting_.front();
  try {
    if (!is_prepared(*next)) return false;
    if (static_cast<int64_t>(running_.size()) >= limits_.batch) return false;
    for (const SequencePtr& sequence : running_) {
      if (!sequence->done && sequence->feeding()) return false;
    }
    if (next->ids.empty()) take_prompt(*next, next->preparation.get());
  } catch (const std::exception& error) {
    fail_with(*next, error.what(), true);
    waiting_.pop_front();
    return true;
  }
  if (!take_pages(*next)) return false;
  features_.begin_prompt();
  running_.push_back(std::move(next));
  waiting_.pop_front();
  return true;
}

// Whether the prompt is there; has it made if nobody did. Only the oldest waiting sequence gets
// here, so that no more than one prompt's pictures wait in memory.
bool Scheduler::is_prepared(Sequence& sequence) {
  if (!sequence.ids.empty()) return true;
  if (!sequence.preparation.valid()) {
    const chat::Request& request = sequence.request;
    require(request.max_tokens >= 1, "max_tokens is ", request.max_tokens, ", wanted 1 or more");
    check_sampling(request.sampling);
    sequence.preparation = preparer_.start(
        {.turns = std::move(sequence.request.turns),
         .continuation = sequence.scoring ? sequence.scoring->request.continuation : "",
         .page_keys = prefix_cache_ && request.reuse,
         .plain = request.plain});
  }
  return sequence.preparation.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

void Scheduler::take_prompt(Sequence& sequence, Prepared prepared) const {
  const chat::Request& request = sequence.request;
  sequence.prompt = std::move(prepared.prompt);
  sequence.page_keys = std::move(prepared.page_keys);
  if (sequence.scoring) sequence.scoring->continuation = std::move(prepared.continuation);
  const int64_t prompt = sequence.prompt.tokens();
  require(prompt >= 1, "the prompt has no tokens");
  require(sequence.tokens_needed() <= limits_.context, "the prompt has ", prompt, " tokens (",
          sequence.prompt.image_tokens(), " of pictures) and the answer may have ",
          sequence.tokens_needed() - prompt, ", together ", sequence.tokens_needed(),
          ", but the context is ", limits_.context,
          "; raise --ctx, or lower --max-tokens, --max-pixels or --max-video-pixels");
  sequence.first_logit = prompt - 1;
  sequence.ids = sequence.prompt.ids;
  if (sequence.scoring) {
    // The last token of a continuation is only predicted, never fed.
    const std::vector<int32_t>& given = sequence.scoring->continuation;
    if (!given.empty()) sequence.ids.insert(sequence.ids.end(), given.begin(), given.end() - 1);
    sequence.scoring->score.prompt_token_ids.assign(sequence.prompt.ids.begin(),
                                                    sequence.prompt.ids.end());
    sequence.scoring->score.image_tokens = sequence.prompt.image_tokens();
    sequence.scoring->score.continuation_ids.assign(given.begin(), given.end());
    return;
  }
  sequence.sampler.emplace(request.sampling, model_.dimensions().vocabulary);
  sequence.sampler->see(sequence.prompt.ids);
  sequence.decoder.emplace(model_.tokenizer().stream(true));
  sequence.text.emplace(request.stop, base::trim(sequence.prompt.text).ends_with("<think>"));
}

// Pages for all that the sequence may ever need: those that hold the beginning of its prompt
// already, as far as no logits are wanted there, and new ones. False if there are too few.
bool Scheduler::take_pages(Sequence& sequence) {
  PageLedger& ledger = pool_.pages();
  std::vector<int32_t> pages;
  if (prefix_cache_ && sequence.request.reuse) {
    const auto most = static_cast<size_t>(sequence.first_logit / KvPool::kPageSize);
    pages = ledger.hold(std::span(sequence.page_keys).first(most));
    // What is left is fed as prompts are, so that reuse changes nothing.
    const auto rows = static_cast<int64_t>(sequence.ids.size());
    while (!pages.empty() &&
           rows - static_cast<int64_t>(pages.size()) * KvPool::kPageSize < ops_.many_rows()) {
      ledger.give_back(std::span(pages).last(1));
      pages.pop_back();
    }
  }
  const auto held = static_cast<int64_t>(pages.size());
  const int64_t missing = KvPool::pages_for(sequence.tokens_needed()) - held;
  if (missing > ledger.available()) {
    ledger.give_back(pages);
    return false;
  }
  const std::vector<int32_t> taken = ledger.take(missing);
  pages.insert(pages.end(), taken.begin(), taken.end());
  sequence.pages = std::move(pages);
  sequence.cached = held * KvPool::kPageSize;
  sequence.cached_prompt_tokens = sequence.cached;
  return true;
}

bool Scheduler::encode_next_picture() {
  for (const SequencePtr& each : running_) {
    Sequence& sequence = *each;
    if (sequence.done || !sequence.pictures_left()) continue;
    const int64_t begin = clock_.now_ns();
    models::PatchGrid& picture = sequence.prompt.pictures[sequence.features.size()];
    const models::ImageSlot& slot = sequence.prompt.slots[sequence.features.size()];
    const std::string key = sequence.request.reuse ? slot.key : std::string();
    try {
      std::optional<models::ImageFeatures> features;
      if (slot.end() <= sequence.cached) {
        features.emplace();  // no row of it will be fed
      } else {
        features = features_.find(key);
      }
      if (features) {
        sequence.cached_image_tokens += slot.tokens;
      } else {
        features = features_.encode(key, slot.tokens, [&](tensor::Arena& room) {
          return model_.encode(picture, loop_.workspace(), room);
        });
        ops_.wait();  // the time that it took is reported
        sequence.vision_seconds += base::seconds_between(begin, clock_.now_ns());
      }
      sequence.features.push_back(std::move(*features));
      picture.pixels = {};  // tens of megabytes for a large picture
    } catch (const std::exception& error) {
      fail_with(sequence, error.what());
    }
    return true;
  }
  return false;
}

void Scheduler::add_rows(const Sequence& sequence, int64_t count, StepRows& rows,
                         std::vector<models::ImageRows>& images) const {
  const auto step_begin = static_cast<int64_t>(rows.ids.size());
  const int64_t begin = sequence.cached;
  const int64_t end = begin + count;
  for (int64_t i = begin; i < end; ++i) {
    const std::array<int32_t, 3> position = sequence.prompt.position(i);
    rows.ids.push_back(sequence.ids[static_cast<size_t>(i)]);
    rows.time.push_back(position[0]);
    rows.row.push_back(position[1]);
    rows.column.push_back(position[2]);
    const int32_t page = sequence.pages[static_cast<size_t>(i / KvPool::kPageSize)];
    rows.slots.push_back(static_cast<int32_t>(page * KvPool::kPageSize + i % KvPool::kPageSize));
    if (i >= sequence.first_logit) {
      rows.logit_rows.push_back(static_cast<int32_t>(step_begin + i - begin));
    }
  }
  for (size_t k = 0; k < sequence.features.size(); ++k) {
    const models::ImageSlot& slot = sequence.prompt.slots[k];
    const int64_t first = std::max(begin, slot.begin);
    const int64_t last = std::min(end, slot.end());
    if (first >= last) continue;
    images.push_back({.features = &sequence.features[k],
                      .feature_begin = first - slot.begin,
                      .step_begin = step_begin + first - begin,
                      .count = last - first});
  }
  rows.query_start.push_back(static_cast<int32_t>(step_begin + count));
  rows.kv_length.push_back(static_cast<int32_t>(end));
  const size_t table = rows.page_table.size();
  rows.page_table.insert(rows.page_table.end(), sequence.pages.begin(), sequence.pages.end());
  rows.page_table.resize(table + static_cast<size_t>(StepBuffers::max_pages(limits_)), 0);
  rows.longest_query = std::max(rows.longest_query, count);
  rows.longest_context = std::max(rows.longest_context, end);
}

// How many rows the sequence feeds next. Where many rows are multiplied differently than few, none
// of its chunks is few.
int64_t Scheduler::rows_of(const Sequence& sequence) const {
  const int64_t left = sequence.rows_left();
  const int64_t before_logits = std::max<int64_t>(sequence.first_logit - sequence.cached, 0);
  const int64_t most = std::min({left, limits_.chunk, before_logits + StepBuffers::kScoredRows});
  const int64_t many = ops_.many_rows();
  const int64_t rest = left - most;
  return rest == 0 || rest >= many || left < 2 * many ? most : left - many;
}

// Feeds every sequence's next rows. All in one step, unless the device multiplies many rows
// differently than few: then what a prompt feeds and what is generated go apart, and as few of the
// latter at a time as come out the same alone.
bool Scheduler::run_rows() {
  std::vector<Sequence*> feeding;
  std::vector<Sequence*> generating;
  const int64_t many = ops_.many_rows();
  for (const SequencePtr& each : running_) {
    if (each->done || each->pictures_left()) continue;
    (many > 0 && each->feeding() ? feeding : generating).push_back(each.get());
  }
  if (!feeding.empty()) run_group(feeding);
  const size_t most = many > 0 ? static_cast<size_t>(many) - 1 : generating.size();
  for (std::span<Sequence*> rest = generating; !rest.empty();) {
    const size_t taken = std::min(most, rest.size());
    run_group(rest.first(taken));
    rest = rest.subspan(taken);
  }
  return !feeding.empty() || !generating.empty();
}

bool Scheduler::device_draws(const Sequence& sequence) const {
  return ops_.samples() && sequence.draws_freely();
}

// Whether the device tells the next token, so that its logits need not be read.
bool Scheduler::device_chooses(const Sequence& sequence) const {
  return sequence.takes_largest() || device_draws(sequence);
}

void Scheduler::run_group(std::span<Sequence* const> group) {
  struct Share {
    Sequence* sequence;
    int64_t count;
    int64_t logit_begin;  // its rows of the step's logits
    int64_t logit_end;
  };
  std::vector<Share> shares;
  StepRows rows;
  std::vector<models::ImageRows> images;
  bool greedy = false;
  bool chosen = false;
  for (Sequence* sequence : group) {
    const int64_t count = rows_of(*sequence);
    const auto logit_begin = static_cast<int64_t>(rows.logit_rows.size());
    add_rows(*sequence, count, rows, images);
    const auto logit_end = static_cast<int64_t>(rows.logit_rows.size());
    shares.push_back({sequence, count, logit_begin, logit_end});
    if (logit_end == logit_begin) continue;
    greedy = greedy || sequence->takes_largest();
    chosen = chosen || device_chooses(*sequence);
  }

  step_begin_ns_ = clock_.now_ns();
  try {
    const uint64_t key =
        images.empty() ? buffers_.make_repeatable(rows, loop_.workspace(), greedy) : 0;
    const ops::StepBatch batch = buffers_.upload(ops_, rows);
    ops_.run_step(key, [&] {
      model_.forward(batch, images, pool_.layers(), buffers_.logit_rows(), loop_.workspace(),
                     buffers_.logits());
      if (greedy) ops_.arg_max(buffers_.logits(), buffers_.choices());
    });
    for (const Share& share : shares) {
      if (share.logit_begin == share.logit_end || !device_draws(*share.sequence)) continue;
      const int64_t row = share.logit_begin;
      ops_.sample(tensor::slice_rows(tensor::View(buffers_.logits()), row, row + 1),
                  share.sequence->sampler->next_draw(), buffers_.choice(row));
    }
    if (chosen) {
      choices_.resize(rows.logit_rows.size());
      ops_.download(buffers_.choices(), choices_.data());
    }
  } catch (const std::exception& error) {
    for (const Share& share : shares) fail_with(*share.sequence, error.what());
    return;
  }
  for (const Share& share : shares) {
    Sequence& sequence = *share.sequence;
    const int64_t begin = std::max(sequence.cached, sequence.first_logit);
    sequence.cached += share.count;
    name_full_pages(sequence);
    if (share.logit_begin == share.logit_end) {
      sequence.prefill_seconds += base::seconds_between(step_begin_ns_, clock_.now_ns());
      continue;
    }
    try {
      use_logits(sequence, begin, share.logit_begin, share.logit_end);
    } catch (const std::exception& error) {
      fail_with(sequence, error.what());
    }
  }
}

// Lets others use the pages that are complete now; nothing writes to them any more.
void Scheduler::name_full_pages(Sequence& sequence) {
  if (!prefix_cache_ || !sequence.request.reuse) return;
  const int64_t full = sequence.cached / KvPool::kPageSize;
  extend_page_keys(sequence.prompt, sequence.ids, sequence.cached, sequence.page_keys);
  for (int64_t page = sequence.named_pages; page < full; ++page) {
    pool_.pages().name(sequence.pages[static_cast<size_t>(page)],
                       sequence.page_keys[static_cast<size_t>(page)]);
  }
  sequence.named_pages = full;
}

// Logit rows [begin, end) of the step belong to positions first_position, first_position + 1, ...
void Scheduler::use_logits(Sequence& sequence, int64_t first_position, int64_t begin, int64_t end) {
  if (!sequence.scoring) {
    answer_token(sequence, begin);
    return;
  }
  for (int64_t row = begin; row < end; ++row) {
    score_row(sequence, first_position + row - begin, row);
  }
  if (sequence.rows_left() == 0) {
    sequence.done = true;
    pool_.pages().give_back(std::exchange(sequence.pages, {}));
    sequence.scoring->done.set_value(std::move(sequence.scoring->score));
  }
}

std::vector<float> Scheduler::read_logits(int64_t logit_row) {
  std::vector<float> logits(static_cast<size_t>(model_.dimensions().vocabulary));
  ops_.download(tensor::slice_rows(tensor::View(buffers_.logits()), logit_row, logit_row + 1),
                logits.data());
  for (const float logit : logits) {
    require(std::isfinite(logit), "the model computed a logit that is not a finite number");
  }
  return logits;
}

void Scheduler::answer_token(Sequence& sequence, int64_t logit_row) {
  int32_t id = 0;
  if (device_chooses(sequence)) {
    id = choices_[static_cast<size_t>(logit_row)];
    require(id >= 0, "the model computed a logit that is not a finite number");
  } else {
    std::vector<float> logits = read_logits(logit_row);
    std::vector<float> raw;
    if (sequence.request.logprobs) raw = logits;
    id = sequence.sampler->choose(logits);
    if (sequence.request.logprobs) keep_logprobs(sequence, raw, id);
  }
  if (sequence.token_ids.empty()) {
    sequence.prefill_seconds += base::seconds_between(step_begin_ns_, clock_.now_ns());
  }
  accept(sequence, id);
}

void Scheduler::keep_logprobs(Sequence& sequence, std::span<const float> logits, int32_t id) const {
  const double normaliser = log_sum_exp(logits);
  const auto named = [&](int32_t token) {
    return chat::Likely{.id = token,
                        .text = model_.tokenizer().decode({&token, 1}, false),
                        .logprob = static_cast<float>(
                            static_cast<double>(logits[static_cast<size_t>(token)]) - normaliser)};
  };
  chat::Likely chosen = named(id);
  sequence.logprobs.push_back(chosen.logprob);
  sequence.token_texts.push_back(std::move(chosen.text));
  if (sequence.request.top_logprobs <= 0) return;
  std::vector<chat::Likely>& likely = sequence.likely.emplace_back();
  for (const int32_t token : highest(logits, sequence.request.top_logprobs))
    likely.push_back(named(token));
}

void Scheduler::accept(Sequence& sequence, int32_t id) {
  sequence.token_ids.push_back(id);
  sequence.token_times.push_back(seconds_since_accepted(sequence));
  const std::vector<int32_t>& stops = model_.stop_ids();
  const bool exact = sequence.request.exact_length;
  if (!exact && std::find(stops.begin(), stops.end(), id) != stops.end()) {
    finish(sequence, chat::Finish::stop);
    return;
  }
  const std::string piece = sequence.decoder->push(id);
  if (!piece.empty() && sequence.first_visible < 0) {
    sequence.first_visible = sequence.token_times.back();
  }
  const std::string visible = sequence.text->push(piece);
  if (!visible.empty()) sequence.sink->on_text(visible);
  if (!exact && sequence.text->stopped()) {
    finish(sequence, chat::Finish::stop);
  } else if (static_cast<int>(sequence.token_ids.size()) >= sequence.request.max_tokens) {
    finish(sequence, chat::Finish::length);
  } else {
    sequence.ids.push_back(id);
    sequence.first_logit = static_cast<int64_t>(sequence.ids.size()) - 1;
  }
}

void Scheduler::score_row(Sequence& sequence, int64_t position, int64_t logit_row) {
  const std::vector<float> logits = read_logits(logit_row);
  const double normaliser = log_sum_exp(logits);
  const auto logprob = [&](size_t id) {
    return static_cast<float>(static_cast<double>(logits[id]) - normaliser);
  };
  Scoring& scoring = *sequence.scoring;
  const auto index = static_cast<size_t>(position - (sequence.prompt.tokens() - 1));
  if (index < scoring.continuation.size()) {
    const auto id = static_cast<size_t>(scoring.continuation[index]);
    scoring.score.continuation_logprobs.push_back(logprob(id));
    if (static_cast<int>(index) < scoring.request.distributions) {
      std::vector<float>& all = scoring.score.distributions.emplace_back();
      all.reserve(logits.size());
      for (size_t token = 0; token < logits.size(); ++token) all.push_back(logprob(token));
    }
  }
  if (index != 0) return;
  scoring.score.logsumexp = static_cast<float>(normaliser);
  for (const int32_t token : highest(logits, scoring.request.top)) {
    const auto id = static_cast<size_t>(token);
    scoring.score.top.push_back({.id = token,
                                 .text = model_.tokenizer().decode({&token, 1}, false),
                                 .logit = logits[id],
                                 .logprob = logprob(id)});
  }
}

double Scheduler::seconds_since_accepted(const Sequence& sequence) const {
  return base::seconds_between(sequence.accepted_ns, clock_.now_ns());
}

void Scheduler::finish(Sequence& sequence, chat::Finish finish) {
  sequence.done = true;
  pool_.pages().give_back(std::exchange(sequence.pages, {}));
  if (sequence.scoring) {
    sequence.scoring->done.set_exception(std::make_exception_ptr(Error("scoring was cancelled")));
    return;
  }
  chat::Completion completion;
  if (sequence.prepared()) {
    std::string rest = sequence.text->push(sequence.decoder->finish());
    rest += sequence.text->finish();
    if (!rest.empty()) sequence.sink->on_text(rest);
    completion.text = sequence.text->text();
    completion.thinking = sequence.text->thinking();
    completion.prompt_sha256 = base::sha256_hex(sequence.prompt.text);
  }
  completion.finish = finish;
  completion.usage = {.prompt_tokens = sequence.prompt.tokens(),
                      .image_tokens = sequence.prompt.image_tokens(),
                      .completion_tokens = static_cast<int64_t>(sequence.token_ids.size()),
                      .cached_prompt_tokens = sequence.cached_prompt_tokens,
                      .cached_image_tokens = sequence.cached_image_tokens};
  const std::vector<double>& times = sequence.token_times;
  chat::Timing& timing = completion.timing;
  timing.image_decode = sequence.prompt.decode_seconds;
  timing.image_resize = sequence.prompt.resize_seconds;
  timing.vision = sequence.vision_seconds;
  timing.prefill = sequence.prefill_seconds;
  timing.e2e = seconds_since_accepted(sequence);
  if (!times.empty()) {
    timing.ttft = sequence.first_visible >= 0 ? sequence.first_visible : times.front();
    timing.ttft_device = sequence.vision_seconds + sequence.prefill_seconds;
  }
  if (times.size() > 1) {
    timing.tpot = (times.back() - times.front()) / static_cast<double>(times.size() - 1);
  }
  completion.memory = memory_;
  loop_.measure_memory(completion.memory);
  completion.notes = std::move(sequence.prompt.notes);
  completion.token_ids = std::move(sequence.token_ids);
  completion.logprobs = std::move(sequence.logprobs);
  completion.token_texts = std::move(sequence.token_texts);
  completion.likely = std::move(sequence.likely);
  completion.token_times = std::move(sequence.token_times);
  sequence.sink->on_done(std::move(completion));
}

void Scheduler::fail_with(Sequence& sequence, const std::string& message, bool of_request) {
  sequence.done = true;
  pool_.pages().discard(std::exchange(sequence.pages, {}));
  if (sequence.scoring) {
    sequence.scoring->done.set_exception(std::make_exception_ptr(Error(message)));
  } else {
    sequence.sink->on_done(chat::Failure{message, of_request});
  }
}

void Scheduler::remove_done() {
  const auto done = [](const SequencePtr& sequence) { return sequence->done; };
  std::erase_if(running_, done);
  std::erase_if(waiting_, done);
}

void Scheduler::cancel_all() {
  take_inbox();
  for (const SequencePtr& sequence : waiting_) finish(*sequence, chat::Finish::cancelled);
  for (const SequencePtr& sequence : running_) finish(*sequence, chat::Finish::cancelled);
  remove_done();
}

}  // namespace visavis::generate
