#include "engine/checkpoint/gguf.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <system_error>

#include "base/error.h"
#include "base/mmap.h"
#include "engine/checkpoint/mapped_source.h"
#include "engine/tensor/block_format.h"

namespace visavis::checkpoint {
namespace {

namespace fs = std::filesystem;
using tensor::BlockFormat;
using tensor::DType;

// The 32 codes of a Q5_0 block behind its scale, -16..15: a word of fifth bits, then nibbles.
void read_five_bits(const std::byte* packed, std::byte* codes) {
  for (int i = 0; i < 32; ++i) {
    const auto low = std::to_integer<int>(packed[4 + i % 16] >> (i < 16 ? 0 : 4)) & 15;
    const auto high = std::to_integer<int>(packed[i / 8] >> (i % 8)) & 1;
    codes[i] = static_cast<std::byte>((low | high << 4) - 16);
  }
}

// Rows of blocks. Q4_0, Q5_0 and Q8_0 are int4 and int8 in groups of 32, the others stay blocks.
class Blocks : public EncodedTensor {
 public:
  Blocks(const base::MappedFile& file, const GgufTensor& tensor)
      : file_(file),
        begin_(tensor.begin),
        bytes_(tensor.end - tensor.begin),
        name_(tensor.type->name),
        format_(*tensor.type->blocks),
        blocks_(tensor.shape.elements() / tensor.shape[0] / tensor::block_values(format_)),
        row_bytes_(blocks_ * tensor::block_bytes(format_)) {}

  std::string format() const override { return "GGUF " + name_; }
  int64_t stored_bytes() const override { return bytes_; }
  void prefetch() const override { file_.prefetch(begin_, bytes_); }
  void drop() const override { file_.drop(begin_, bytes_); }

  bool values(int64_t begin, int64_t end, float* out) const override {
    const int64_t block = tensor::block_values(format_);
    bool finite = true;
    for (int64_t i = begin * blocks_; i < end * blocks_; ++i) {
      tensor::dequantize_block(format_, at(i), out);
      for (int64_t v = 0; v < block; ++v) finite = finite && std::isfinite(out[v]);
      out += block;
    }
    return finite;
  }

  CodeForm form() const override {
    CodeForm form;
    form.group = 32;
    form.kind = format_ == BlockFormat::q4_0 ? CodeForm::Kind::int4
                : format_ == BlockFormat::q5_0 || format_ == BlockFormat::q8_0
                    ? CodeForm::Kind::int8
                    : CodeForm::Kind::blocks;
    form.blocks = format_;
    // One group that is the whole row is called so.
    if (form.kind != CodeForm::Kind::blocks && blocks_ == 1) form.group = 0;
    return form;
  }

  bool codes(int64_t begin, int64_t end, const CodeRows& out) const override {
    const CodeForm::Kind kind = form().kind;
    if (kind == CodeForm::Kind::blocks) {
      std::memcpy(out.codes, at(begin * blocks_), static_cast<size_t>((end - begin) * row_bytes_));
      std::vector<float> row(static_cast<size_t>(blocks_ * tensor::block_values(format_)));
      bool finite = true;
      for (int64_t i = begin; i < end; ++i) finite = values(i, i + 1, row.data()) && finite;
      return finite;
    }
    bool finite = true;
    for (int64_t i = 0; i < (end - begin) * blocks_; ++i) {
      const std::byte* block = at(begin * blocks_ + i);
      tensor::F16 scale;
      std::memcpy(&scale.bits, block, 2);
      finite = finite && std::isfinite(tensor::to_float(scale));
      std::memcpy(out.scales + 2 * i, block, 2);
      const std::byte* packed = block + 2;
      if (format_ == BlockFormat::q5_0) {
        read_five_bits(packed, out.codes + 32 * i);
        continue;
      }
      if (kind == CodeForm::Kind::int8) {
        std::memcpy(out.codes + 32 * i, packed, 32);
        continue;
      }
      // Byte j of a block holds values j and j + 16; ours are neighbours.
      for (int half = 0; half < 2; ++half)
        for (int j = 0; j < 8; ++j) {
          const auto low = packed[2 * j] >> (4 * half) & std::byte{15};
          const auto high = packed[2 * j + 1] >> (4 * half) & std::byte{15};
          out.codes[16 * i + 8 * half + j] = low | high << 4;
        }
    }
    return finite;
  }

 private:
  const std::byte* at(int64_t block) const {
    return file_.bytes().data() + begin_ + block * tensor::block_bytes(format_);
  }

  const base::MappedFile& file_;
  int64_t begin_;
  int64_t bytes_;
  std::string name_;
  BlockFormat format_;
  int64_t blocks_;  // of a row
  int64_t row_bytes_;
};

void add(MappedSource& source, const fs::path& path) {
  auto file = std::make_unique<base::MappedFile>(path);
  std::vector<MappedTensor> tensors;
  for (const GgufTensor& tensor : parse_gguf(file->bytes(), path.string()).tensors) {
    tensors.push_back({tensor.name, tensor.type->plain.value_or(DType::f16), tensor.shape,
                       tensor.begin, tensor.end});
    if (tensor.type->blocks) tensors.back().encoded = std::make_unique<Blocks>(*file, tensor);
  }
  source.add(std::move(file), std::move(tensors));
}

}  // namespace

std::vector<fs::path> gguf_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().extension() == ".gguf" && entry.is_regular_file(ignored))
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

bool has_gguf(const fs::path& folder) { return !gguf_files(folder).empty(); }

std::unique_ptr<TensorSource> open_gguf(const fs::path& folder) {
  const std::vector<fs::path> files = gguf_files(folder);
  require(!files.empty(), "'", folder.string(), "': found no *.gguf file");
  auto source = std::make_unique<MappedSource>();
  for (const fs::path& file : files) add(*source, file);
  source->finish();
  return source;
}

}  // namespace visavis::checkpoint
