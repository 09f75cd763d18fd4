# The CUDA backend: the toolkit, nvcc's settings, the architectures (CMAKE_CUDA_ARCHITECTURES; the
# presets cuda, cuda-90 and cuda-ptx75 set them).
if(NOT VISAVIS_CUDA)
  return()
endif()
find_program(VISAVIS_NVCC nvcc HINTS ENV CUDACXX ENV CUDA_PATH PATHS /usr/local/cuda PATH_SUFFIXES bin)
if(NOT VISAVIS_NVCC)
  message(FATAL_ERROR "VISAVIS_CUDA: found no nvcc, neither on the PATH nor in /usr/local/cuda/bin")
endif()
set(CMAKE_CUDA_COMPILER ${VISAVIS_NVCC})
# Kernels see small headers of their own, so that the dialect which every nvcc knows is enough.
set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)
if(CCACHE_PROGRAM AND NOT CMAKE_CUDA_COMPILER_LAUNCHER)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
enable_language(CUDA)
find_package(CUDAToolkit 12.4 REQUIRED)
