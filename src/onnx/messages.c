/* Tables of ONNX's messages. Numbers and types are onnx.proto's; fields that nothing here reads are left out and skipped.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx/messages.h"

#define INT(type, member, number) IG_WIRE_FIELD(ig_pb_##type, member, number, IG_WIRE_INT)
#define BYTES(type, member, number) IG_WIRE_FIELD(ig_pb_##type, member, number, IG_WIRE_BYTES)
#define LIST(type, member, number) IG_WIRE_FIELD(ig_pb_##type, member, number, IG_WIRE_LIST)
#define INTS(type, member, number) IG_WIRE_FIELD(ig_pb_##type, member, number, IG_WIRE_INTS)
#define MESSAGE(type, title, ...)                                             \
  static const ig_wire_field type##_fields[] = { __VA_ARGS__ };               \
  const ig_wire_message ig_pb_##type##_message = { title, sizeof(ig_pb_##type), type##_fields, IG_COUNT(type##_fields) };

MESSAGE(model, "ModelProto", INT(model, ir_version, 1), BYTES(model, producer_name, 2), BYTES(model, graph, 7), LIST(model, opset_import, 8),
        LIST(model, metadata_props, 14), LIST(model, functions, 25))
MESSAGE(opset, "OperatorSetIdProto", BYTES(opset, domain, 1), INT(opset, version, 2))
MESSAGE(entry, "StringStringEntryProto", BYTES(entry, key, 1), BYTES(entry, value, 2))
MESSAGE(graph, "GraphProto", LIST(graph, node, 1), BYTES(graph, name, 2), LIST(graph, initializer, 5), LIST(graph, input, 11),
        LIST(graph, output, 12), LIST(graph, sparse_initializer, 15))
MESSAGE(node, "NodeProto", LIST(node, input, 1), LIST(node, output, 2), BYTES(node, name, 3), BYTES(node, op_type, 4), LIST(node, attribute, 5),
        BYTES(node, domain, 7), BYTES(node, overload, 8))
MESSAGE(attr, "AttributeProto", BYTES(attr, name, 1), IG_WIRE_FIELD(ig_pb_attr, f, 2, IG_WIRE_FLOAT), INT(attr, i, 3), BYTES(attr, s, 4),
        BYTES(attr, t, 5), BYTES(attr, g, 6), IG_WIRE_FIELD(ig_pb_attr, floats, 7, IG_WIRE_FLOATS), INTS(attr, ints, 8), LIST(attr, strings, 9),
        LIST(attr, tensors, 10), LIST(attr, graphs, 11), BYTES(attr, tp, 14), LIST(attr, type_protos, 15), INT(attr, type, 20),
        BYTES(attr, ref_attr_name, 21), BYTES(attr, sparse_tensor, 22), LIST(attr, sparse_tensors, 23))
MESSAGE(tensor, "TensorProto", INTS(tensor, dims, 1), INT(tensor, data_type, 2), BYTES(tensor, segment, 3),
        IG_WIRE_FIELD(ig_pb_tensor, float_data, 4, IG_WIRE_FLOATS), INTS(tensor, int32_data, 5), LIST(tensor, string_data, 6),
        INTS(tensor, int64_data, 7), BYTES(tensor, name, 8), BYTES(tensor, raw_data, 9),
        IG_WIRE_FIELD(ig_pb_tensor, double_data, 10, IG_WIRE_DOUBLES), INTS(tensor, uint64_data, 11), LIST(tensor, external_data, 13),
        INT(tensor, data_location, 14))
MESSAGE(sparse, "SparseTensorProto", BYTES(sparse, values, 1), BYTES(sparse, indices, 2), INTS(sparse, dims, 3))
MESSAGE(value_info, "ValueInfoProto", BYTES(value_info, name, 1), BYTES(value_info, type, 2))
MESSAGE(type, "TypeProto", BYTES(type, tensor_type, 1), BYTES(type, sequence_type, 4), BYTES(type, map_type, 5), BYTES(type, opaque_type, 7),
        BYTES(type, sparse_tensor_type, 8), BYTES(type, optional_type, 9))
MESSAGE(tensor_type, "TypeProto.Tensor", INT(tensor_type, elem_type, 1), BYTES(tensor_type, shape, 2))
MESSAGE(elem_type, "TypeProto.Sequence", BYTES(elem_type, elem_type, 1))
MESSAGE(shape, "TensorShapeProto", LIST(shape, dim, 1))
MESSAGE(dim, "TensorShapeProto.Dimension", INT(dim, dim_value, 1), BYTES(dim, dim_param, 2))
MESSAGE(function, "FunctionProto", BYTES(function, name, 1), LIST(function, input, 4), LIST(function, output, 5), LIST(function, attribute, 6),
        LIST(function, node, 7), LIST(function, opset_import, 9), BYTES(function, domain, 10), LIST(function, attribute_proto, 11),
        BYTES(function, overload, 13))

bool ig_pb_has(const ig_wire_message *m, const void *message, uint32_t number) {
  uint32_t seen;
  memcpy(&seen, message, sizeof seen);
  for (uint32_t i = 0; i < m->n_fields; i++)
    if (m->fields[i].number == number) return seen >> i & 1;
  return false;
}
