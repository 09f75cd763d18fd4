#include "picture/resize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <vector>

#include "base/error.h"
#include "picture/resize_kernels.h"

namespace visavis::picture {
namespace {

RgbImage noise(int64_t width, int64_t height) {
  RgbImage image(width, height);
  uint32_t state = 12345;
  for (uint8_t& value : image.pixels) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<uint8_t>(state >> 24);
  }
  return image;
}

TEST(Resize, EveryKernelGivesTheSameBytes) {
  const RgbImage image = noise(67, 40);
  const std::vector<int16_t> weights = {-900, 3000, 16000, -2500, 700, 84, 0};
  for (int64_t taps = 1; taps <= 7; ++taps) {
    for (const int64_t count : {1, 15, 16, 17, 48, 201}) {
      std::vector<uint8_t> plain(static_cast<size_t>(count));
      std::vector<uint8_t> fast(static_cast<size_t>(count));
      weighted_rows_plain(image.row(3), 201, weights.data(), taps, 14, count, plain.data());
      weighted_rows()(image.row(3), 201, weights.data(), taps, 14, count, fast.data());
      EXPECT_EQ(plain, fast) << taps << " taps, " << count << " bytes";
    }
  }
}

TEST(Resize, TheSameSizeIsTheSamePicture) {
  const RgbImage image = noise(31, 17);
  EXPECT_EQ(resize(image, 31, 17, Filter::bicubic), image);
}

TEST(Resize, AnEvenColourStaysWhatItIs) {
  RgbImage image(50, 30);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = i % 3 == 0 ? 255 : 7;
  for (const Filter filter : {Filter::bilinear, Filter::bicubic, Filter::pillow_bicubic}) {
    for (const auto& [width, height] : {std::pair{13, 9}, {120, 31}, {50, 7}, {3, 30}}) {
      const RgbImage out = resize(image, width, height, filter);
      for (size_t i = 0; i < out.pixels.size(); ++i) {
        ASSERT_EQ(out.pixels[i], i % 3 == 0 ? 255 : 7);
      }
    }
  }
}

/// The definition in floating point, without rounding between the passes: a bound on what fixed
/// point may lose.
double exact_value(const RgbImage& image, int64_t width, int64_t height, int64_t x, int64_t y,
                   int channel) {
  const auto cubic = [](double t) {
    t = std::abs(t);
    if (t < 1) return 1.5 * t * t * t - 2.5 * t * t + 1;
    if (t < 2) return -0.5 * t * t * t + 2.5 * t * t - 4 * t + 2;
    return 0.0;
  };
  const auto weights = [&](int64_t in, int64_t out, int64_t at) {
    const double scale = static_cast<double>(in) / static_cast<double>(out);
    const double stretch = std::max(scale, 1.0);
    std::vector<double> values(static_cast<size_t>(in));
    double total = 0;
    for (int64_t i = 0; i < in; ++i) {
      const double t = (static_cast<double>(i) + 0.5 - scale * (static_cast<double>(at) + 0.5));
      values[static_cast<size_t>(i)] = cubic(t / stretch);
      total += values[static_cast<size_t>(i)];
    }
    for (double& value : values) value /= total;
    return values;
  };
  const std::vector<double> across = weights(image.width, width, x);
  const std::vector<double> down = weights(image.height, height, y);
  double sum = 0;
  for (int64_t row = 0; row < image.height; ++row) {
    double line = 0;
    for (int64_t col = 0; col < image.width; ++col) {
      line += across[static_cast<size_t>(col)] * image.row(row)[col * 3 + channel];
    }
    sum += down[static_cast<size_t>(row)] * std::min(255.0, std::max(0.0, line));
  }
  return std::min(255.0, std::max(0.0, sum));
}

TEST(Resize, BicubicIsWithinRoundingOfItsDefinition) {
  const RgbImage image = noise(29, 23);
  for (const auto& [width, height] : {std::pair{11, 40}, {58, 7}, {29, 10}, {64, 64}}) {
    const RgbImage out = resize(image, width, height, Filter::bicubic);
    const RgbImage fine = resize(image, width, height, Filter::pillow_bicubic);
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        for (int c = 0; c < 3; ++c) {
          const double exact = exact_value(image, width, height, x, y, c);
          ASSERT_NEAR(out.row(y)[x * 3 + c], exact, 1.6);
          ASSERT_NEAR(fine.row(y)[x * 3 + c], exact, 1.2);
        }
      }
    }
  }
}

TEST(Resize, AWindowEqualsTheCutOfTheWhole) {
  const RgbImage image = noise(90, 70);
  base::ThreadPool pool(3);
  for (const auto& [width, height] : {std::pair{45, 100}, {90, 33}, {200, 70}, {90, 70}}) {
    const RgbImage whole = resize(image, width, height, Filter::bicubic);
    const Window window{.left = 7, .top = 5, .width = 21, .height = 20};
    const RgbImage part = resize_window(image, width, height, window, Filter::bicubic, &pool);
    for (int64_t y = 0; y < window.height; ++y) {
      for (int64_t i = 0; i < window.width * 3; ++i) {
        ASSERT_EQ(part.row(y)[i], whole.row(y + window.top)[window.left * 3 + i]);
      }
    }
  }
}

TEST(Resize, TargetsOutOfBoundsAreRefused) {
  const RgbImage image = noise(4, 4);
  EXPECT_THROW(resize(image, 0, 4, Filter::bicubic), Error);
  EXPECT_THROW(resize(image, kMaxResizedSide + 1, 4, Filter::bicubic), Error);
  EXPECT_THROW(resize(image, 30000, 30000, Filter::bicubic), Error);
}

}  // namespace
}  // namespace visavis::picture
