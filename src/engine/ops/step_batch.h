// One step of the text model over any number of sequences, and the KV cache that it reads and
// writes. Plain structs with fixed device addresses (CUDA graphs need that); a whole-layer kernel
// needs nothing above ops/. Pages belong to the scheduler; ops only follow the tables.
#pragma once

#include <cstdint>

#include "engine/tensor/buffer.h"

namespace visavis::ops {

using tensor::DType;
using tensor::MutView;
using tensor::View;

/// Rows of all sequences of this step, one after the other: a sequence that is being decoded brings
/// one row, one in its prompt brings a chunk.
struct StepBatch {
  int64_t tokens = 0;
  int64_t sequences = 0;
  int64_t longest_query = 0;    // most rows of one sequence (host-side bound for kernels)
  int64_t longest_context = 0;  // largest kv_length (host-side bound)
  View ids;          // i32 [tokens]; rows that carry an image feature still have the placeholder id
  View positions;    // i32 [3, tokens]: time, row, column (text: all three equal)
  View query_start;  // i32 [sequences + 1]: sequence s owns rows [query_start[s], query_start[s+1])
  View kv_length;    // i32 [sequences]: cached tokens including this step's rows
  View
      page_table;  // i32 [sequences, max_pages]: page of position p is page_table[s][p / page_size]
  View slots;      // i32 [tokens]: page * page_size + offset, where the row's K and V are written
};

/// One layer's KV cache: f32, f16, or i8 with one scale per position and head. Keys lie dimension
/// by dimension, so that scores of neighbouring positions are computed side by side.
struct KvView {
  DType dtype = DType::f16;
  int64_t pages = 0;
  int64_t page_size = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  MutView k;         // [pages, kv_heads, head_dim, page_size]
  MutView v;         // [pages, kv_heads, page_size, head_dim]
  MutView k_scales;  // f32 [pages, kv_heads, page_size]; i8 only
  MutView v_scales;
};

}  // namespace visavis::ops
