#include "engine/generate/local_model.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "engine/checkpoint/side_files.h"
#include "engine/generate/effort.h"

namespace visavis::generate {
namespace {

constexpr int64_t kUsualContext = 4096;
constexpr int64_t kMostBatch = 1024;
constexpr int64_t kMostChunk = 1 << 16;

}  // namespace

models::Limits limits_of(const LocalModelOptions& options, const models::Model& model) {
  const int64_t most = model.dimensions().max_positions;
  const int64_t context = options.context == 0 ? std::min(kUsualContext, most) : options.context;
  require(context >= 1 && context <= most, "--ctx is ", context, ", the model allows 1 to ", most);
  require(options.batch >= 1 && options.batch <= kMostBatch, "--max-batch-size is ", options.batch,
          ", wanted 1 to ", kMostBatch);
  require(options.chunk >= 1 && options.chunk <= kMostChunk, "prompt chunk is ", options.chunk,
          ", wanted 1 to ", kMostChunk);
  const bool f32 = options.open.weights.body == load::Precision::f32;
  models::Limits limits = {
      .context = context,
      .batch = options.batch,
      .chunk = std::min(options.chunk, context),
      .kv = options.kv.value_or(f32 ? tensor::DType::f32 : tensor::DType::f16)};
  // The largest picture may need so much workspace that a longer chunk fits in.
  constexpr int64_t kStep = 64;
  const int64_t workspace = model.plan(limits).workspace;
  for (models::Limits longer = limits;; limits = longer) {
    longer.chunk += kStep;
    if (longer.chunk > std::min(options.longest_chunk, context) ||
        model.plan(longer).workspace > workspace)
      return limits;
  }
}

LocalModel::LocalModel(DeviceLoop& loop, LocalModelOptions options, const base::Clock& clock)
    : loop_(loop), tap_(options.tap) {
  const int64_t begin = clock.now_ns();
  const std::string content = checkpoint::content_id(options.folder);
  cache_ = load::open_cache(options.cache, options.folder, content, options.open.weights);
  options.open.cache = cache_;
  model_ = models::open_model(options.folder, options.open);
  limits_ = limits_of(options, *model_);
  loop_.call([&](ops::Ops& ops) {
    plan_ = plan_memory(*model_, limits_, options.vision_cache, ops);
    // What the device's models share may be there already.
    require_room(plan_, limits_, ops,
                 std::min(plan_.workspace, loop_.workspace().capacity()) +
                     std::min(plan_.scratch, ops.scratch_held()));
    model_->load(ops);
    ops.wait();
    if (cache_ != nullptr && ops.has_own_memory() && !cache_->wants_writing()) cache_->release();
    loop_.reserve_workspace(plan_.workspace);
    scheduler_ = std::make_unique<Scheduler>(*model_, loop_, ops, limits_, plan_,
                                             options.prefix_cache, clock);
  });
  loop_.add(*scheduler_);

  facts_ = {.name = options.name,
            .architecture = model_->architecture(),
            .device = loop_.description(),
            .weights = std::string(load::name_of(options.open.weights.body)),
            .weights_sha256 = content,
            .context = limits_.context,
            .checkpoint_bytes = model_->checkpoint_bytes(),
            .parameters = model_->parameters(),
            .load_seconds = base::seconds_between(begin, clock.now_ns()),
            .memory = plan_.reported(),
            .multi_image_trained = model_->multi_image_trained(),
            .can_reuse = options.prefix_cache || plan_.vision_cache > 0,
            .from_cache = cache_ != nullptr && cache_->served(),
            .effort = effort_of(*model_, limits_),
            .card_bus_id = loop_.card_bus_id()};
}

LocalModel::~LocalModel() {
  loop_.remove(*scheduler_);
  loop_.call([this](ops::Ops&) {
    scheduler_->cancel_all();
    scheduler_.reset();  // device memory is freed where it was taken
    model_.reset();
  });
}

chat::Ticket LocalModel::submit(chat::Request request, chat::Sink& sink) {
  return scheduler_->submit(std::move(request), sink);
}

void LocalModel::cancel(chat::Ticket ticket) { scheduler_->cancel(ticket); }

chat::Score LocalModel::score(const chat::ScoreRequest& request) {
  if (request.layer_rows == 0) return scheduler_->score(request).get();
  require(tap_ != nullptr, "model '", facts_.name, "' was not opened to show what layers compute");
  loop_.call([&](ops::Ops&) { tap_->begin(request.layer_rows); });
  std::future<chat::Score> scored = scheduler_->score(request);
  scored.wait();
  std::vector<chat::LayerRows> layers;
  loop_.call([&](ops::Ops&) { layers = tap_->end(); });
  chat::Score score = scored.get();
  score.layers = std::move(layers);
  return score;
}

}  // namespace visavis::generate
