// Activation-aware scaling: inputs that are large get finer steps. Each fold place (fold.h) gets
// scales s = m^a, m the mean magnitude of its inputs in a calibration, a from a grid by the
// smallest error of what its matrices give back for sampled inputs. a = 0, nothing scaled, is on
// the grid. Source: Lin et al., "AWQ: Activation-aware Weight Quantization" (2023).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/threads.h"
#include "engine/compress/calibration.h"
#include "engine/compress/fold.h"
#include "engine/compress/mixed.h"
#include "engine/ops/ops.h"

namespace visavis::compress {

/// What the search found for one place.
struct ScaleChoice {
  FoldPlace place;
  double exponent = 0;
  double unscaled_error = 0;  // relative, of the outputs for the sampled inputs
  double error = 0;           // with the scales
  std::vector<float> scales = {};
};

/// Searches place by place. `ops` must be a CPU's. Matrices with more rows than `most_rows` are
/// judged by so many of them. Throws Error.
std::vector<ScaleChoice> search_scales(const checkpoint::TensorSource& source,
                                       const Codings& codings, const std::vector<FoldPlace>& places,
                                       const InputSamples& samples, ops::Ops& ops,
                                       base::ThreadPool& pool, int64_t most_rows = 1024);

/// All of them.
Fold fold_of(const std::vector<ScaleChoice>& choices);

/// The powers of every matrix's inputs, after the fold.
InputPowers powers_of(const std::vector<FoldPlace>& places, const InputSamples& samples,
                      const Fold& fold);

/// The moments of one matrix's inputs (feedback.h), after the fold; empty: it is in no place.
std::vector<float> moments_of(const std::vector<FoldPlace>& places, const InputSamples& samples,
                              const Fold& fold, const std::string& weight);

}  // namespace visavis::compress
