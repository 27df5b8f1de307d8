/* ingot devices: what this build can run on, here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

static const cli_option options[] = {{"json", NULL, "as JSON"}};

static int append(void *user, const void *bytes, size_t n) {
  ig_buf_bytes(user, bytes, n);
  return 0;
}

static ig_status describe(const cli *c, size_t i, ig_json *j, ig_buf *b) {
  ig_buf line;
  ig_buf_init(&line, &ig_libc_allocator);
  ig_status st = ig_device_describe(c->env, ig_device_name(i), append, &line);
  while (line.n && line.data[line.n - 1] == '\n')
    line.n--;
  if (!st && c->json) {
    ig_json_open(j, NULL, '{');
    ig_json_str(j, "name", ig_device_name(i));
    ig_json_str(j, "description", ig_buf_cstr(&line));
    ig_json_close(j, '}');
  } else if (!st)
    ig_buf_printf(b, "%s\n", ig_buf_cstr(&line));
  ig_buf_free(&line);
  return st;
}

static ig_status run(cli *c, const cli_args *a) {
  (void)a;
  ig_buf b;
  ig_buf_init(&b, &ig_libc_allocator);
  ig_json j;
  ig_json_init(&j, &b);
  if (c->json) {
    ig_json_open(&j, NULL, '{');
    ig_json_open(&j, "devices", '[');
  }
  ig_status st = NULL;
  for (size_t i = 0; !st && i < ig_device_count(); i++)
    st = describe(c, i, &j, &b);
  if (c->json) {
    ig_json_close(&j, ']');
    ig_json_close(&j, '}');
    ig_buf_str(&b, "\n");
  }
  if (!st) return cli_print(&b);
  ig_buf_free(&b);
  return st;
}

const cli_command cli_devices = {"devices", "[--json]", "Lists the devices.", CLI_OPTIONS(options), 0, 0, run};
