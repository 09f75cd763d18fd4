// Test support: the oracle's tiny checkpoints in tests/data/goldens (models), their cases, and a
// model on the CPU that can be driven step by step. Included by *_test.cpp files only.
#pragma once

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "engine/checkpoint/safetensors.h"
#include "engine/generate/kv_pool.h"
#include "engine/generate/local_model.h"
#include "engine/generate/step_buffers.h"
#include "engine/models/families.h"

namespace visavis::generate {

inline const std::filesystem::path kTestData = VISAVIS_SOURCE_DIR "/tests/data";
inline const std::filesystem::path kGoldens = VISAVIS_GOLDENS_DIR;
inline const std::filesystem::path kGoldenModels = kGoldens / "models";

inline const std::vector<std::string>& golden_names() {
  static const std::vector<std::string> names = {
      "llava_hub",         "llava_pad",        "llava_saved",  "llava_tied",      "next_mistral",
      "next_vicuna",       "qwen25_published", "qwen25_saved", "qwen25_single",   "qwen_grouped",
      "qwen_old_spelling", "qwen_sharded",     "qwen_vl_int4", "qwen_vl_queries", "qwen_vl_short",
      "qwen_wide_heads",   "video_published",  "video_saved"};
  return names;
}

/// One conversation and what transformers, or a reference of tools/reference, computes for it.
struct GoldenCase {
  std::string name;
  std::vector<chat::Turn> turns;
  base::Json expected;  // the case in <model>.json

  std::vector<int32_t> ids(const char* key) const {
    return expected.at(key).get<std::vector<int32_t>>();
  }
};

inline chat::Image picture_file(const std::string& name) {
  const auto path = kTestData / "pictures" / name;
  return {.bytes = std::make_shared<const std::string>(base::read_file(path)), .name = name};
}

/// A folder of frames.
inline chat::Video video_folder(const std::string& name, double frame_rate) {
  chat::Video video{.frame_rate = frame_rate, .name = name};
  for (const auto& entry : std::filesystem::directory_iterator(kTestData / "videos" / name)) {
    video.frames.push_back(
        {.bytes = std::make_shared<const std::string>(base::read_file(entry.path())),
         .name = entry.path().filename().string()});
  }
  std::sort(video.frames.begin(), video.frames.end(),
            [](const chat::Image& a, const chat::Image& b) { return a.name < b.name; });
  return video;
}

/// Turns in the templates' words, with these picture files in order.
inline std::vector<chat::Turn> turns_of(const base::Json& conversation,
                                        const std::vector<std::string>& pictures) {
  std::vector<chat::Turn> turns;
  size_t next = 0;
  for (const base::Json& message : conversation) {
    chat::Turn turn;
    const std::string role = message.at("role");
    turn.role = role == "system" ? chat::Role::system
                : role == "user" ? chat::Role::user
                                 : chat::Role::assistant;
    for (const base::Json& part : message.at("content")) {
      if (part.at("type") == "image") {
        turn.parts.emplace_back(picture_file(pictures.at(next++)));
      } else if (part.at("type") == "video") {
        turn.parts.emplace_back(video_folder(part.at("video"), part.at("frame_rate")));
      } else {
        turn.parts.emplace_back(chat::Text{part.at("text")});
      }
    }
    turns.push_back(std::move(turn));
  }
  return turns;
}

inline std::vector<GoldenCase> golden_cases(const std::string& model) {
  const base::Json golden = base::read_json(kGoldenModels / (model + ".json"));
  const base::Json conversations = base::read_json(kGoldens / "templates.json").at("conversations");
  std::vector<GoldenCase> cases;
  for (const base::Json& each : golden.at("cases")) {
    const std::string name = each.at("name");
    // Words of another conversation under more pictures, or words of its own.
    const std::string words = each.value("conversation", name);
    cases.push_back(
        {.name = name,
         .turns = turns_of(each.contains("turns") ? each["turns"] : conversations.at(words),
                           each.at("pictures").get<std::vector<std::string>>()),
         .expected = each});
  }
  return cases;
}

/// A checkpoint and how its weights are held, as a test's parameter.
struct Loaded {
  std::string model;
  load::Precision weights = load::Precision::f32;

