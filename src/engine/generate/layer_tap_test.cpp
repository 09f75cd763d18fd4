// What score() shows of the layers: every layer of every family once, the same whatever else was
// asked, and a wrong layer where it is wrong.
#include "engine/generate/layer_tap.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <span>

#include "base/temporary_folder.h"
#include "engine/checkpoint/safetensors_writer.h"
#include "engine/generate/golden_model.h"

namespace visavis::generate {
namespace {

namespace fs = std::filesystem;

class Tapped {
 public:
  explicit Tapped(const fs::path& folder) {
    auto tap = std::make_unique<LayerTap>(test_ops());
    LocalModelOptions options = golden_options(folder.filename());
    options.folder = folder;
    options.chunk = 48;
    options.tap = tap.get();
    loop_ = std::make_unique<DeviceLoop>(std::move(tap));
    model_ = std::make_unique<LocalModel>(*loop_, options, base::steady_clock());
  }

  chat::Score score(int64_t rows, bool picture = true) {
    chat::ScoreRequest request = {.turns = {{.parts = {chat::Text{"What is in this picture?"}}}},
                                  .continuation = " a cup and a book",
                                  .layer_rows = rows};
    if (picture)
      request.turns[0].parts.insert(request.turns[0].parts.begin(),
                                    picture_file("baseline444_83x59.jpg"));
    return model_->score(request);
  }

  LocalModel& model() { return *model_; }

 private:
  std::unique_ptr<DeviceLoop> loop_;
  std::unique_ptr<LocalModel> model_;
};

std::vector<std::string> names_of(const chat::Score& score) {
  std::vector<std::string> names;
  for (const chat::LayerRows& layer : score.layers) names.push_back(layer.name);
  return names;
}

TEST(LayerTap, EveryLayerOfEveryFamilyIsShownOnceAndInOrder) {
  const std::map<std::string, std::vector<std::string>> wanted = {
      {"llava_hub",
       {"vision_tower.vision_model.encoder.layers.0", "vision_tower.vision_model.encoder.layers.1",
        "multi_modal_projector.linear_2", "language_model.model.layers.0",
        "language_model.model.layers.1"}},
      {"qwen_old_spelling",
       {"model.visual.blocks.0", "model.visual.blocks.1",
        "model.visual.deepstack_merger_list.0.linear_fc2", "model.visual.merger.linear_fc2",
        "model.language_model.layers.0", "model.language_model.layers.1"}},
      {"qwen25_single",
       {"visual.blocks.0", "visual.blocks.1", "visual.merger", "model.layers.0", "model.layers.1"}},
      {"qwen_vl_short",
       {"transformer.visual.transformer.resblocks.0", "transformer.visual.transformer.resblocks.1",
        "transformer.h.0", "transformer.h.1"}},
  };
  for (const auto& [model, names] : wanted) {
    Tapped tapped(kGoldenModels / model);
    EXPECT_EQ(names_of(tapped.score(8)), names) << model;
  }
}

TEST(LayerTap, RowsAreSpreadAndTheSameWheneverTheyAreAskedFor) {
  Tapped tapped(kGoldenModels / "llava_hub");
  const chat::Score all = tapped.score(4096);
  const chat::Score few = tapped.score(8);  // nothing is left of the first
  const chat::Score none = tapped.score(0);
  EXPECT_TRUE(none.layers.empty());
  EXPECT_EQ(few.continuation_logprobs, all.continuation_logprobs);
  EXPECT_EQ(none.continuation_logprobs, all.continuation_logprobs);
  ASSERT_EQ(few.layers.size(), all.layers.size());
  for (size_t i = 0; i < few.layers.size(); ++i) {
    const chat::LayerRows& kept = few.layers[i];
    const chat::LayerRows& whole = all.layers[i];
    const auto cols = static_cast<size_t>(kept.cols);
    const size_t rows = whole.values.size() / cols;
    const size_t found = kept.values.size() / cols;
    ASSERT_GE(rows, 8U);
    EXPECT_GT(found, 4U);
    EXPECT_LE(found, 8U);
    const size_t stride = (rows + found - 1) / found;
    for (size_t row = 0; row < found; ++row)
      EXPECT_EQ(0, std::memcmp(kept.values.data() + row * cols,
                               whole.values.data() + row * stride * cols, cols * sizeof(float)))
          << kept.name << " row " << row << " of every " << stride << "th";
  }
  // Prompt and answer, whose last token is never fed.
  EXPECT_EQ(all.layers.back().values.size() / static_cast<size_t>(all.layers.back().cols),
            all.prompt_token_ids.size() + all.continuation_ids.size() - 1);
}

// The checkpoint with one tensor's sign turned.
void copy_with_turned(const fs::path& from, const std::string& name, const fs::path& to) {
  fs::copy(from, to);
  const auto source = checkpoint::open_tensors(from);
  std::vector<checkpoint::TensorSpec> specs;
  for (const checkpoint::TensorInfo& info : source->tensors())
    specs.push_back({.name = info.name, .dtype = info.dtype, .shape = info.shape});
  fs::remove(to / "model.safetensors");
  checkpoint::SafetensorsWriter writer(to / "model.safetensors", specs);
  for (const checkpoint::TensorInfo& info : source->tensors()) {
    const tensor::View view = source->read(info.name);
    std::string bytes(reinterpret_cast<const char*>(view.data), static_cast<size_t>(view.bytes()));
    if (info.name == name)  // two bytes a value, the sign in the second
      for (size_t i = 1; i < bytes.size(); i += 2) bytes[i] = static_cast<char>(bytes[i] ^ 0x80);
    writer.write(std::as_bytes(std::span(bytes)));
  }
  writer.finish();
}

TEST(LayerTap, AWrongWeightShowsFromItsLayerOn) {
  const fs::path folder = kGoldenModels / "llava_hub";
  const base::TemporaryFolder own;
  copy_with_turned(folder, "language_model.model.layers.1.self_attn.o_proj.weight",
                   own.path() / "wrong");
  Tapped right(folder);
  Tapped wrong(own.path() / "wrong");
  const chat::Score wanted = right.score(16);
  const chat::Score found = wrong.score(16);
  ASSERT_EQ(names_of(found), names_of(wanted));
  for (size_t i = 0; i < wanted.layers.size(); ++i) {
    const bool last = i + 1 == wanted.layers.size();
    EXPECT_EQ(found.layers[i].values == wanted.layers[i].values, !last) << wanted.layers[i].name;
  }
  EXPECT_NE(found.continuation_logprobs, wanted.continuation_logprobs);
}

TEST(LayerTap, AModelThatWasNotOpenedForItSaysSo) {
  DeviceLoop loop(test_ops());
  LocalModel model(loop, golden_options("llava_hub"), base::steady_clock());
  try {
    model.score({.turns = {{.parts = {chat::Text{"x"}}}}, .layer_rows = 8});
    FAIL() << "nothing was refused";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "model 'llava_hub' was not opened to show what layers compute");
  }
}

TEST(Scoring, PlainTextIsReadAsItIs) {
  Tapped tapped(kGoldenModels / "llava_hub");
  chat::ScoreRequest request = {
      .turns = {{.parts = {chat::Text{"a cup"}}}}, .plain = true, .continuation = " and a book"};
  const chat::Score plain = tapped.model().score(request);
  request.plain = false;
  EXPECT_LT(plain.prompt_token_ids.size(), tapped.model().score(request).prompt_token_ids.size());
  EXPECT_EQ(plain.continuation_logprobs.size(), plain.continuation_ids.size());
}

}  // namespace
}  // namespace visavis::generate
