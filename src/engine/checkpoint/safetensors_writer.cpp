#include "engine/checkpoint/safetensors_writer.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "base/json.h"

namespace visavis::checkpoint {
namespace {

using tensor::DType;

std::string_view header_name(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "F32";
    case DType::f16:
      return "F16";
    case DType::bf16:
      return "BF16";
    case DType::f64:
      return "F64";
    case DType::i64:
      return "I64";
    case DType::i32:
      return "I32";
    case DType::i16:
      return "I16";
    case DType::i8:
      return "I8";
    case DType::u8:
      return "U8";
    case DType::boolean:
      return "BOOL";
    case DType::f8_e4m3:
      return "F8_E4M3";
    case DType::f8_e5m2:
      return "F8_E5M2";
  }
  return "?";
}

}  // namespace

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path,
                                     const std::vector<TensorSpec>& tensors,
                                     const Metadata& metadata)
    : path_(path), temporary_(path) {
  base::Json header = base::Json::object();
  if (!metadata.empty()) {
    base::Json pairs = base::Json::object();
    for (const auto& [key, value] : metadata) pairs[key] = value;
    header["__metadata__"] = pairs;
  }
  int64_t offset = 0;
  for (const TensorSpec& spec : tensors) {
    require(!header.contains(spec.name), path.string(), ": tensor '", spec.name,
            "' is declared twice");
    base::Json shape = base::Json::array();
    for (int axis = 0; axis < spec.shape.rank(); ++axis) shape.push_back(spec.shape[axis]);
    header[spec.name] = {{"dtype", header_name(spec.dtype)},
                         {"shape", shape},
                         {"data_offsets", {offset, offset + spec.bytes()}}};
    offset += spec.bytes();
  }
  std::string text = base::dump_json(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');  // keeps the data aligned to 8 bytes

  temporary_ += ".tmp";
  file_.reset(std::fopen(temporary_.c_str(), "wb"));
  if (file_ == nullptr) fail_to_write();
  missing_ = static_cast<int64_t>(text.size()) + offset;
  const uint64_t length = text.size();
  if (std::fwrite(&length, 8, 1, file_.get()) != 1) fail_to_write();
  write(std::as_bytes(std::span(text)));
}

SafetensorsWriter::~SafetensorsWriter() {
  if (file_ == nullptr) return;
  file_.reset();
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

void SafetensorsWriter::fail_to_write() const {
  fail("cannot write '", path_.string(), "': ", std::strerror(errno));
}

void SafetensorsWriter::write(std::span<const std::byte> bytes) {
  require(static_cast<int64_t>(bytes.size()) <= missing_, path_.string(), ": ", bytes.size(),
          " bytes of data came, the header leaves room for ", missing_);
  if (!bytes.empty() && std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size())
    fail_to_write();
  missing_ -= static_cast<int64_t>(bytes.size());
}

void SafetensorsWriter::finish() {
  require(missing_ == 0, path_.string(), ": ", missing_, " bytes of declared data did not come");
  if (std::fflush(file_.get()) != 0 || ::fsync(::fileno(file_.get())) != 0) fail_to_write();
  file_.reset();
  std::error_code error;
  std::filesystem::rename(temporary_, path_, error);
  require(!error, "cannot write '", path_.string(), "': ", error.message());
}

void write_safetensors(const std::filesystem::path& path,
                       const std::vector<std::pair<std::string, tensor::View>>& tensors,
                       const Metadata& metadata) {
  std::vector<TensorSpec> specs;
  for (const auto& [name, view] : tensors) specs.push_back({name, view.dtype, view.shape});
  SafetensorsWriter writer(path, specs, metadata);
  for (const auto& [name, view] : tensors)
    writer.write({view.data, static_cast<size_t>(view.bytes())});
  writer.finish();
}

}  // namespace visavis::checkpoint
