#include "engine/ops/cuda/ceilings.h"

#include <algorithm>
#include <functional>

#include "engine/ops/cuda/device.h"
#include "engine/ops/cuda/matrix_library.h"
#include "engine/ops/cuda/memory.h"

namespace visavis::ops::cuda {
namespace {

constexpr int64_t kReadBytes = int64_t{1} << 30;
constexpr int kRounds = 20000;

// A stream and two events of its own, so that the Ops need not exist.
class Probe final : public CeilingProbe {
 public:
  explicit Probe(const Device& device) : device_(device) {}
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  ~Probe() override {
    if (stream_ == nullptr) return;
    cudaStreamSynchronize(stream_);
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
    cudaStreamDestroy(stream_);
  }

  Ceilings measure() override {
    prepare();
    const Context context{stream_, device_, nullptr};
    return {.bytes_per_second = best_read(10),
            .flops_per_second = best_rate(
                5, [&] { return run_multiply_loop(kRounds, memory_.as<float>(), context); }),
            .int8_ops_per_second =
                best_rate(5, [&] { return run_dot_loop(kRounds, memory_.as<float>(), context); }),
            .bf16_flops_per_second = best_matrix_rate(),
            .int8_instruction = "dp4a"};
  }

  double read_rate() override {
    prepare();
    return best_read(3);
  }

  int64_t bytes() const override { return memory_.bytes(); }

 private:
  void prepare() {
    use_device(device_.index);
    if (stream_ != nullptr) return;
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream");
    check(cudaEventCreate(&begin_), "creating an event");
    check(cudaEventCreate(&end_), "creating an event");
    memory_ = allocate_device(kReadBytes, device_.index, std::make_shared<Counters>());
    run_fill_loop(memory_.data(), kReadBytes, {stream_, device_, nullptr});
  }

  double best_read(int passes) {
    const Context context{stream_, device_, nullptr};
    return best_rate(passes, [&] {
      run_read_loop(memory_.data(), kReadBytes, memory_.as<float>(), context);
      return static_cast<double>(kReadBytes);
    });
  }

  // Of 16-bit floats: bf16, on Turing f16. A large product by cuBLASLt; 0 without the library.
  double best_matrix_rate() {
    const std::unique_ptr<MatrixLibrary> library = MatrixLibrary::open();
    if (library == nullptr) return 0;
    constexpr int64_t kSide = 8192;
    constexpr int64_t kMatrixBytes = kSide * kSide * 2;
    static_assert(4 * kMatrixBytes <= kReadBytes);
    std::byte* const data = memory_.data();
    const MatrixProduct product{.type = device_.sm < 80 ? MatrixType::f16 : MatrixType::bf16,
                                .y_f32 = false,
                                .rows = kSide,
                                .n = kSide,
                                .cols = kSide,
                                .w = data,
                                .w_row = kSide,
                                .x = data + kMatrixBytes,
                                .x_row = kSide,
                                .y = data + 2 * kMatrixBytes,
                                .y_row = kSide};
    bool known = true;
    const double rate = best_rate(5, [&] {
      known = library->multiply(product, data + 3 * kMatrixBytes, kMatrixBytes, stream_);
      return 2.0 * kSide * kSide * kSide;
    });
    return known ? rate : 0;
  }

  // The best of some passes; each queues work and says how much.
  double best_rate(int passes, const std::function<double()>& queue) {
    double best = 0;
    for (int i = 0; i < passes; ++i) {
      check(cudaEventRecord(begin_, stream_), "recording an event");
      const double work = queue();
      check(cudaEventRecord(end_, stream_), "recording an event");
      check(cudaEventSynchronize(end_), "waiting for the device");
      float milliseconds = 0;
      check(cudaEventElapsedTime(&milliseconds, begin_, end_), "reading the time");
      best = std::max(best, work / (static_cast<double>(milliseconds) * 1e-3));
    }
    return best;
  }

  Device device_;
  cudaStream_t stream_ = nullptr;
  cudaEvent_t begin_ = nullptr;
  cudaEvent_t end_ = nullptr;
  tensor::Buffer memory_;
};

}  // namespace

std::unique_ptr<CeilingProbe> make_ceiling_probe(const Device& device) {
  return std::make_unique<Probe>(device);
}

}  // namespace visavis::ops::cuda
