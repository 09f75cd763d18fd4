/* Stands for an NVIDIA driver (libcuda.so.1) that ends the CUDA runtime's first questions: it is of
   version STUB_VERSION, and starting it gives STUB_INIT (0, or an error of the driver's list). */
#include <stdlib.h>

static int from_environment(const char *name) {
  const char *text = getenv(name);
  return text == NULL ? 0 : atoi(text);
}

int cuInit(unsigned flags) {
  (void)flags;
  return from_environment("STUB_INIT");
}

int cuDriverGetVersion(int *version) {
  *version = from_environment("STUB_VERSION");
  return 0;
}
