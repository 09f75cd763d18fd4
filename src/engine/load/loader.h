// From tensors of a checkpoint to weights on a device: checks names, shapes and types, converts or
// quantises row block by row block straight from the mapped file and gives its pages back, so that
// the peak stays near the size of what is kept. Model families call it once per tensor and never
// see files. A planning loader walks the same calls and only counts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/threads.h"
#include "engine/checkpoint/tensor_source.h"
#include "engine/load/read_ahead.h"
#include "engine/load/weight_cache.h"
#include "engine/load/weight_policy.h"
#include "engine/ops/ops.h"
#include "engine/tensor/weight.h"

namespace visavis::load {

/// One line of the memory plan, in the order of loading.
struct PlannedTensor {
  std::string name;  // the checkpoint's own
  tensor::Shape shape;
  tensor::DType stored = tensor::DType::f32;
  int64_t stored_bytes = 0;
  std::string format;  // of codes: "awq int4 g128", ...; empty for plain values
  bool kept = false;   // those codes as they are
  std::string layout;  // "int4 g128 sym", "bf16", "f32", ...
  int64_t bytes = 0;   // in memory
  bool vision = false;
  bool mapped = false;  // stays in the mapped file: only touched rows become resident
  bool table = false;   // read row by row: stays in host memory on any device
};

/// Checkpoint bytes worked through and their total; called from the loading thread.
using Progress = std::function<void(int64_t done_bytes, int64_t total_bytes)>;

/// Turns one stored row into the row that is kept (for weights that are folded while loading).
using RowFold = std::function<void(std::span<const float> stored, std::span<float> kept)>;

class WeightLoader {
 public:
  /// Counts only: every call checks names, shapes and types and returns weights with empty buffers.
  static WeightLoader planner(const checkpoint::TensorSource& source, const WeightPolicy& policy);
  /// Loads for real. `planned` is what a planner found, in the order of the same calls: tensors are
  /// then read ahead of their use, and progress knows the total. What `cache` holds is taken from
  /// there, what it lacks kept in it. `source`, `ops`, `pool` and `cache` must outlive the loader;
  /// the weights only need `ops`.
  WeightLoader(const checkpoint::TensorSource& source, const WeightPolicy& policy, ops::Ops& ops,
               base::ThreadPool& pool, Progress progress = {},
               const std::vector<PlannedTensor>& planned = {}, WeightCache* cache = nullptr);

  bool has(const std::string& name) const { return source_->find(name) != nullptr; }

  /// A linear layer's weight: the tensor's first extent is `rows`, the others multiply to `cols`
  /// (convolutions too). Throws Error naming the tensor: missing, wrong shape (found, wanted), not
  /// a float type, NaN or infinity inside.
  tensor::Weight linear(const std::string& name, int64_t rows, int64_t cols, Role role);
  /// The same with every stored row of `stored_cols` values folded to `cols`. `label` tells several
  /// weights that are folded of one tensor apart.
  tensor::Weight folded(const std::string& name, int64_t rows, int64_t stored_cols, int64_t cols,
                        Role role, const RowFold& fold, const std::string& label = {});
  /// Several tensors with the same inputs below each other (q, k, v; gate, up); `rows[i]` of
  /// names[i]. The weight is named after the first.
  tensor::Weight stacked(const std::vector<std::string>& names, const std::vector<int64_t>& rows,
                         int64_t cols, Role role);
  /// The token table, as stored: on a host it stays in the mapped file.
  tensor::Weight embedding(const std::string& name, int64_t rows, int64_t cols);
  /// A norm's weight, a bias, a position table: f32 on the device, any shape of `count` values.
  tensor::Buffer vector(const std::string& name, int64_t count, Role role);

  const std::vector<PlannedTensor>& planned() const { return planned_; }
  /// Sum of planned() over all, or only vision or text.
  int64_t bytes() const;
  int64_t vision_bytes() const;
  int64_t stored_bytes() const;

 private:
  struct Part;  // rows that one tensor contributes
  WeightLoader(const checkpoint::TensorSource& source, const WeightPolicy& policy);
  const checkpoint::TensorInfo& find(const std::string& name) const;
  const checkpoint::TensorInfo& matrix(const std::string& name, int64_t rows, int64_t cols) const;
  tensor::Weight load(const std::vector<Part>& parts, int64_t cols, Role role);
  Layout layout_of(const checkpoint::TensorInfo& info, Role role) const;
  void fill(const Part& part, const Layout& layout, int64_t cols, int64_t row_at,
            tensor::Buffer& values, tensor::Buffer& scales);
  // The same from codes that become values first.
  void fill_decoded(const Part& part, const checkpoint::EncodedTensor& encoded,
                    const Layout& layout, int64_t cols, int64_t row_at, tensor::Buffer& values,
                    tensor::Buffer& scales);
  // All of a matrix whose codes are kept.
  struct Codes;
  void fill_kept(const checkpoint::TensorInfo& info, const checkpoint::EncodedTensor& encoded,
                 const Layout& layout, Codes& codes);
  // From the cache, or allocated and filled by `make`.
  void take_or_make(const std::string& key, int64_t stored_bytes,
                    const std::vector<std::pair<tensor::Buffer*, int64_t>>& buffers,
                    const std::function<void()>& make);
  tensor::Weight decoded_embedding(const checkpoint::TensorInfo& info,
                                   const checkpoint::EncodedTensor& encoded);
  void check_finite(const checkpoint::TensorInfo& info);
  // Calls work(block, bytes) for every block of rows, then gives back its pages and reports it.
  template <class Work>
  void for_each_block(const checkpoint::TensorInfo& info, const Work& work);
  void plan(const checkpoint::TensorInfo& info, const Layout& layout, int64_t bytes, Role role,
            bool mapped);
  void advance(int64_t bytes);

  const checkpoint::TensorSource* source_;
  WeightPolicy policy_;
  ops::Ops* ops_ = nullptr;  // null in a planner
  base::ThreadPool* pool_ = nullptr;
  bool keeps_ = true;             // for the cache to write
  WeightCache* cache_ = nullptr;  // or there is none
  Progress progress_;
  int64_t total_bytes_ = 0;
  int64_t done_bytes_ = 0;
  std::vector<PlannedTensor> planned_;
  std::unique_ptr<ReadAhead> reader_;  // null in a planner
};

}  // namespace visavis::load