  std::string name() const { return model + "_" + std::string(load::name_of(weights)); }
};

/// Where these tests run: on the CPU, or on the first CUDA device if VISAVIS_TEST_DEVICE says
/// "cuda".
inline bool tests_on_cuda() {
  const char* device = std::getenv("VISAVIS_TEST_DEVICE");
  return device != nullptr && std::string_view(device) == "cuda";
}

/// How far logits may be apart that differ only in how their rows were put together: not at all on
/// the CPU. A card sums in another order for another number of rows, and rounds few rows to int8,
/// many to 16 bits.
inline double rows_tolerance(load::Precision weights) {
  if (!tests_on_cuda()) return 0;
  return weights == load::Precision::f32 ? 2e-3 : 5e-2;
}

inline std::unique_ptr<ops::Ops> test_ops() {
  return tests_on_cuda() ? ops::make_cuda_ops({}) : ops::make_cpu_ops({.threads = 2});
}

inline LocalModelOptions golden_options(const std::string& model,
                                        load::Precision weights = load::Precision::f32) {
  LocalModelOptions options;
  options.name = model;
  options.folder = kGoldenModels / model;
  options.open.weights.body = weights;
  options.open.weights.interleave = !tests_on_cuda();
  options.open.threads = 2;
  options.context = 2048;
  options.vision_cache = 16'000'000;  // a card has none by default
  return options;
}

/// Keeps what a request hears; may cancel it after so many pieces of text.
class Keep : public chat::Sink {
 public:
  void on_text(std::string_view text) override {
    streamed += text;
    if (++pieces >= cancel_after && model != nullptr) model->cancel(ticket);
  }
  void on_done(chat::Outcome outcome) override { done_.set_value(std::move(outcome)); }
  /// Instead of wait() and completion(); all three at most once.
  std::future<chat::Outcome> future() { return done_.get_future(); }
  chat::Outcome wait() { return done_.get_future().get(); }
  chat::Completion completion() {
    chat::Outcome outcome = wait();
    if (const auto* failure = std::get_if<chat::Failure>(&outcome)) fail(failure->message);
    return std::get<chat::Completion>(outcome);
  }

  std::string streamed;
  chat::ChatModel* model = nullptr;
  std::atomic<chat::Ticket> ticket = 0;
  int cancel_after = 0;
  std::atomic<int> pieces = 0;

 private:
  std::promise<chat::Outcome> done_;
};

/// One user turn.
inline chat::Request text_request(const std::string& text, int max_tokens = 12) {
  return {.turns = {{.parts = {chat::Text{text}}}}, .max_tokens = max_tokens};
}

inline chat::Request picture_request(const std::string& file, const std::string& text) {
  return {.turns = {{.parts = {picture_file(file), chat::Text{text}}}}, .max_tokens = 12};
}

/// A loaded model with a cache and buffers of its own, without thread or scheduler.
class SteppedModel {
 public:
  explicit SteppedModel(const LocalModelOptions& options)
      : ops_(test_ops()),
        model_(models::open_model(options.folder, options.open)),
        limits_(limits_of(options, *model_)),
        memory_(model_->plan(limits_)),
        workspace_(ops_->allocate(memory_.workspace)),
        features_(ops_->allocate(memory_.image_features)),
        pool_(*ops_, model_->dimensions(), limits_),
        buffers_(*ops_, model_->dimensions(), limits_) {
    model_->load(*ops_);
  }

  models::Model& model() { return *model_; }

