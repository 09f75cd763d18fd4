// Counts from a model's planned tensors what answering takes.
#pragma once

#include "chat/effort.h"
#include "engine/models/model.h"

namespace visavis::generate {

/// Bytes and operations per step, token and picture. How many rows of the encoder make an image
/// token is taken from a small picture that is prepared for it; every weight of the vision part
/// counts per such row.
chat::Effort effort_of(const models::Model& model, const models::Limits& limits);

}  // namespace visavis::generate
