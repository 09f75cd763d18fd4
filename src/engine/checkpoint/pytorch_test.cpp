// Pickles and archives that must be refused, each with one line that names what is wrong. Good
// files come from tools/formats/pytorch_file.py by way of tests/e2e/formats_test.py.
#include "engine/checkpoint/pytorch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace visavis::checkpoint {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

std::vector<PickledTensor> run(const std::string& program) {
  return run_pickle(std::as_bytes(std::span(program)), "f.bin");
}

std::string refusal(const std::string& program) {
  try {
    run(program);
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return "accepted";
}

std::string text(const std::string& value) {
  return "\x8c"s + static_cast<char>(value.size()) + value;
}
std::string name(const std::string& module, const std::string& entry) {
  return "c" + module + "\n" + entry + "\n";
}
// A storage of 12 floats.
const std::string kStorage = "(" + text("storage") + name("torch", "FloatStorage") + text("0") +
                             text("cpu") + "K\x0c" + "tQ";
// [rows, cols] from element `first` on, with these strides.
std::string tensor(char rows, char cols, char row_step, char col_step, char first,
                   const std::string& storage = kStorage) {
  return name("torch._utils", "_rebuild_tensor_v2") + "(" + storage + "K" + first + "K" + rows +
         "K" + cols + "\x86" + "K" + row_step + "K" + col_step + "\x86" + "\x89" + "tR";
}
std::string dictionary(const std::string& value) { return "\x80\x02}" + text("a") + value + "s."; }

TEST(Pickle, GivesTheTensorsOfADictionary) {
  const auto tensors = run(dictionary(tensor(2, 5, 5, 1, 2)));
  ASSERT_EQ(tensors.size(), 1u);
  EXPECT_EQ(tensors[0].name, "a");
  EXPECT_EQ(tensors[0].shape, (tensor::Shape{2, 5}));
  EXPECT_EQ(tensors[0].first, 2);
  EXPECT_EQ(tensors[0].storage, "0");
  EXPECT_EQ(run("\x80\x02}" + text("state_dict") + "}" + text("a") + tensor(1, 1, 1, 1, 0) + "ss.")
                .size(),
            1u);
}

TEST(Pickle, NothingElseIsBuiltOrCalled) {
  EXPECT_THAT(refusal("\x80\x02" + name("os", "system") + text("id") + "\x85R."),
              HasSubstr("wants 'os.system', which is not allowed"));
  EXPECT_THAT(refusal("\x80\x02" + name("builtins", "eval") + text("1") + "\x85R."),
              HasSubstr("wants 'builtins.eval'"));
  EXPECT_THAT(refusal(text("torch") + text("load") + "\x93."), HasSubstr("wants 'torch.load'"));
  EXPECT_THAT(refusal(name("torch", "FloatStorage") + ")R."), HasSubstr("calls a storage type"));
  EXPECT_THAT(refusal(name("collections", "OrderedDict") + "K\1\x85R."),
              HasSubstr("with arguments"));
  EXPECT_THAT(refusal("i"), HasSubstr("has opcode 105 at byte 0, which is not allowed"));
  EXPECT_THAT(refusal("\x80\x02}K\1\x81."), HasSubstr("opcode 129"));  // NEWOBJ
  EXPECT_THAT(refusal(dictionary("K\1")), HasSubstr("entry 0 is no tensor with a name"));
  EXPECT_THAT(refusal("\x80\x02)."), HasSubstr("builds no dictionary"));
}

TEST(Pickle, TensorsMustFitTheirStorage) {
  EXPECT_THAT(refusal(dictionary(tensor(3, 5, 5, 1, 0))),
              HasSubstr("a tensor of shape [3, 5] does not fit storage '0' of 12 elements"));
  EXPECT_THAT(refusal(dictionary(tensor(2, 5, 5, 1, 3))), HasSubstr("begins at element 3"));
  EXPECT_THAT(refusal(dictionary(tensor(2, 5, 1, 2, 0))), HasSubstr("is not contiguous"));
  const std::string huge = "(" + text("storage") + name("torch", "FloatStorage") + text("0") +
                           text("cpu") + "\x8a\x08"s + std::string(7, '\xff') + "\x7f" + "tQ";
  EXPECT_EQ(refusal(dictionary(tensor(2, 5, 5, 1, 3, huge))), "accepted");  // the archive decides
}

TEST(Pickle, EndsAndStacksAreChecked) {
  EXPECT_THAT(refusal(""), HasSubstr("ends inside a value"));
  EXPECT_THAT(refusal("X\xff\xff\xff\xffx"), HasSubstr("ends inside a value"));
  EXPECT_THAT(refusal("R"), HasSubstr("takes from an empty stack"));
  EXPECT_THAT(refusal("t"), HasSubstr("closes what it did not open"));
  EXPECT_THAT(refusal("h\1"), HasSubstr("asks for value 1, which it did not make"));
  EXPECT_THAT(refusal("K\1K\1."), HasSubstr("leaves 2 values"));
  // A list inside itself and a tower of tuples are nobody's business.
  EXPECT_NE(refusal("]q\0h\0a."s), "accepted");
  EXPECT_NE(refusal("N" + std::string(100000, '\x85') + "."), "accepted");
  const std::string whole = dictionary(tensor(2, 5, 5, 1, 2));
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(refusal(whole.substr(0, size)), "accepted") << size;
}

TEST(Zip, DirectoriesAreChecked) {
  const auto refuse = [](const std::string& bytes) {
    try {
      parse_zip(std::as_bytes(std::span(bytes)), "f.bin");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  const auto end = [](uint16_t count, uint32_t begin) {
    std::string out = "PK\5\6"s + std::string(18, '\0');
    out[10] = static_cast<char>(count);
    for (int i = 0; i < 4; ++i)
      out[static_cast<size_t>(16 + i)] = static_cast<char>(begin >> 8 * i);
    return out;
  };
  EXPECT_THAT(refuse("PK"), HasSubstr("has 2 bytes"));
  EXPECT_THAT(refuse(std::string(100, 'x')), HasSubstr("is no zip archive"));
  EXPECT_EQ(refuse(end(0, 0)), "accepted");
  EXPECT_THAT(refuse(end(9, 0)), HasSubstr("claims 9 entries"));
  EXPECT_THAT(refuse(std::string(100, 'x') + end(1, 200)), HasSubstr("points to byte 200 of 122"));
  EXPECT_THAT(refuse(std::string(100, 'x') + end(1, 0)), HasSubstr("directory is damaged"));
  EXPECT_THAT(refuse(std::string(100, 'x') + end(1, 0xFFFFFFFF)), HasSubstr("no 64-bit directory"));
}

}  // namespace
}  // namespace visavis::checkpoint
