#include "engine/generate/effort.h"

#include <memory>
#include <string>

#include "picture/encode.h"

namespace visavis::generate {
namespace {

constexpr int64_t kProbeSide = 448;  // pixels; a whole number of patches for every family

// Rows of the vision encoder per image token.
double rows_per_image_token(const models::Model& model) {
  const picture::RgbImage black(kProbeSide, kProbeSide);
  const chat::Image image{std::make_shared<const std::string>(picture::encode_png(black)), "probe"};
  const models::Prompt prompt = model.prepare({{.parts = {image, chat::Text{"?"}}}});
  return static_cast<double>(prompt.pictures.at(0).rows) /
         static_cast<double>(prompt.slots.at(0).tokens);
}

}  // namespace

chat::Effort effort_of(const models::Model& model, const models::Limits& limits) {
  const models::Dimensions& sizes = model.dimensions();
  chat::Effort effort;
  effort.integer = false;
  double vision_values = 0;
  for (const load::PlannedTensor& tensor : model.planned()) {
    if (tensor.table || tensor.shape.rank() < 2) continue;
    const auto ops = 2 * static_cast<double>(tensor.shape.elements());
    if (tensor.vision) {
      vision_values += ops;
      effort.picture_bytes += static_cast<double>(tensor.bytes);
      continue;
    }
    effort.step_bytes += static_cast<double>(tensor.bytes);
    effort.integer = effort.integer || tensor.layout.starts_with("int");
    (tensor.shape[0] == sizes.vocabulary ? effort.head_ops : effort.token_ops) += ops;
  }
  effort.image_token_ops = vision_values * rows_per_image_token(model);
  const int64_t values = 2 * sizes.layers * sizes.kv_heads * sizes.head_dim;
  effort.kv_token_bytes = static_cast<double>(values * tensor::size_of(limits.kv));
  effort.chunk = limits.chunk;
  return effort;
}

}  // namespace visavis::generate
