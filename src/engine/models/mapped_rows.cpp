#include "engine/models/mapped_rows.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"
#include "engine/load/widen.h"

namespace visavis::models {
namespace {

using checkpoint::CodeForm;
using checkpoint::CodeRows;
using checkpoint::EncodedTensor;
using checkpoint::TensorSource;

class MappedRows : public EncodedTensor {
 public:
  MappedRows(const TensorSource& source, std::string name, int64_t rows,
             std::function<int64_t(int64_t)> from)
      : source_(source),
        name_(std::move(name)),
        info_(*source.find(name_)),
        inner_(source.encoded(name_)),
        rows_(std::max<int64_t>(1, info_.shape[0])),
        taken_(std::min(rows, rows_)),
        cols_(info_.shape.elements() / rows_),
        from_(std::move(from)) {}

  std::string format() const override {
    return inner_ != nullptr ? inner_->format()
                             : std::string(tensor::name_of(info_.dtype)) + " reordered";
  }
  int64_t stored_bytes() const override {
    const int64_t all = inner_ != nullptr ? inner_->stored_bytes()
                                          : info_.shape.elements() * tensor::size_of(info_.dtype);
    return taken_ == rows_ ? all : all / rows_ * taken_;
  }
  void prefetch() const override {
    if (inner_ != nullptr) inner_->prefetch();
  }
  void drop() const override {
    if (inner_ != nullptr)
      inner_->drop();
    else
      source_.drop(name_);
  }

  bool values(int64_t begin, int64_t end, float* out) const override {
    bool finite = true;
    for (int64_t i = begin; i < end; ++i, out += cols_) {
      const int64_t row = from_(i);
      if (row < 0) {
        std::fill_n(out, cols_, 0.0f);
      } else if (inner_ != nullptr) {
        finite = inner_->values(row, row + 1, out) && finite;
      } else {
        const tensor::View stored = source_.read(name_);
        const std::byte* at = stored.data + row * cols_ * tensor::size_of(info_.dtype);
        finite = load::widen(info_.dtype, at, cols_, out) && finite;
      }
    }
    return finite;
  }

  CodeForm form() const override { return inner_ != nullptr ? inner_->form() : CodeForm{}; }
  void permutation(std::span<int32_t> out) const override { inner_->permutation(out); }

  bool codes(int64_t begin, int64_t end, const CodeRows& out) const override {
    const CodeForm form = inner_->form();
    const int64_t groups = tensor::groups_of(cols_, form.group);
    const bool blocks = form.kind == CodeForm::Kind::blocks;
    const int64_t code_bytes =
        blocks ? cols_ / tensor::block_values(form.blocks) * tensor::block_bytes(form.blocks)
        : form.kind == CodeForm::Kind::int4 ? (cols_ + 1) / 2
                                            : cols_;
    const int64_t scale_bytes = blocks ? 0 : groups * 2;
    const int64_t zero_bytes = form.zero == tensor::ZeroPoint::none ? 0
                               : form.zero == tensor::ZeroPoint::u4 ? (groups + 1) / 2
                                                                    : groups * 2;
    bool finite = true;
    for (int64_t i = 0; i < end - begin; ++i) {
      const CodeRows to = {.codes = out.codes + i * code_bytes,
                           .scales = scale_bytes == 0 ? nullptr : out.scales + i * scale_bytes,
                           .zeros = zero_bytes == 0 ? nullptr : out.zeros + i * zero_bytes};
      const int64_t row = from_(begin + i);
      if (row >= 0) {
        finite = inner_->codes(row, row + 1, to) && finite;
        continue;
      }
      // Scales of zero make zeros of any code.
      std::memset(to.codes, 0, static_cast<size_t>(code_bytes));
      if (scale_bytes > 0) std::memset(to.scales, 0, static_cast<size_t>(scale_bytes));
      if (zero_bytes > 0) std::memset(to.zeros, 0, static_cast<size_t>(zero_bytes));
    }
    return finite;
  }

 private:
  const TensorSource& source_;
  std::string name_;
  checkpoint::TensorInfo info_;
  const EncodedTensor* inner_;
  int64_t rows_;   // stored
  int64_t taken_;  // of them
  int64_t cols_;
  std::function<int64_t(int64_t)> from_;
};

class PairedRows : public EncodedTensor {
 public:
  PairedRows(const TensorSource& source, std::string first, std::string second)
      : source_(source),
        names_{std::move(first), std::move(second)},
        info_(*source.find(names_[0])) {
    const checkpoint::TensorInfo* other = source.find(names_[1]);
    require(other != nullptr, "the checkpoint has no tensor '", names_[1], "'");
    require(other->shape == info_.shape && other->dtype == info_.dtype && info_.shape.rank() >= 2 &&
                load::is_weight_type(info_.dtype) && source.encoded(names_[0]) == nullptr &&
                source.encoded(names_[1]) == nullptr,
            info_.file, ": tensors '", names_[0], "' and '", names_[1],
            "' are no pair of plain values of one shape");
    parts_ = info_.shape[1];
    part_ = info_.shape.elements() / (info_.shape[0] * parts_);
  }

  std::string format() const override {
    return std::string(tensor::name_of(info_.dtype)) + " in two halves";
  }
  int64_t stored_bytes() const override {
    return 2 * info_.shape.elements() * tensor::size_of(info_.dtype);
  }

  bool values(int64_t begin, int64_t end, float* out) const override {
    bool finite = true;
    const tensor::View halves[] = {source_.read(names_[0]), source_.read(names_[1])};
    const int64_t element = tensor::size_of(info_.dtype);
    for (int64_t i = begin * parts_; i < end * parts_; ++i)
      for (const tensor::View& half : halves) {
        finite = load::widen(info_.dtype, half.data + i * part_ * element, part_, out) && finite;
        out += part_;
      }
    return finite;
  }

 private:
  const TensorSource& source_;
  std::string names_[2];
  checkpoint::TensorInfo info_;
  int64_t parts_ = 0;
  int64_t part_ = 0;
};

}  // namespace

std::unique_ptr<EncodedTensor> mapped_rows(const TensorSource& source, const std::string& name,
                                           int64_t rows, std::function<int64_t(int64_t)> from) {
  return std::make_unique<MappedRows>(source, name, rows, std::move(from));
}

std::unique_ptr<EncodedTensor> paired_rows(const TensorSource& source, const std::string& first,
                                           const std::string& second) {
  return std::make_unique<PairedRows>(source, first, second);
}

}  // namespace visavis::models
