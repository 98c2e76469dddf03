/*
 * A Vulkan driver around RADV, Mesa's driver for AMD, which compiles for a chip that is not there (RADV_FORCE_FAMILY) but then has no command buffers: what would run anything does
 * nothing here, so that Dawn starts, and every compute pipeline tells what the driver's compiler made of it (VK_KHR_pipeline_executable_properties).
 *
 * Environment: COMPILE_ONLY_DRIVER, path of the driver around which this is; COMPILE_ONLY_REPORT, a file to which a pipeline appends a line `name=value; ...` of its statistics and
 * then its assembly, closed by a line `end`.
 */
#define VK_NO_PROTOTYPES
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>
#include <vulkan/vk_icd.h>

#define MOST 64

static void *driver;
static PFN_vkGetInstanceProcAddr nextInstanceProcAddr;
static PFN_vkGetDeviceProcAddr nextDeviceProcAddr;
static PFN_vkCreateDevice nextCreateDevice;
static PFN_vkCreateComputePipelines nextCreateComputePipelines;

static void *required(void *found, const char *what) {
  if (found) return found;
  fprintf(stderr, "compile_only_driver: expected %s; got none.\n", what);
  exit(1);
}

static void load(void) {
  if (driver) return;
  const char *path = required(getenv("COMPILE_ONLY_DRIVER"), "the path of a driver in COMPILE_ONLY_DRIVER");
  driver = required(dlopen(path, RTLD_NOW), path);
  nextInstanceProcAddr = required(dlsym(driver, "vk_icdGetInstanceProcAddr"), "vk_icdGetInstanceProcAddr");
}

/* In the place of every command that would record, submit or wait. */
static VkResult succeed(void) { return VK_SUCCESS; }

static int runs(const char *name) {
  static const char *const names[] = {"vkBeginCommandBuffer", "vkEndCommandBuffer", "vkResetCommandPool", "vkWaitForFences",
                                      "vkGetFenceStatus", "vkQueueWaitIdle", "vkDeviceWaitIdle"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(name, names[i])) return 1;
  return !strncmp(name, "vkCmd", 5) || !strncmp(name, "vkQueueSubmit", 13);
}

/* The device that is asked for, with the extension that tells of pipelines. */
static VkResult VKAPI_CALL createDevice(VkPhysicalDevice physical, const VkDeviceCreateInfo *asked,
                                        const VkAllocationCallbacks *allocator, VkDevice *device) {
  VkDeviceCreateInfo info = *asked;
  const char **names = required(malloc(sizeof *names * (asked->enabledExtensionCount + 1)), "memory");
  memcpy(names, asked->ppEnabledExtensionNames, sizeof *names * asked->enabledExtensionCount);
  names[info.enabledExtensionCount++] = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
  info.ppEnabledExtensionNames = names;
  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR features = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR, (void *)asked->pNext, VK_TRUE};
  info.pNext = &features;
  VkResult result = nextCreateDevice(physical, &info, allocator, device);
  free(names);
  return result;
}

