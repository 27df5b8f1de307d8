/* Writes ONNX messages for tests. Every maker returns a buffer that the caller hands on: put() embeds and frees it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ONNX_BYTES_H
#define ONNX_BYTES_H
#include "onnx/onnx.h"
#include "onnx/wire.h"

static inline ig_buf make(void) {
  ig_buf b;
  ig_buf_init(&b, &ig_libc_allocator);
  return b;
}
static inline void put(ig_buf *to, uint32_t number, ig_buf part) {
  ig_wire_put_bytes(to, number, part.data, part.n);
  ig_buf_free(&part);
}
static inline void put_text(ig_buf *to, uint32_t number, const char *s) { ig_wire_put_bytes(to, number, s, strlen(s)); }
/* "a,b,,c": one string each; "" is none. */
static inline void put_names(ig_buf *to, uint32_t number, const char *list) {
  while (*list) {
    const size_t n = strcspn(list, ",");
    ig_wire_put_bytes(to, number, list, n);
    list += n + (list[n] == ',');
  }
}

static inline ig_buf node(const char *op, const char *in, const char *out) {
  ig_buf b = make();
  put_names(&b, 1, in);
  put_names(&b, 2, out);
  put_text(&b, 4, op);
  return b;
}
static inline ig_buf call(const char *function, const char *in, const char *out) {
  ig_buf b = node(function, in, out);
  put_text(&b, 7, "f");
  return b;
}
static inline ig_buf attr_int(const char *name, int64_t v) {
  ig_buf b = make();
  put_text(&b, 1, name);
  ig_wire_put_int(&b, 3, v);
  ig_wire_put_int(&b, 20, 2);
  return b;
}
static inline ig_buf attr_ref(const char *name, const char *of, int64_t type) {
  ig_buf b = make();
  put_text(&b, 1, name);
  ig_wire_put_int(&b, 20, type);
  put_text(&b, 21, of);
  return b;
}
static inline ig_buf attr_graph(const char *name, ig_buf graph) {
  ig_buf b = make();
  put_text(&b, 1, name);
  put(&b, 6, graph);
  ig_wire_put_int(&b, 20, 5);
  return b;
}
/* dims: "3,n,?,-1": numbers, symbols, missing. */
static inline ig_buf value_info(const char *name, int64_t dtype, const char *dims) {
  ig_buf shape = make(), tensor = make(), type = make(), info = make();
  while (dims && *dims) {
    const size_t n = strcspn(dims, ",");
    int64_t v;
    ig_buf dim = make();
    if (ig_parse_i64(dims, n, &v)) ig_wire_put_int(&dim, 1, v);
    else if (*dims != '?') ig_wire_put_bytes(&dim, 2, dims, n);
    put(&shape, 1, dim);
    dims += n + (dims[n] == ',');
  }
  ig_wire_put_int(&tensor, 1, dtype);
  if (dims) put(&tensor, 2, shape);
  else ig_buf_free(&shape);
  put(&type, 1, tensor);
  put_text(&info, 1, name);
  put(&info, 2, type);
  return info;
}
static inline ig_buf name_only(const char *name) {
  ig_buf b = make();
  put_text(&b, 1, name);
  return b;
}
static inline ig_buf tensor_head(const char *name, int64_t dtype, const char *dims) {
  ig_buf b = make();
  while (*dims) {
    const size_t n = strcspn(dims, ",");
    int64_t v = 0;
    if (ig_parse_i64(dims, n, &v)) ig_wire_put_int(&b, 1, v);
    dims += n + (dims[n] == ',');
  }
  ig_wire_put_int(&b, 2, dtype);
  put_text(&b, 8, name);
  return b;
}
static inline ig_buf opset(const char *domain, int64_t version) {
  ig_buf b = make();
  put_text(&b, 1, domain);
  ig_wire_put_int(&b, 2, version);
  return b;
}
static inline ig_buf function(const char *name, const char *in, const char *out) {
  ig_buf b = make();
  put_text(&b, 1, name);
  put_names(&b, 4, in);
  put_names(&b, 5, out);
  put(&b, 9, opset("", 17));
  put_text(&b, 10, "f");
  return b;
}
/* A whole model of opset 17 around the graph; more fields may follow. */
static inline ig_buf model(ig_buf graph) {
  ig_buf b = make();
  ig_wire_put_int(&b, 1, 8);
  put(&b, 7, graph);
  put(&b, 8, opset("", 17));
  return b;
}
#endif
