// compare_tensors PACKED PLAIN: two checkpoint folders that must hold the same tensors, the first
// in any format, the second in plain values. Prints what differs and ends with 1. Values must be
// equal to the bit; codes that a layout keeps must stand for the same values, but for a rounding of
// their scale to f16 (half a step).
#include <cmath>
#include <cstring>
#include <exception>
#include <iostream>
#include <vector>

#include "base/error.h"
#include "engine/load/loss.h"
#include "engine/load/widen.h"
#include "engine/models/families.h"

namespace visavis {
namespace {

std::vector<float> values_of(const checkpoint::TensorSource& source,
                             const checkpoint::TensorInfo& info) {
  std::vector<float> values(static_cast<size_t>(info.shape.elements()));
  const int64_t rows = info.shape.rank() == 0 ? 1 : info.shape[0];
  bool finite = false;
  if (const checkpoint::EncodedTensor* encoded = source.encoded(info.name))
    finite = encoded->values(0, rows, values.data());
  else
    finite =
        load::widen(info.dtype, source.read(info.name).data, info.shape.elements(), values.data());
  require(finite, info.file, ": tensor '", info.name, "' holds NaN or infinity");
  return values;
}

int compare(const std::string& packed_folder, const std::string& plain_folder) {
  const auto packed = models::open_tensors(packed_folder);
  const auto plain = models::open_tensors(plain_folder);
  int differing = 0;
  int encoded_count = 0;
  require(packed->tensors().size() == plain->tensors().size(), packed_folder, " has ",
          packed->tensors().size(), " tensors, wanted ", plain->tensors().size());
  for (const checkpoint::TensorInfo& wanted : plain->tensors()) {
    const checkpoint::TensorInfo* found = packed->find(wanted.name);
    require(found != nullptr && found->shape == wanted.shape, packed_folder, ": tensor '",
            wanted.name, "' is missing or has another shape than ", wanted.shape.text());
    const std::vector<float> values = values_of(*plain, wanted);
    if (values_of(*packed, *found) != values) {
      std::cout << wanted.name << ": values differ\n";
      ++differing;
    }
    const checkpoint::EncodedTensor* encoded = packed->encoded(wanted.name);
    if (encoded == nullptr) continue;
    ++encoded_count;
    if (encoded->form().kind == checkpoint::CodeForm::Kind::none) continue;
    const int64_t rows = wanted.shape[0];
    const std::vector<float> kept =
        load::kept_values(*encoded, 0, rows, wanted.shape.elements() / rows);
    float worst = 0;
    for (size_t i = 0; i < kept.size(); ++i)
      if (values[i] != kept[i])
        worst = std::max(worst, std::fabs(kept[i] - values[i]) / std::fabs(values[i]));
    if (!(worst <= 0x1.01p-11f)) {
      std::cout << wanted.name << ": kept codes stand for other values, off by " << worst << "\n";
      ++differing;
    }
  }
  std::cout << encoded_count << " tensors in codes, " << differing << " differ\n";
  return differing == 0 ? 0 : 1;
}

}  // namespace
}  // namespace visavis

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: compare_tensors PACKED PLAIN\n";
    return 2;
  }
  try {
    return visavis::compare(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::cerr << "compare_tensors: " << error.what() << "\n";
    return 1;
  }
}
