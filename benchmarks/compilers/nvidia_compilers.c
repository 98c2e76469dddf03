/*
 * Command lines of two compilers that come as libraries alone:
 *
 *   nvidia_compilers slang LIBSLANG ARGUMENTS...              as slangc takes them: HLSL to CUDA C++
 *   nvidia_compilers nvrtc LIBNVRTC CHIP SOURCE CUBIN         CUDA C++ to machine code, with fast math, as drivers compile shaders
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what, const char *why) {
  fprintf(stderr, "nvidia_compilers: %s: %s\n", what, why);
  exit(1);
}

static void *library(const char *path) {
  void *found = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
  if (!found) fail(path, dlerror());
  return found;
}

static void *function(void *of, const char *name) {
  void *found = dlsym(of, name);
  if (!found) fail(name, "the library has no such function");
  return found;
}

static void slang(const char *path, int count, char **arguments) {
  void *of = library(path);
  void *(*createSession)(const char *) = function(of, "spCreateSession");
  void *(*createRequest)(void *) = function(of, "spCreateCompileRequest");
  /* Declared in slang.h as a C++ function. */
  void (*beCommandLine)(void *) = function(of, "_Z28spSetCommandLineCompilerModePN5slang15ICompileRequestE");
  int (*process)(void *, char *const *, int) = function(of, "spProcessCommandLineArguments");
  int (*compile)(void *) = function(of, "spCompile");
  const char *(*diagnostics)(void *) = function(of, "spGetDiagnosticOutput");
  void *request = createRequest(createSession(NULL));
  beCommandLine(request);
  int result = process(request, arguments, count);
  if (result >= 0) result = compile(request);
  if (result < 0) fail("slang", diagnostics(request));
}

static char *contentsOf(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) fail(path, "cannot be read");
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  char *text = calloc(1, size + 1);
  if (!text || fread(text, 1, size, file) != (size_t)size) fail(path, "cannot be read");
  fclose(file);
  return text;
}

static void nvrtc(const char *path, const char *chip, const char *source, const char *target) {
  void *of = library(path);
  int (*create)(void **, const char *, const char *, int, const char *const *, const char *const *) =
      function(of, "nvrtcCreateProgram");
  int (*compile)(void *, int, const char *const *) = function(of, "nvrtcCompileProgram");
  int (*sizeOfLog)(void *, size_t *) = function(of, "nvrtcGetProgramLogSize");
  int (*getLog)(void *, char *) = function(of, "nvrtcGetProgramLog");
  int (*sizeOfCubin)(void *, size_t *) = function(of, "nvrtcGetCUBINSize");
  int (*getCubin)(void *, char *) = function(of, "nvrtcGetCUBIN");
  void *program;
  if (create(&program, contentsOf(source), "rows.cu", 0, NULL, NULL)) fail(source, "NVRTC takes no program");
  char architecture[64];
  snprintf(architecture, sizeof architecture, "--gpu-architecture=%s", chip);
  const char *options[] = {architecture, "--std=c++17", "-default-device", "-w", "--use_fast_math"};
  int result = compile(program, sizeof options / sizeof *options, options);
  size_t size = 0;
  if (result) {
    sizeOfLog(program, &size);
    char *log = calloc(1, size + 1);
    getLog(program, log);
    fail(source, log);
  }
  sizeOfCubin(program, &size);
  char *cubin = malloc(size);
  if (!size || getCubin(program, cubin)) fail(source, "NVRTC gives no machine code");
  FILE *file = fopen(target, "wb");
  if (!file || fwrite(cubin, 1, size, file) != size || fclose(file)) fail(target, "cannot be written");
}

int main(int count, char **arguments) {
  if (count > 3 && !strcmp(arguments[1], "slang"))
    slang(arguments[2], count - 3, arguments + 3);
  else if (count == 6 && !strcmp(arguments[1], "nvrtc"))
    nvrtc(arguments[2], arguments[3], arguments[4], arguments[5]);
  else
    fail("expected", "slang LIBSLANG ARGUMENTS..., or nvrtc LIBNVRTC CHIP SOURCE CUBIN");
  return 0;
}
