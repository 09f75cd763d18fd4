// Integer codes with a scale, and perhaps a zero point, per group of inputs: what AWQ, GPTQ and
// compressed-tensors have in common once their own packing is undone.
//   value = (code - zero) * scale, computed in f32
#pragma once

#include <cstdint>
#include <vector>

#include "engine/quant/module.h"

namespace visavis::quant {

struct Grouping {
  std::string name;  // of the format
  int bits = 4;      // 4 or 8
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t group = 0;                   // inputs per scale; 0 = the whole row
  int zero = -1;                       // of all groups, -1: they have their own
  std::vector<int32_t> group_of = {};  // of each input, where groups are no runs of inputs

  int64_t groups() const { return tensor::groups_of(cols, group); }
};

class GroupedTensor : public checkpoint::EncodedTensor {
 public:
  std::string format() const override;
  int64_t stored_bytes() const override { return module_.stored_bytes(); }
  bool values(int64_t begin, int64_t end, float* out) const override;
  checkpoint::CodeForm form() const override { return form_; }
  bool codes(int64_t begin, int64_t end, const checkpoint::CodeRows& out) const override;
  void permutation(std::span<int32_t> out) const override;
  void prefetch() const override { module_.prefetch(); }
  void drop() const override { module_.drop(); }

 protected:
  GroupedTensor(Module module, Grouping grouping)
      : module_(std::move(module)), grouping_(std::move(grouping)) {}
  /// Called once by the format after its own members are set; reads scales that are not f16.
  void settle(bool f16_scales);
  const Grouping& grouping() const { return grouping_; }

  /// Codes of rows [begin, end), one byte each, unsigned, in the order of the inputs.
  virtual void unpack(int64_t begin, int64_t end, uint8_t* out) const = 0;
  virtual float scale(int64_t row, int64_t group) const = 0;
  /// Only if the groups have zero points of their own.
  virtual int zero(int64_t row, int64_t group) const = 0;

 private:
  Module module_;
  Grouping grouping_;
  checkpoint::CodeForm form_;
  std::vector<int32_t> order_;  // inputs sorted by their group, empty if they are
};

/// The group of each input as a tensor of indices says; empty if groups are runs of `group`
/// inputs. Throws Error for an index beyond `groups`.
std::vector<int32_t> read_group_index(Module& module, const char* ending, int64_t cols,
                                      int64_t group, int64_t groups);

}  // namespace visavis::quant
