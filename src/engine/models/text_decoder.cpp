#include "engine/models/text_decoder.h"

#include <array>
#include <numeric>

namespace visavis::models {
namespace {

constexpr int64_t kFloatBytes = sizeof(float);

// Step rows [begin, begin + count) as an index that device operations read.
tensor::MutView row_index(ops::Ops& ops, int64_t begin, int64_t count, tensor::Arena& arena) {
  std::vector<int32_t> rows(static_cast<size_t>(count));
  std::iota(rows.begin(), rows.end(), static_cast<int32_t>(begin));
  const tensor::MutView index = arena.take(tensor::DType::i32, {count});
  ops.upload(rows.data(), index);
  return index;
}

// The rows of one picture (or of one of its deepstack levels) that this step shows.
tensor::View shown(const ImageRows& image, const tensor::MutView& rows) {
  return tensor::slice_rows(tensor::View(rows), image.feature_begin,
                            image.feature_begin + image.count);
}

}  // namespace

int64_t TextDecoder::bytes() const {
  int64_t total = embedding.bytes() + norm.bytes() + head.bytes();
  for (const nn::DecoderLayer& layer : layers) total += layer.bytes();
  return total;
}

Dimensions TextDecoder::dimensions() const {
  return {.vocabulary = config.vocabulary,
          .hidden = config.hidden,
          .layers = config.layers,
          .kv_heads = config.kv_heads,
          .head_dim = config.head_dim,
          .max_positions = config.max_positions};
}

void TextDecoder::forward(ops::Ops& ops, const ops::StepBatch& batch,
                          const std::vector<ImageRows>& images, const std::vector<ops::KvView>& kv,
                          tensor::View logit_rows, tensor::Arena& workspace,
                          tensor::MutView logits) const {
  const tensor::ArenaScope scope(workspace);
  const tensor::MutView x = workspace.take_f32({batch.tokens, config.hidden});
  // inputs_embeds = embed_tokens(ids), image features in place of the placeholders
  ops.embed(embedding, batch.ids, x);
  for (const ImageRows& image : images) {
    const tensor::ArenaScope index_scope(workspace);
    const tensor::MutView index = row_index(ops, image.step_begin, image.count, workspace);
    ops.set_rows(shown(image, image.features->rows), index, x);
  }
  for (size_t i = 0; i < layers.size(); ++i) {
    layers[i].run(ops, batch, rope, kv[i], workspace, x);
    // hidden_states[image positions] += deepstack_visual_embeds[i]
    for (const ImageRows& image : images) {
      if (i >= image.features->deepstack.size()) continue;
      ops.add(shown(image, image.features->deepstack[i]),
              tensor::slice_rows(x, image.step_begin, image.step_begin + image.count));
    }
  }
  // logits = lm_head(norm(x)), only where somebody asked
  const int64_t wanted = logit_rows.shape.elements();
  if (wanted == 0) return;
  if (wanted == batch.tokens) {  // ascending and distinct: all of them
    ops.project(x, norm.before(), std::array{head.into(logits)}, workspace);
    return;
  }
  const tensor::MutView last = workspace.take_f32({wanted, config.hidden});
  ops.gather_rows(x, logit_rows, last);
  norm.run(ops, last, last);
  head.run(ops, last, logits);
}

int64_t text_scratch(const TextConfig& config, int64_t tokens, int64_t logit_rows) {
  using tensor::Arena;
  return Arena::footprint(tokens * config.hidden * kFloatBytes) +
         Arena::footprint(tokens * static_cast<int64_t>(sizeof(int32_t))) +
         Arena::footprint(logit_rows * config.hidden * kFloatBytes) +
         nn::decoder_scratch(tokens, config.hidden, config.heads, config.kv_heads, config.head_dim,
                             config.ffn);
}

}  // namespace visavis::models
