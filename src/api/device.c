/* Devices, as far as building needs them. SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

ig_status ig_device_bench(ig_env *env, const char *device, const char *filter, uint64_t isa_mask, const char *format, ig_write_fn write, void *user) {
  IG_REQUIRE(env && device && format && write, IG_ERROR_INVALID_ARGUMENT, "ig_device_bench: an argument is NULL");
  const bool json = strcmp(format, "json") == 0;
  IG_REQUIRE(json || strcmp(format, "text") == 0, IG_ERROR_INVALID_ARGUMENT, "ig_device_bench: format '%s': want text or json", format);
  ig_buf out;
  ig_buf_init(&out, &env->alloc);
  return ig_buf_deliver(&out, ig_kernel_bench(env, device, filter, isa_mask, json, &out), write, user);
}
