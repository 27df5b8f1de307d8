/* ONNX's messages as far as they are read: structs for the wire reader, field for field as onnx.proto numbers them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_ONNX_MESSAGES_H
#define IG_ONNX_MESSAGES_H
#include "onnx/wire.h"

typedef struct ig_pb_model {
  uint32_t seen;
  int64_t ir_version;
  ig_wire_bytes producer_name, graph;
  ig_wire_list opset_import, metadata_props, functions;
} ig_pb_model;
typedef struct ig_pb_opset { uint32_t seen; ig_wire_bytes domain; int64_t version; } ig_pb_opset;
typedef struct ig_pb_entry { uint32_t seen; ig_wire_bytes key, value; } ig_pb_entry;
typedef struct ig_pb_graph { uint32_t seen; ig_wire_bytes name; ig_wire_list node, initializer, sparse_initializer, input, output; } ig_pb_graph;
typedef struct ig_pb_node { uint32_t seen; ig_wire_list input, output, attribute; ig_wire_bytes name, op_type, domain, overload; } ig_pb_node;
typedef struct ig_pb_attr {
  uint32_t seen;
  ig_wire_bytes name, ref_attr_name;
  int64_t type, i;
  float f;
  ig_wire_bytes s, t, g, sparse_tensor, tp;
  ig_wire_list floats, ints, strings, tensors, graphs, sparse_tensors, type_protos;
} ig_pb_attr;
typedef struct ig_pb_tensor {
  uint32_t seen;
  ig_wire_list dims;
  int64_t data_type, data_location;
  ig_wire_bytes segment, name, raw_data;
  ig_wire_list float_data, int32_data, string_data, int64_data, double_data, uint64_data, external_data;
} ig_pb_tensor;
typedef struct ig_pb_sparse { uint32_t seen; ig_wire_bytes values, indices; ig_wire_list dims; } ig_pb_sparse;
typedef struct ig_pb_value_info { uint32_t seen; ig_wire_bytes name, type; } ig_pb_value_info;
typedef struct ig_pb_type {
  uint32_t seen;
  ig_wire_bytes tensor_type, sequence_type, map_type, optional_type, sparse_tensor_type, opaque_type;
} ig_pb_type;
typedef struct ig_pb_tensor_type { uint32_t seen; int64_t elem_type; ig_wire_bytes shape; } ig_pb_tensor_type;
typedef struct ig_pb_elem_type { uint32_t seen; ig_wire_bytes elem_type; } ig_pb_elem_type;     /* of sequence and optional */
typedef struct ig_pb_shape { uint32_t seen; ig_wire_list dim; } ig_pb_shape;
typedef struct ig_pb_dim { uint32_t seen; int64_t dim_value; ig_wire_bytes dim_param; } ig_pb_dim;
typedef struct ig_pb_function {
  uint32_t seen;
  ig_wire_bytes name, domain, overload;
  ig_wire_list input, output, attribute, node, opset_import, attribute_proto;
} ig_pb_function;

/* AttributeProto.AttributeType */
enum {
  IG_PB_FLOAT = 1,
  IG_PB_INT,
  IG_PB_STRING,
  IG_PB_TENSOR,
  IG_PB_GRAPH,
  IG_PB_FLOATS,
  IG_PB_INTS,
  IG_PB_STRINGS,
  IG_PB_TENSORS,
  IG_PB_GRAPHS,
  IG_PB_SPARSE_TENSOR,
  IG_PB_SPARSE_TENSORS,
  IG_PB_TYPE_PROTO,
  IG_PB_TYPE_PROTOS
};

extern const ig_wire_message ig_pb_model_message, ig_pb_opset_message, ig_pb_entry_message, ig_pb_graph_message, ig_pb_node_message,
    ig_pb_attr_message, ig_pb_tensor_message, ig_pb_sparse_message, ig_pb_value_info_message, ig_pb_type_message, ig_pb_tensor_type_message,
    ig_pb_elem_type_message, ig_pb_shape_message, ig_pb_dim_message, ig_pb_function_message;

/* Reads a message of that name: IG_PB_READ(node, bytes, &node). */
#define IG_PB_READ(what, bytes, out) ig_wire_read(&ig_pb_##what##_message, (bytes), (out))
/* Whether a field that is no list occurred, by its number. */
bool ig_pb_has(const ig_wire_message *m, const void *message, uint32_t number);
#endif
