#include "engine/ops/cuda/matrix_library.h"

#include <cublasLt.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/error.h"

namespace visavis::ops::cuda {
namespace {

// The functions of cuBLASLt that this file calls, under their own names.
struct Functions {
  decltype(&cublasLtCreate) create = nullptr;
  decltype(&cublasLtDestroy) destroy = nullptr;
  decltype(&cublasLtMatmulDescCreate) desc_create = nullptr;
  decltype(&cublasLtMatmulDescDestroy) desc_destroy = nullptr;
  decltype(&cublasLtMatmulDescSetAttribute) desc_set = nullptr;
  decltype(&cublasLtMatrixLayoutCreate) layout_create = nullptr;
  decltype(&cublasLtMatrixLayoutDestroy) layout_destroy = nullptr;
  decltype(&cublasLtMatrixLayoutSetAttribute) layout_set = nullptr;
  decltype(&cublasLtMatmulPreferenceCreate) preference_create = nullptr;
  decltype(&cublasLtMatmulPreferenceDestroy) preference_destroy = nullptr;
  decltype(&cublasLtMatmulPreferenceSetAttribute) preference_set = nullptr;
  decltype(&cublasLtMatmulAlgoGetHeuristic) heuristic = nullptr;
  decltype(&cublasLtMatmul) matmul = nullptr;
};

template <class F>
bool find(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  return function != nullptr;
}

bool find_all(void* library, Functions& f) {
  return find(library, "cublasLtCreate", f.create) && find(library, "cublasLtDestroy", f.destroy) &&
         find(library, "cublasLtMatmulDescCreate", f.desc_create) &&
         find(library, "cublasLtMatmulDescDestroy", f.desc_destroy) &&
         find(library, "cublasLtMatmulDescSetAttribute", f.desc_set) &&
         find(library, "cublasLtMatrixLayoutCreate", f.layout_create) &&
         find(library, "cublasLtMatrixLayoutDestroy", f.layout_destroy) &&
         find(library, "cublasLtMatrixLayoutSetAttribute", f.layout_set) &&
         find(library, "cublasLtMatmulPreferenceCreate", f.preference_create) &&
         find(library, "cublasLtMatmulPreferenceDestroy", f.preference_destroy) &&
         find(library, "cublasLtMatmulPreferenceSetAttribute", f.preference_set) &&
         find(library, "cublasLtMatmulAlgoGetHeuristic", f.heuristic) &&
         find(library, "cublasLtMatmul", f.matmul);
}

void* open_library() {
  const std::string name = "libcublasLt.so." + std::to_string(CUBLAS_VER_MAJOR);
  // The toolkit's own folder is often not among those that the loader searches.
  std::vector<std::string> places = {name, "/usr/local/cuda/lib64/" + name};
  if (const char* toolkit = std::getenv("CUDA_PATH"))
    places.push_back(std::string(toolkit) + "/lib64/" + name);
  for (const std::string& place : places) {
    if (void* library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
  }
  return nullptr;
}

// Opened once and kept; null where there is none.
const Functions* loaded() {
  static const std::optional<Functions> functions = []() -> std::optional<Functions> {
    Functions found;
    void* library = open_library();
    if (library == nullptr || !find_all(library, found)) return std::nullopt;
    return found;
  }();
  return functions ? &*functions : nullptr;
}

cudaDataType_t data_type(MatrixType type) {
  switch (type) {
    case MatrixType::f32:
      return CUDA_R_32F;
    case MatrixType::bf16:
      return CUDA_R_16BF;
    case MatrixType::f16:
      return CUDA_R_16F;
  }
  return CUDA_R_32F;
}

void require(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw Error(std::string("CUDA: ") + what + " failed with status " +
              std::to_string(static_cast<int>(status)));
}

uint32_t alignment(const void* pointer) {
  const auto address = reinterpret_cast<uintptr_t>(pointer);
  return static_cast<uint32_t>(std::min<uintptr_t>(256, address & (~address + 1)));
}

// What a choice of kernel depends on.
using Key =
    std::tuple<int, bool, bool, bool, bool, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t,
               int64_t, int64_t, int64_t, int64_t, uint32_t, uint32_t, uint32_t, size_t>;

struct Plan {
  cublasLtMatmulDesc_t desc = nullptr;
  cublasLtMatrixLayout_t w = nullptr;
  cublasLtMatrixLayout_t x = nullptr;
  cublasLtMatrixLayout_t y = nullptr;
  cublasLtMatmulAlgo_t algo{};
  bool found = false;
};

class Library : public MatrixLibrary {
 public:
  explicit Library(const Functions& functions) : f_(functions) {
    require(f_.create(&handle_), "cublasLtCreate");
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() override {
    for (auto& [key, plan] : plans_) release(plan);
    f_.destroy(handle_);
  }

  bool multiply(const MatrixProduct& p, void* workspace, size_t workspace_bytes,
                cudaStream_t stream) override {
    const Key key{static_cast<int>(p.type),
                  p.y_f32,
                  p.accumulate,
                  p.gelu_tanh,
                  p.bias != nullptr,
                  p.rows,
                  p.n,
                  p.cols,
                  p.w_row,
                  p.x_row,
                  p.y_row,
                  p.count,
                  p.w_step,
                  p.x_step,
                  p.y_step,
                  alignment(p.w),
                  alignment(p.x),
                  alignment(p.y),
                  workspace_bytes};
    auto place = plans_.find(key);
    if (place == plans_.end()) {
      // Prompts come in every length: what is kept must not grow with them for ever.
      constexpr size_t kMostPlans = 1024;
      if (plans_.size() >= kMostPlans) {
        for (auto& [old_key, plan] : plans_) release(plan);
        plans_.clear();
      }
      place = plans_.emplace(key, make(p, workspace_bytes)).first;
    }
    const Plan& plan = place->second;
    if (!plan.found) return false;
    if (p.bias != nullptr) {
      require(f_.desc_set(plan.desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &p.bias, sizeof(p.bias)),
              "setting a bias");
    }
    const float beta = p.accumulate ? 1 : 0;
    require(f_.matmul(handle_, plan.desc, &p.scale, p.w, plan.w, p.x, plan.x, &beta, p.y, plan.y,
                      p.y, plan.y, &plan.algo, workspace, workspace_bytes, stream),
            "cublasLtMatmul");
    return true;
  }

 private:
  // To the library, which counts columns first, y is rows x n = (W as cols x rows)^T times
  // (x as cols x n).
  Plan make(const MatrixProduct& p, size_t workspace_bytes) const {
    Plan plan;
    const cudaDataType_t in = data_type(p.type);
    const cudaDataType_t out = p.y_f32 ? CUDA_R_32F : in;
    require(f_.desc_create(&plan.desc, CUBLAS_COMPUTE_32F, CUDA_R_32F), "a product's description");
    const cublasOperation_t transposed = CUBLAS_OP_T;
    set(plan.desc, CUBLASLT_MATMUL_DESC_TRANSA, transposed);
    cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    if (p.bias != nullptr) {
      epilogue = p.gelu_tanh ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
    } else if (p.gelu_tanh) {
      epilogue = CUBLASLT_EPILOGUE_GELU;
    }
    set(plan.desc, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
    if (p.bias != nullptr) {
      set(plan.desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, p.bias);
      set(plan.desc, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, out);
      if (p.count > 1) set(plan.desc, CUBLASLT_MATMUL_DESC_BIAS_BATCH_STRIDE, p.rows);
    }
    plan.w = layout(in, p.cols, p.rows, p.w_row, p.count, p.w_step);
    plan.x = layout(in, p.cols, p.n, p.x_row, p.count, p.x_step);
    plan.y = layout(out, p.rows, p.n, p.y_row, p.count, p.y_step);

    cublasLtMatmulPreference_t preference = nullptr;
    require(f_.preference_create(&preference), "a product's preference");
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
      require(f_.preference_set(preference, attribute, &value, sizeof(value)),
              "setting a preference");
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<uint64_t>(workspace_bytes));
    // Parts of a sum are added up in f32.
    prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
           static_cast<uint32_t>(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment(p.w));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment(p.x));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment(p.y));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment(p.y));
    cublasLtMatmulHeuristicResult_t result{};
    int results = 0;
    const cublasStatus_t status = f_.heuristic(handle_, plan.desc, plan.w, plan.x, plan.y, plan.y,
                                               preference, 1, &result, &results);
    f_.preference_destroy(preference);
    plan.found = status == CUBLAS_STATUS_SUCCESS && results > 0;
    plan.algo = result.algo;
    return plan;
  }