  /// A copy of what lies on the device.
  std::vector<float> values(const tensor::View& view) {
    std::vector<float> copy(static_cast<size_t>(view.shape.elements()));
    ops_->download(view, copy.data());
    return copy;
  }
  const models::ModelMemory& memory() const { return memory_; }
  const tensor::Arena& workspace() const { return workspace_; }
  const tensor::Arena& features() const { return features_; }

  std::vector<models::ImageFeatures> encode(const models::Prompt& prompt) {
    features_.rewind(0);
    std::vector<models::ImageFeatures> all;
    for (const models::PatchGrid& picture : prompt.pictures) {
      all.push_back(model_->encode(picture, workspace_, features_));
    }
    return all;
  }

  /// Feeds prompt and answer in chunks of `chunk` rows; returns the logits of every row from the
  /// prompt's last on: row i predicts answer[i].
  std::vector<std::vector<float>> logits(const models::Prompt& prompt,
                                         const std::vector<models::ImageFeatures>& features,
                                         const std::vector<int32_t>& answer, int64_t chunk) {
    std::vector<int32_t> ids = prompt.ids;
    if (!answer.empty()) ids.insert(ids.end(), answer.begin(), answer.end() - 1);
    const auto total = static_cast<int64_t>(ids.size());
    const std::vector<int32_t> pages = pool_.pages().take(KvPool::pages_for(total));
    std::vector<std::vector<float>> all;
    const int64_t vocabulary = model_->dimensions().vocabulary;
    for (int64_t begin = 0; begin < total;) {
      const int64_t before = std::max<int64_t>(prompt.tokens() - 1 - begin, 0);
      const int64_t count = std::min({total - begin, chunk, before + StepBuffers::kScoredRows});
      StepRows rows;
      std::vector<models::ImageRows> images;
      for (int64_t i = begin; i < begin + count; ++i) {
        const std::array<int32_t, 3> position = prompt.position(i);
        rows.ids.push_back(ids[static_cast<size_t>(i)]);
        rows.time.push_back(position[0]);
        rows.row.push_back(position[1]);
        rows.column.push_back(position[2]);
        rows.slots.push_back(static_cast<int32_t>(
            pages[static_cast<size_t>(i / KvPool::kPageSize)] * KvPool::kPageSize +
            i % KvPool::kPageSize));
        if (i >= prompt.tokens() - 1) rows.logit_rows.push_back(static_cast<int32_t>(i - begin));
      }
      for (size_t k = 0; k < features.size(); ++k) {
        const models::ImageSlot& slot = prompt.slots[k];
        const int64_t first = std::max(begin, slot.begin);
        const int64_t last = std::min(begin + count, slot.begin + slot.tokens);
        if (first >= last) continue;
        images.push_back({&features[k], first - slot.begin, first - begin, last - first});
      }
      rows.query_start.push_back(static_cast<int32_t>(count));
      rows.kv_length.push_back(static_cast<int32_t>(begin + count));
      rows.page_table = pages;
      rows.page_table.resize(static_cast<size_t>(StepBuffers::max_pages(limits_)), 0);
      rows.longest_query = count;
      rows.longest_context = begin + count;
      const ops::StepBatch batch = buffers_.upload(*ops_, rows);
      model_->forward(batch, images, pool_.layers(), buffers_.logit_rows(), workspace_,
                      buffers_.logits());
      const std::vector<float> rows_out = values(buffers_.logits());
      const float* out = rows_out.data();
      for (size_t i = 0; i < rows.logit_rows.size(); ++i, out += vocabulary) {
        all.emplace_back(out, out + vocabulary);
      }
      begin += count;
    }
    pool_.pages().give_back(pages);
    return all;
  }

 private:
  std::unique_ptr<ops::Ops> ops_;
  std::unique_ptr<models::Model> model_;
  models::Limits limits_;
  models::ModelMemory memory_;
  tensor::Arena workspace_;
  tensor::Arena features_;
  KvPool pool_;
  StepBuffers buffers_;
};

}  // namespace visavis::generate
