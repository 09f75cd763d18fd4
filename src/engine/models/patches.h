// The first step of every vision encoder: a picture's bytes to rows of normalised patches, on the
// device.
#pragma once

#include "engine/models/model.h"

namespace visavis::models {

/// y [layout.rows(), layout.row_values()]; scratch comes from the workspace.
void cut_patches(ops::Ops& ops, const PatchGrid& picture, const ops::PatchLayout& layout,
                 tensor::Arena& workspace, tensor::MutView y);

/// Bytes that cut_patches takes from the workspace for a picture of so many pixels.
int64_t cut_patches_scratch(int64_t pixels);

}  // namespace visavis::models
