// The vision encoder of LLaVA-NeXT: the tower and projector of LLaVA-1.5 over the whole picture and
// over every tile of the enlarged one; the tiles' features are put together again, without those of
// the frame, with an end of line behind every row.
#pragma once

#include <vector>

#include "engine/models/llava/vision.h"
#include "engine/models/llava_family.h"

namespace visavis::models::llava_next {

struct Vision : PictureEncoder {
  llava::Vision tower;
  tensor::Buffer newline;  // f32 [text width]

  ImageFeatures encode(ops::Ops& ops, const PatchGrid& picture, tensor::Arena& workspace,
                       tensor::Arena& features) const override;
};

Vision load_vision(load::WeightLoader& loader, const llava::Config& config,
                   const LlavaNames& names);

/// Which rows become the tokens of a picture, in their order: those of the whole picture, then the
/// shown part of the tiles, row by row. Row (v * side + r) * side + c is view v's row r and column
/// c; the end of a line is the row behind all views.
std::vector<int32_t> token_rows(const PatchGrid& picture, int64_t side);

/// Bytes that Vision::encode takes from the workspace for so many views.
int64_t vision_workspace(const llava::Config& config, int64_t views);

}  // namespace visavis::models::llava_next
