/* The wire reader with every table of ONNX's messages: the first byte picks one. Lists must give as many elements as they claim.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx/messages.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ig_wire_message *const messages[] = {
  &ig_pb_model_message,       &ig_pb_opset_message,     &ig_pb_entry_message,  &ig_pb_graph_message,      &ig_pb_node_message,
  &ig_pb_attr_message,        &ig_pb_tensor_message,    &ig_pb_sparse_message, &ig_pb_value_info_message, &ig_pb_type_message,
  &ig_pb_tensor_type_message, &ig_pb_elem_type_message, &ig_pb_shape_message,  &ig_pb_dim_message,        &ig_pb_function_message,
};

static uint64_t count(const ig_wire_list *l, ig_wire_kind kind) {
  ig_wire_iter it = ig_wire_iterate(l);
  ig_wire_bytes b;
  int64_t i;
  float f;
  double d;
  uint64_t n = 0;
  while (kind == IG_WIRE_LIST     ? ig_wire_next(&it, &b)
         : kind == IG_WIRE_INTS   ? ig_wire_next_int(&it, &i)
         : kind == IG_WIRE_FLOATS ? ig_wire_next_float(&it, &f)
                                  : ig_wire_next_double(&it, &d))
    n++;
  return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  union { ig_pb_model model; ig_pb_attr attr; ig_pb_tensor tensor; ig_pb_function function; ig_pb_graph graph; ig_pb_node node; } out;
  if (size == 0) return 0;
  const ig_wire_message *m = messages[data[0] % IG_COUNT(messages)];
  if (m->size > sizeof out) abort();
  ig_status st = ig_wire_read(m, (ig_wire_bytes){ data + 1, size - 1 }, &out);
  for (uint32_t i = 0; !st && i < m->n_fields; i++) {
    if (m->fields[i].kind < IG_WIRE_INTS) continue;
    ig_wire_list l;
    memcpy(&l, (const char *)&out + m->fields[i].offset, sizeof l);
    if (count(&l, m->fields[i].kind) != l.n) abort();
  }
  ig_status_free(st);
  return 0;
}
