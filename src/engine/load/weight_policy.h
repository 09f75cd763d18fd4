// Which layout each weight gets in memory: "What int4 means" of the design, in one place. Pure; the
// loader carries it out.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "engine/checkpoint/encoded_tensor.h"
#include "engine/tensor/weight.h"

namespace visavis::load {

/// The words of --weights and --vision-weights.
enum class Precision { f32, bf16, f16, int8, int4 };

/// What a matrix is for.
enum class Role {
  decoder,    // linears of the text model's layers
  head,       // vocabulary logits
  embedding,  // token table: read row by row, stays as stored
  vision,     // tower, mergers, projector
};

struct WeightPolicy {
  Precision body = Precision::int4;
  std::optional<Precision> vision = {};  // absent: follows body; int4 is refused
  /// What linears are given may be rounded as coarsely as their weights are held: to int8 for int4
  /// and int8, to bf16 for bf16; to f16 for f16 where codes are not interleaved.
  bool round_input = true;
  /// Whether the codes of int4 and int8 are interleaved (tensor/interleave.h) where the input may
  /// be rounded: what a CPU wants. Other devices want rows.
  bool interleave = true;
  /// Whether the device multiplies GGUF's blocks (tensor::BlockQ).
  bool blocks = true;
};

/// A layout: dense values of a type, codes with one f16 scale per group of inputs, or blocks.
struct Layout {
  enum class Kind { dense, int8, int4, blocks };
  Kind kind = Kind::dense;
  tensor::DType dtype = tensor::DType::f32;  // of dense values
  int64_t group = 0;                         // of int8 (0 = whole row) and int4
  bool round_input = false;
  bool interleaved = false;  // of int8 and int4

  /// The checkpoint's own codes; the rest only with them.
  bool kept = false;
  tensor::ZeroPoint zero = tensor::ZeroPoint::none;
  std::optional<std::array<float, 16>> lookup = {};
  bool permuted = false;
  tensor::BlockFormat block_format = tensor::BlockFormat::q4_0;
};

/// The layout of a matrix stored as `stored` (f32, bf16 or f16):
///   body f32 | bf16 | f16   decoder, head and vision in that type
///   body int8               decoder and head int8 group 128, vision as for int4
///   body int4               decoder int4 group 128, head int8 group 128, vision f16 where the
///                           checkpoint is f16, else bf16
///   vision given            f32 | bf16 | f16 in that type, int8 with one scale per output row
/// Embeddings stay as stored.
Layout layout_for(const WeightPolicy& policy, Role role, tensor::DType stored);

/// The layout of a matrix in codes of a published format. Body int4 keeps codes that a layout holds
/// as they are, body int8 those of 8 bits; everything else is as above, made from the values.
/// GGUF's blocks that a device cannot multiply become int8 group 128. Embeddings become f32, bf16
/// or f16 as the body says, f16 for int4 and int8.
Layout layout_for(const WeightPolicy& policy, Role role, tensor::DType stored,
                  const checkpoint::CodeForm& form);

/// Bytes of a [rows, cols] matrix in this layout: of its values or codes, of its scales, its zero
/// points and its permutation, of all.
int64_t value_bytes(const Layout& layout, int64_t rows, int64_t cols);
int64_t scale_bytes(const Layout& layout, int64_t rows, int64_t cols);
int64_t zero_bytes(const Layout& layout, int64_t rows, int64_t cols);
int64_t permutation_bytes(const Layout& layout, int64_t cols);
int64_t layout_bytes(const Layout& layout, int64_t rows, int64_t cols);
/// As Weight::layout_name.
std::string layout_name(const Layout& layout);

/// Reads the word; `option` is how errors call it. Throws Error, naming the known ones.
Precision precision_named(std::string_view word, std::string_view option);
std::string_view name_of(Precision precision);

}  // namespace visavis::load
