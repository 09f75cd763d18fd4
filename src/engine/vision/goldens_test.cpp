// Every golden picture under every golden setting, against what the oracle computed
// (tools/oracle/README.md tells the format of pictures.json).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <span>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "engine/checkpoint/safetensors.h"
#include "engine/vision/prepare.h"
#include "picture/decode.h"

namespace visavis::vision {
namespace {

const std::filesystem::path kSource(VISAVIS_SOURCE_DIR);
const std::filesystem::path kData = kSource / "tests/data";
const std::filesystem::path kGoldens = VISAVIS_GOLDENS_DIR;

// Drawn test pictures lie in tests/data, photographs in the demo suite that shows them.
std::filesystem::path path_of(const std::string& file) {
  return (file.starts_with("photographs/") ? kSource / "suites/demo" : kData) / file;
}

const base::Json& goldens() {
  static const base::Json document = base::read_json(kGoldens / "pictures.json");
  return document;
}

template <class T>
std::string hash_of(const std::vector<T>& values) {
  base::Sha256 hash;
  hash.update(std::as_bytes(std::span(values)));
  return hash.finish();
}

/// The grey levels behind the values as planes [3, height, width], patches put back in place.
std::vector<uint8_t> levels_of(const Patches& out, const Preprocessor& p) {
  const Geometry& g = out.geometry;
  const std::vector<float> values = out.values();
  std::vector<uint8_t> planes(static_cast<size_t>(3 * g.height * g.width));
  const auto level = [&](float value, size_t c) {
    return static_cast<uint8_t>(
        std::lround((static_cast<double>(value) * p.std[c] + p.mean[c]) * 255));
  };
  size_t at = 0;
  for (size_t c = 0; c < 3; ++c) {
    for (int64_t y = 0; y < g.height; ++y) {
      for (int64_t x = 0; x < g.width; ++x, ++at) {
        if (p.scheme == Scheme::centre_crop) {
          planes[at] = level(values[at], c);
          continue;
        }
        const int64_t size = p.patch_size;
        const int64_t block = size * p.merge_size;
        const int64_t row =
            ((y / block * (g.width / block) + x / block) * p.merge_size + y % block / size) *
                p.merge_size +
            x % block / size;
        const int64_t inside =
            (static_cast<int64_t>(c) * p.temporal_copies * size + y % size) * size + x % size;
        planes[at] = level(values[static_cast<size_t>(row * out.layout.row_values() + inside)], c);
      }
    }
  }
  return planes;
}

TEST(PictureGoldens, EveryDecodedPictureEqualsTheOracles) {
  ASSERT_GT(goldens().at("pictures").size(), 50u);
  for (const base::Json& golden : goldens().at("pictures")) {
    const std::string file = golden.at("file");
    SCOPED_TRACE(file);
    const picture::RgbImage image = picture::decode(base::read_file(path_of(file)), file).image;
    EXPECT_EQ(image.width, golden.at("width").get<int64_t>());
    EXPECT_EQ(image.height, golden.at("height").get<int64_t>());
    EXPECT_EQ(hash_of(image.pixels), golden.at("rgb_sha256").get<std::string>());
  }
}

TEST(PictureGoldens, EveryPixelTensorEqualsTheOraclesBitForBit) {
  const auto tensors = checkpoint::open_safetensors_file(kGoldens / "pictures.safetensors");
  int64_t compared = 0;
  int64_t off = 0;
  int worst = 0;
  int outputs = 0;
  for (const base::Json& golden : goldens().at("pictures")) {
    const std::string file = golden.at("file");
    const std::string bytes = base::read_file(path_of(file));
    for (const auto& [setting, expected] : golden.at("outputs").items()) {
      SCOPED_TRACE(file + " " + setting);
      const Preprocessor p = parse_preprocessor(
          checkpoint::ConfigReader(goldens().at("settings").at(setting), setting));
      if (expected.contains("error")) {
        EXPECT_THROW(prepare_picture(bytes, file, p, base::steady_clock()), Error);
        continue;
      }
      ++outputs;
      const Patches out = prepare_picture(bytes, file, p, base::steady_clock());
      ASSERT_EQ(out.geometry.width, expected.at("width").get<int64_t>());
      ASSERT_EQ(out.geometry.height, expected.at("height").get<int64_t>());
      if (expected.contains("grid_thw")) {
        EXPECT_EQ(expected.at("grid_thw"),
                  base::Json::array({1, out.geometry.grid_h, out.geometry.grid_w}));
      }
      EXPECT_EQ(hash_of(out.values()), expected.at("f32_sha256").get<std::string>());
      const std::vector<uint8_t> levels = levels_of(out, p);
      EXPECT_EQ(hash_of(levels), expected.at("levels_sha256").get<std::string>());

      const std::string name = std::filesystem::path(file).filename().string() + "/" + setting;
      const tensor::View sample = tensors->read(name);
      const auto stride = expected.at("stride").get<int64_t>();
      for (int64_t i = 0; i < sample.shape.elements(); ++i) {
        const int difference =
            std::abs(int{sample.as<uint8_t>()[i]} - int{levels[static_cast<size_t>(i * stride)]});
        worst = std::max(worst, difference);
        off += difference != 0;
        ++compared;
      }
    }
  }
  RecordProperty("outputs", outputs);
  RecordProperty("sampled_levels", static_cast<int>(compared));
  EXPECT_GT(outputs, 300);
  EXPECT_LE(worst, 1);
  EXPECT_LE(off * 1000, compared);
}

TEST(PictureGoldens, TheSettingsOfEveryGoldenCheckpointPreparePicturesAsTheOracleDoes) {
  int pictures = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kGoldens / "models")) {
    if (!entry.is_directory()) continue;
    SCOPED_TRACE(entry.path().filename().string());
    const Preprocessor p = read_preprocessor(entry.path());
    const base::Json golden = base::read_json(entry.path().string() + ".json");
    for (const auto& [file, expected] : golden.at("pictures").items()) {
      SCOPED_TRACE(file);
      const std::string bytes = base::read_file(kData / "pictures" / file);
      const Patches out = prepare_picture(bytes, file, p, base::steady_clock());
      // A reference of ours gives the resized bytes instead of what they are divided into.
      if (expected.contains("rgb_sha256")) {
        EXPECT_EQ(hash_of(out.pixels.pixels), expected["rgb_sha256"].get<std::string>());
      } else {
        EXPECT_EQ(hash_of(out.values()), expected.at("f32_sha256").get<std::string>());
      }
      ++pictures;
    }
  }
  EXPECT_GE(pictures, 40);
}

}  // namespace
}  // namespace visavis::vision
