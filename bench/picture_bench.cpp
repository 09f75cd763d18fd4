// Decoding, resizing and cutting of one photograph-sized picture, on one thread and on all.
#include <benchmark/benchmark.h>

#include <string>

#include "base/threads.h"
#include "engine/vision/prepare.h"
#include "picture/decode.h"
#include "picture/encode.h"
#include "picture/resize.h"

namespace {

using namespace visavis;

picture::RgbImage scene(int64_t width, int64_t height) {
  picture::RgbImage image(width, height);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      uint8_t* pixel = image.row(y) + x * 3;
      pixel[0] = static_cast<uint8_t>(x * 7 + y);
      pixel[1] = static_cast<uint8_t>(x / 3 + y * 5);
      pixel[2] = static_cast<uint8_t>((x / 40 + y / 40) % 2 * 200);
    }
  }
  return image;
}

void count_pixels(benchmark::State& state, int64_t pixels) {
  state.counters["Mpixel/s"] = benchmark::Counter(static_cast<double>(pixels) * 1e-6,
                                                  benchmark::Counter::kIsIterationInvariantRate);
}

void decode(benchmark::State& state, const std::string& bytes, int64_t pixels) {
  for (auto _ : state)
    benchmark::DoNotOptimize(picture::decode(bytes, "bench").image.pixels.data());
  count_pixels(state, pixels);
}

void decode_jpeg_12mp(benchmark::State& state) {
  decode(state, picture::encode_jpeg(scene(4000, 3000)), 4000 * 3000);
}
void decode_png_2mp(benchmark::State& state) {
  decode(state, picture::encode_png(scene(1920, 1080)), 1920 * 1080);
}
void decode_webp_2mp(benchmark::State& state) {
  decode(state, picture::encode_webp(scene(1920, 1080)), 1920 * 1080);
}

/// Arguments: source width, height, target width, height, threads (0: all).
void resize(benchmark::State& state) {
  const picture::RgbImage image = scene(state.range(0), state.range(1));
  base::ThreadPool pool(static_cast<int>(state.range(4)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        picture::resize(image, state.range(2), state.range(3), picture::Filter::bicubic, &pool)
            .pixels.data());
  }
  count_pixels(state, state.range(0) * state.range(1));
}

/// Argument: threads (0: all). 12 megapixels to 4000 x 2976 would keep them all; here 1 megapixel.
void prepare_patches(benchmark::State& state) {
  const picture::RgbImage image = scene(4000, 3000);
  base::ThreadPool pool(static_cast<int>(state.range(0)));
  const vision::Preprocessor preprocessor{.type = "Qwen2VLImageProcessor",
                                          .mean = {0.5, 0.5, 0.5},
                                          .std = {0.5, 0.5, 0.5},
                                          .min_pixels = 65536,
                                          .max_pixels = 1 << 20,
                                          .patch_size = 16};
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        vision::prepare_pixels(image, "bench", preprocessor, &pool).values().data());
  }
  count_pixels(state, 4000 * 3000);
}

BENCHMARK(decode_jpeg_12mp)->Unit(benchmark::kMillisecond);
BENCHMARK(decode_png_2mp)->Unit(benchmark::kMillisecond);
BENCHMARK(decode_webp_2mp)->Unit(benchmark::kMillisecond);
BENCHMARK(resize)
    ->Args({4000, 3000, 1152, 864, 1})
    ->Args({4000, 3000, 1152, 864, 0})
    ->Args({1024, 683, 1024, 672, 1})
    ->Args({640, 480, 448, 336, 1})
    ->Args({256, 256, 1024, 1024, 1})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(prepare_patches)->Arg(1)->Arg(0)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