static void writeStatistics(FILE *file, VkDevice device, const VkPipelineExecutableInfoKHR *executable) {
  PFN_vkGetPipelineExecutableStatisticsKHR get = (void *)nextDeviceProcAddr(device, "vkGetPipelineExecutableStatisticsKHR");
  VkPipelineExecutableStatisticKHR statistics[MOST];
  memset(statistics, 0, sizeof statistics);
  for (int i = 0; i < MOST; i++) statistics[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
  uint32_t count = MOST;
  get(device, executable, &count, statistics);
  for (uint32_t i = 0; i < count; i++) {
    if (statistics[i].format == VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR)
      fprintf(file, "; %s=%g", statistics[i].name, statistics[i].value.f64);
    else
      fprintf(file, "; %s=%llu", statistics[i].name, (unsigned long long)statistics[i].value.u64);
  }
  fprintf(file, "\n");
}

static void writeAssembly(FILE *file, VkDevice device, const VkPipelineExecutableInfoKHR *executable) {
  PFN_vkGetPipelineExecutableInternalRepresentationsKHR get =
      (void *)nextDeviceProcAddr(device, "vkGetPipelineExecutableInternalRepresentationsKHR");
  VkPipelineExecutableInternalRepresentationKHR texts[MOST];
  memset(texts, 0, sizeof texts);
  for (int i = 0; i < MOST; i++) texts[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR;
  uint32_t count = MOST;
  get(device, executable, &count, texts); /* the sizes */
  for (uint32_t i = 0; i < count; i++) texts[i].pData = required(calloc(1, texts[i].dataSize + 1), "memory");
  get(device, executable, &count, texts);
  for (uint32_t i = 0; i < count; i++) {
    if (!strcmp(texts[i].name, "Assembly")) fprintf(file, "%s\n", (char *)texts[i].pData);
    free(texts[i].pData);
  }
}

static void report(VkDevice device, VkPipeline pipeline) {
  PFN_vkGetPipelineExecutablePropertiesKHR get = (void *)nextDeviceProcAddr(device, "vkGetPipelineExecutablePropertiesKHR");
  FILE *file = required(fopen(getenv("COMPILE_ONLY_REPORT"), "a"), "a file in COMPILE_ONLY_REPORT");
  VkPipelineInfoKHR info = {VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, NULL, pipeline};
  VkPipelineExecutablePropertiesKHR properties = {VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR};
  uint32_t count = 1; /* a compute pipeline is one program */
  get(device, &info, &count, &properties);
  VkPipelineExecutableInfoKHR executable = {VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, NULL, pipeline, 0};
  fprintf(file, "subgroup=%u", properties.subgroupSize);
  writeStatistics(file, device, &executable);
  writeAssembly(file, device, &executable);
  fprintf(file, "end\n");
  fclose(file);
}

static VkResult VKAPI_CALL createComputePipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                                  const VkComputePipelineCreateInfo *asked,
                                                  const VkAllocationCallbacks *allocator, VkPipeline *pipelines) {
  for (uint32_t i = 0; i < count; i++) {
    VkComputePipelineCreateInfo info = asked[i];
    info.flags |= VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR | VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR;
    VkResult result = nextCreateComputePipelines(device, cache, 1, &info, allocator, pipelines + i);
    if (result != VK_SUCCESS) return result;
    report(device, pipelines[i]);
  }
  return VK_SUCCESS;
}

static PFN_vkVoidFunction VKAPI_CALL deviceProcAddr(VkDevice device, const char *name);

/* What this driver answers for a function of the other. */
static PFN_vkVoidFunction replaced(const char *name, PFN_vkVoidFunction next) {
  if (!next) return NULL;
  if (runs(name)) return (PFN_vkVoidFunction)succeed;
  if (!strcmp(name, "vkCreateDevice")) {
    nextCreateDevice = (PFN_vkCreateDevice)next;
    return (PFN_vkVoidFunction)createDevice;
  }
  if (!strcmp(name, "vkCreateComputePipelines")) {
    nextCreateComputePipelines = (PFN_vkCreateComputePipelines)next;
    return (PFN_vkVoidFunction)createComputePipelines;
  }
  if (!strcmp(name, "vkGetDeviceProcAddr")) {
    nextDeviceProcAddr = (PFN_vkGetDeviceProcAddr)next;
    return (PFN_vkVoidFunction)deviceProcAddr;
  }
  return next;
}

static PFN_vkVoidFunction VKAPI_CALL deviceProcAddr(VkDevice device, const char *name) {
  return replaced(name, nextDeviceProcAddr(device, name));
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vk_icdGetInstanceProcAddr(VkInstance instance, const char *name) {
  load();
  return replaced(name, nextInstanceProcAddr(instance, name));
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vk_icdGetPhysicalDeviceProcAddr(VkInstance instance, const char *name) {
  load();
  PFN_vkGetInstanceProcAddr next = (PFN_vkGetInstanceProcAddr)dlsym(driver, "vk_icdGetPhysicalDeviceProcAddr");
  return next ? next(instance, name) : NULL;
}

VKAPI_ATTR VkResult VKAPI_CALL vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
  load();
  VkResult (*next)(uint32_t *) = required(dlsym(driver, "vk_icdNegotiateLoaderICDInterfaceVersion"), "a newer driver");
  return next(version);
}