  template <class T>
  void set(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t attribute, T value) const {
    require(f_.desc_set(desc, attribute, &value, sizeof(value)), "describing a product");
  }

  cublasLtMatrixLayout_t layout(cudaDataType_t type, int64_t height, int64_t width, int64_t step,
                                int64_t count, int64_t next) const {
    cublasLtMatrixLayout_t made = nullptr;
    require(f_.layout_create(&made, type, static_cast<uint64_t>(height),
                             static_cast<uint64_t>(width), step),
            "describing a matrix");
    if (count > 1) {
      const auto batches = static_cast<int32_t>(count);
      require(f_.layout_set(made, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &batches, sizeof(batches)),
              "describing a matrix");
      require(f_.layout_set(made, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &next, sizeof(next)),
              "describing a matrix");
    }
    return made;
  }

  void release(Plan& plan) const {
    f_.layout_destroy(plan.w);
    f_.layout_destroy(plan.x);
    f_.layout_destroy(plan.y);
    f_.desc_destroy(plan.desc);
  }

  const Functions& f_;
  cublasLtHandle_t handle_ = nullptr;
  std::map<Key, Plan> plans_;
};

}  // namespace

bool MatrixLibrary::installed() { return loaded() != nullptr; }

std::unique_ptr<MatrixLibrary> MatrixLibrary::open() {
  const Functions* functions = loaded();
  if (functions == nullptr) return nullptr;
  return std::make_unique<Library>(*functions);
}

}  // namespace visavis::ops::cuda
