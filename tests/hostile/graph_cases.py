# SPDX-License-Identifier: Apache-2.0
"""Hostile models whose bytes parse but whose graph, tensors or attributes are wrong: NAME -> (exit codes, maker)."""
import struct

from wire import BOOL, FLOAT, INT64, STRING, UINT8, attr, blob, floats, graph, int64s, model, node, num, opset, tensor, value

INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1


def x_input(*dims):
    return value("x", FLOAT, dims)


def simple(nodes, inits=(), inputs=None, outputs=("y",), **kwargs):
    ins = [x_input(2, 3)] if inputs is None else inputs
    return model(graph(nodes, ins, [value(o) for o in outputs], inits), **kwargs)


def unary(op, *dims, inits=(), extra_inputs=(), **attrs):
    """One node of `op` on x [dims]."""
    return simple([node(op, ["x", *extra_inputs], ["y"], "n", attrs=attrs)], inits, [x_input(*dims)])


def weight(init):
    """x [4] + w."""
    return simple([node("Add", ["x", "w"], ["y"], "n")], [init], [x_input(4)])


def conv(w_dims=(1, 1, 3, 3), x_dims=(1, 1, 8, 8), **attrs):
    n = 1
    for d in w_dims:
        n *= d
    return unary("Conv", *x_dims, inits=[floats("w", [1.0] * n, w_dims)], extra_inputs=["w"], **attrs)


def if_node(then_branch, else_branch=None):
    """else_branch: a graph's bytes, a number in its place, or None to leave it out."""
    attrs = {"then_branch": ("graph", then_branch)}
    if else_branch is not None:
        attrs["else_branch"] = ("graph", else_branch) if isinstance(else_branch, bytes) else else_branch
    nodes = [node("If", ["c"], ["y"], "n", attrs=attrs)]
    return model(graph(nodes, [value("c", BOOL, []), x_input(2)], [value("y")]))


def arm(source="x", outputs=("t",)):
    return graph([node("Abs", [source], ["t"])], [], [value(o) for o in outputs])


def sparse(indices, dims):
    values = floats("w", [1.0])
    body = blob(1, values) + blob(2, int64s("", indices)) + b"".join(num(3, d) for d in dims)
    return model(graph([node("Add", ["x", "w"], ["y"])], [x_input(4)], [value("y")], extra=blob(15, body)))


def lstm(hidden, w_dims=(1, 8, 3), r_dims=(1, 8, 2), **attrs):
    def fill(name, dims):
        n = dims[0] * dims[1] * dims[2]
        return floats(name, [0.5] * n, dims)

    return unary("LSTM", 5, 1, 3, inits=[fill("w", w_dims), fill("r", r_dims)], extra_inputs=["w", "r"], hidden_size=hidden, **attrs)


def shape_math(op, a, b):
    """A shape that comes of integer arithmetic on constants."""
    nodes = [node(op, ["a", "b"], ["s"]), node("ConstantOfShape", ["s"], ["y"])]
    return simple(nodes, [int64s("a", [a]), int64s("b", [b])], [])


GRAPH = {
    "cycle_of_one": ("3", lambda: simple([node("Add", ["x", "y"], ["y"])])),
    "cycle_of_two": ("3", lambda: simple([node("Add", ["x", "b"], ["a"]), node("Abs", ["a"], ["b"]), node("Abs", ["b"], ["y"])])),
    "order_not_topological": ("0,3", lambda: simple([node("Abs", ["a"], ["y"]), node("Abs", ["x"], ["a"])])),
    "input_undefined": ("3", lambda: simple([node("Add", ["x", "nowhere"], ["y"])])),
    "output_undefined": ("3", lambda: simple([node("Abs", ["x"], ["z"])])),
    "output_twice": ("3", lambda: simple([node("Abs", ["x"], ["y"]), node("Neg", ["x"], ["y"])])),
    "output_twice_in_node": ("3", lambda: simple([node("Split", ["x"], ["y", "y"], attrs={"axis": 0})])),
    "output_is_input": ("3", lambda: simple([node("Abs", ["x"], ["x"])], outputs=("x",))),
    "output_is_initializer": ("3", lambda: simple([node("Abs", ["x"], ["w"])], [floats("w", [1.0])], outputs=("w",))),
    "input_twice": ("3", lambda: simple([node("Abs", ["x"], ["y"])], inputs=[x_input(2), x_input(2)])),
    "initializer_twice": ("3", lambda: simple([node("Abs", ["x"], ["y"])], [floats("w", [1.0]), floats("w", [2.0])])),
    "initializer_without_name": ("0,3", lambda: simple([node("Abs", ["x"], ["y"])], [floats("", [1.0])])),
    "node_without_op": ("3", lambda: simple([blob(1, "x") + blob(2, "y")])),
    "node_unknown_op": ("3,4", lambda: simple([node("NoSuchOperator", ["x"], ["y"])])),
    "node_unknown_domain": ("3,4", lambda: simple([node("Abs", ["x"], ["y"], domain="com.example")], opsets=[opset(1, "com.example")])),
    "node_domain_not_imported": ("3,4", lambda: simple([node("Abs", ["x"], ["y"], domain="com.example")])),
    "node_too_few_inputs": ("3", lambda: simple([node("Add", ["x"], ["y"])])),
    "node_too_many_inputs": ("3", lambda: simple([node("Abs", ["x", "x"], ["y"])])),
    "node_required_input_empty": ("3", lambda: simple([node("Add", ["x", ""], ["y"])])),
    "node_too_many_outputs": ("3", lambda: simple([node("Abs", ["x"], ["y", "z"])])),
    "node_100000_inputs": ("0,3,4,6", lambda: simple([node("Concat", ["x"] * 100_000, ["y"], attrs={"axis": 0})])),
    "dims_negative": ("0,3", lambda: simple([node("Abs", ["x"], ["y"])], inputs=[x_input(-5, 3)])),
    "dims_int64_min": ("0,3", lambda: simple([node("Abs", ["x"], ["y"])], inputs=[x_input(INT64_MIN)])),
    "dims_overflow": ("3,6", lambda: simple([node("Abs", ["x"], ["y"])], inputs=[x_input(1 << 40, 1 << 40)])),
    "dims_2p41": ("6", lambda: simple([node("Abs", ["x"], ["y"])], inputs=[x_input(1 << 41)])),
    "rank_9": ("3,4,6", lambda: simple([node("Abs", ["x"], ["y"])], inputs=[x_input(*[1] * 9)])),
    "rank_100000": ("3,4,6", lambda: simple([node("Abs", ["x"], ["y"])], inputs=[x_input(*[1] * 100_000)])),
    "input_type_0": ("3", lambda: simple([node("Abs", ["x"], ["y"])], inputs=[value("x", 0, [1])])),
    "input_type_999": ("3,4", lambda: simple([node("Abs", ["x"], ["y"])], inputs=[value("x", 999, [1])])),
    "input_without_type": ("3,4", lambda: simple([node("Abs", ["x"], ["y"])], inputs=[blob(1, "x")])),
    "no_outputs": ("0,3", lambda: simple([node("Abs", ["x"], ["y"])], outputs=())),
    "types_differ": ("3", lambda: simple([node("Add", ["x", "i"], ["y"])], [int64s("i", [1])])),
    "if_without_else": ("3", lambda: if_node(arm())),
    "if_arms_of_other_count": ("3", lambda: if_node(arm(), arm(outputs=("t", "t")))),
    "if_arm_undefined": ("3", lambda: if_node(arm(), arm("nowhere"))),
    "if_arm_reads_own_node": ("3", lambda: if_node(arm(), arm("y"))),
    "if_arm_with_inputs": ("3", lambda: if_node(arm(), graph([node("Abs", ["q"], ["t"])], [value("q")], [value("t")]))),
    "if_branch_is_number": ("3", lambda: if_node(arm(), 7)),
    "name_not_utf8": ("0,3", lambda: simple([node("Abs", ["x"], ["y"], b"\xff\xfe\x80")])),
    "name_with_nul": ("0,3", lambda: simple([node("Abs", ["x"], ["y"], "a\0b")])),
    "name_of_1_mb": ("0,3,6", lambda: simple([node("Abs", ["x"], ["y"], "n" * (1 << 20))])),
    "name_with_format": ("3", lambda: simple([node("Add", ["x", "%s%n%999999d"], ["y"], "%n%n%s")])),
}

TENSORS = {
    "raw_short": ("3", lambda: weight(tensor("w", [4], FLOAT, bytes(15)))),
    "raw_long": ("3", lambda: weight(tensor("w", [4], FLOAT, bytes(17)))),
    "raw_empty": ("3", lambda: weight(tensor("w", [4], FLOAT, b""))),
    "data_missing": ("3", lambda: weight(tensor("w", [4]))),
    "float_data_short": ("3", lambda: weight(tensor("w", [4], extra=blob(4, bytes(12))))),
    "float_data_long": ("3", lambda: weight(tensor("w", [4], extra=blob(4, bytes(20))))),
    "raw_and_float_data": ("0,3", lambda: weight(tensor("w", [4], FLOAT, bytes(16), blob(4, bytes(16))))),
    "data_in_wrong_field": ("3", lambda: weight(tensor("w", [4], FLOAT, extra=blob(7, b"\1\2\3\4")))),
    "tensor_dims_negative": ("3", lambda: weight(tensor("w", [-4], FLOAT, bytes(16)))),
    "tensor_dims_minus_product": ("3", lambda: weight(tensor("w", [-2, -2], FLOAT, bytes(16)))),
    "tensor_dims_overflow": ("3,6", lambda: weight(tensor("w", [1 << 32, 1 << 32], FLOAT, b""))),
    "tensor_dims_wrap_to_4": ("3,6", lambda: weight(tensor("w", [(1 << 62) + 1, 4], FLOAT, bytes(16)))),
    "tensor_dims_2p41": ("3,6", lambda: weight(tensor("w", [1 << 41], FLOAT, bytes(16)))),
    "tensor_dims_zero_times_huge": ("3,6", lambda: weight(tensor("w", [0, INT64_MAX, INT64_MAX], FLOAT, b""))),
    "tensor_rank_100000": ("3,4,6", lambda: weight(tensor("w", [1] * 100_000, FLOAT, bytes(4)))),
    "tensor_type_0": ("3", lambda: weight(tensor("w", [4], 0, bytes(16)))),
    "tensor_type_999": ("3,4", lambda: weight(tensor("w", [4], 999, bytes(16)))),
    "tensor_segment": ("3,4", lambda: weight(tensor("w", [4], FLOAT, bytes(16), blob(3, num(1, 0) + num(2, 2))))),
    "tensor_location_9": ("3,4", lambda: weight(tensor("w", [4], FLOAT, bytes(16), num(14, 9)))),
    "tensor_strings_short": ("3,4", lambda: simple([node("Identity", ["w"], ["y"])], [tensor("w", [3], STRING, extra=blob(6, "a"))])),
    "tensor_strings_raw": ("3,4", lambda: simple([node("Identity", ["w"], ["y"])], [tensor("w", [3], STRING, b"abc")])),
    "tensor_uint8_of_int32_short": ("3", lambda: simple([node("Identity", ["w"], ["y"])], [tensor("w", [3], UINT8, extra=blob(5, b"\1"))])),
    "sparse_index_outside": ("3,4", lambda: sparse([7], [4])),
    "sparse_index_negative": ("3,4", lambda: sparse([-1], [4])),
    "sparse_2p41": ("4,6", lambda: sparse([0], [1 << 41])),
}

ATTRIBUTES = {
    "attr_wrong_type": ("3", lambda: conv(kernel_shape="3x3")),
    "attr_twice": ("3", lambda: simple([node("Softmax", ["x"], ["y"], raw_attrs=[attr("axis", 0), attr("axis", 1)])])),
    "attr_unknown": ("3,4", lambda: unary("Abs", 2, surprise=1)),
    "attr_ref_outside_function": ("3,4", lambda: simple([node("Softmax", ["x"], ["y"], raw_attrs=[blob(1, "axis") + num(20, 2) + blob(21, "a")])])),
    "attr_type_lies": ("3", lambda: simple([node("Softmax", ["x"], ["y"], raw_attrs=[blob(1, "axis") + num(3, 1) + num(20, 5)])])),
    "attr_missing": ("3", lambda: unary("Concat", 2)),
    "conv_group_0": ("3", lambda: conv(group=0)),
    "conv_group_negative": ("3", lambda: conv(group=-1)),
    "conv_group_3": ("3", lambda: conv(group=3)),
    "conv_strides_0": ("3", lambda: conv(strides=[0, 0])),
    "conv_strides_short": ("3", lambda: conv(strides=[1])),
    "conv_dilations_negative": ("3", lambda: conv(dilations=[-1, 1])),
    "conv_dilations_huge": ("3,6", lambda: conv(dilations=[1 << 62, 1 << 62])),
    "conv_pads_int64_min": ("3,6", lambda: conv(pads=[INT64_MIN] * 4)),
    "conv_pads_int64_max": ("3,6", lambda: conv(pads=[INT64_MAX] * 4)),
    "conv_kernel_mismatch": ("3", lambda: conv(kernel_shape=[5, 5])),
    "conv_kernel_larger": ("0,3", lambda: conv(x_dims=(1, 1, 2, 2))),
    "conv_kernel_empty": ("0,3", lambda: conv(w_dims=(1, 1, 0, 0))),
    "conv_channels": ("3", lambda: conv(w_dims=(1, 2, 3, 3))),
    "conv_weight_rank": ("3", lambda: conv(w_dims=(1, 1, 3))),
    "pool_kernel_0": ("3", lambda: unary("MaxPool", 1, 1, 8, 8, kernel_shape=[0, 0])),
    "pool_kernel_huge": ("3,6", lambda: unary("MaxPool", 1, 1, 8, 8, kernel_shape=[INT64_MAX, INT64_MAX])),
    "pool_pads_over_kernel": ("0,3,4", lambda: unary("MaxPool", 1, 1, 8, 8, kernel_shape=[2, 2], pads=[5, 5, 5, 5])),
    "softmax_axis_99": ("3", lambda: unary("Softmax", 2, 3, axis=99)),
    "concat_axis_int64_min": ("3", lambda: unary("Concat", 2, 3, axis=INT64_MIN)),
    "transpose_perm_twice": ("3", lambda: unary("Transpose", 2, 3, perm=[0, 0])),
    "transpose_perm_outside": ("3", lambda: unary("Transpose", 2, 3, perm=[0, 7])),
    "transpose_perm_short": ("3", lambda: unary("Transpose", 2, 3, perm=[0])),
    "reshape_two_minus_1": ("3", lambda: unary("Reshape", 2, 3, inits=[int64s("s", [-1, -1])], extra_inputs=["s"])),
    "reshape_mismatch": ("3", lambda: unary("Reshape", 2, 3, inits=[int64s("s", [4, 2])], extra_inputs=["s"])),
    "reshape_minus_2": ("3", lambda: unary("Reshape", 2, 3, inits=[int64s("s", [-2, -3])], extra_inputs=["s"])),
    "reshape_indivisible": ("3", lambda: unary("Reshape", 2, 3, inits=[int64s("s", [4, -1])], extra_inputs=["s"])),
    "reshape_minus_1_by_0": ("3", lambda: unary("Reshape", 0, 3, inits=[int64s("s", [0, -1])], extra_inputs=["s"])),
    "reshape_to_float": ("3", lambda: unary("Reshape", 2, 3, inits=[floats("s", [6.0])], extra_inputs=["s"])),
    "slice_step_0": ("3", lambda: unary("Slice", 4, inits=[int64s("a", [0]), int64s("b", [4]), int64s("c", [0])], extra_inputs=["a", "b", "c", "c"])),
    "slice_step_int64_min": ("0,3",
        lambda: unary("Slice", 4, inits=[int64s("a", [3]), int64s("b", [INT64_MIN]), int64s("x0", [0])], extra_inputs=["a", "b", "x0", "b"])),
    "slice_axes_twice": ("3", lambda: unary("Slice", 4, inits=[int64s("a", [0, 0]), int64s("b", [4, 4])], extra_inputs=["a", "b", "a"])),
    "split_sizes": ("3", lambda: simple([node("Split", ["x", "s"], ["y", "z"], attrs={"axis": 1})], [int64s("s", [1, 7])])),
    "split_sizes_negative": ("3", lambda: simple([node("Split", ["x", "s"], ["y", "z"], attrs={"axis": 1})], [int64s("s", [-1, 4])])),
    "gather_index_outside": ("0,3,4", lambda: simple([node("Gather", ["w", "i"], ["y"])], [floats("w", [1.0, 2.0]), int64s("i", [9])], [])),
    "gather_index_negative": ("0,3,4", lambda: simple([node("Gather", ["w", "i"], ["y"])], [floats("w", [1.0, 2.0]), int64s("i", [INT64_MIN])], [])),
    "squeeze_not_1": ("3", lambda: unary("Squeeze", 2, 3, inits=[int64s("a", [0])], extra_inputs=["a"])),
    "unsqueeze_twice": ("3", lambda: unary("Unsqueeze", 2, 3, inits=[int64s("a", [0, 0])], extra_inputs=["a"])),
    "unsqueeze_to_rank_9": ("3,4,6", lambda: unary("Unsqueeze", 2, 3, inits=[int64s("a", list(range(7)))], extra_inputs=["a"])),
    "reduce_axis_outside": ("3", lambda: unary("ReduceMax", 2, 3, axes=[5])),
    "pad_negative": ("3", lambda: unary("Pad", 2, inits=[int64s("p", [-2, -2])], extra_inputs=["p"])),
    "pad_count": ("3", lambda: unary("Pad", 2, 3, inits=[int64s("p", [1, 1])], extra_inputs=["p"])),
    "expand_mismatch": ("3", lambda: unary("Expand", 2, 3, inits=[int64s("s", [4, 3])], extra_inputs=["s"])),
    "expand_negative": ("3", lambda: unary("Expand", 1, inits=[int64s("s", [-1])], extra_inputs=["s"])),
    "tile_negative": ("3", lambda: unary("Tile", 2, inits=[int64s("s", [-1])], extra_inputs=["s"])),
    "constant_of_shape_negative": ("3", lambda: simple([node("ConstantOfShape", ["s"], ["y"])], [int64s("s", [-1])], [])),
    "constant_of_shape_value_of_2": ("3",
        lambda: simple([node("ConstantOfShape", ["s"], ["y"], attrs={"value": floats("", [1.0, 2.0])})], [int64s("s", [2])], [])),
    "constant_without_value": ("3", lambda: simple([node("Constant", [], ["y"])])),
    "range_step_0": ("3", lambda: simple([node("Range", ["a", "b", "a"], ["y"])], [int64s("a", [0], []), int64s("b", [4], [])], [])),
    "cast_to_999": ("3,4", lambda: unary("Cast", 2, to=999)),
    "matmul_mismatch": ("3", lambda: unary("MatMul", 2, 3, inits=[floats("w", [1.0] * 4, [2, 2])], extra_inputs=["w"])),
    "matmul_scalar": ("3", lambda: unary("MatMul", 2, 3, inits=[floats("w", [1.0], [])], extra_inputs=["w"])),
    "gemm_rank_3": ("3", lambda: unary("Gemm", 1, 2, 2, inits=[floats("w", [1.0] * 4, [2, 2])], extra_inputs=["w"])),
    "add_not_broadcastable": ("3", lambda: unary("Add", 2, 3, inits=[floats("w", [1.0] * 4)], extra_inputs=["w"])),
    "shape_div_by_0": ("0,3", lambda: shape_math("Div", 4, 0)),
    "shape_div_overflow": ("3", lambda: shape_math("Div", INT64_MIN, -1)),
    "shape_mod_by_0": ("0,3", lambda: shape_math("Mod", 4, 0)),
    "shape_mul_overflow": ("3,6", lambda: shape_math("Mul", INT64_MAX, 2)),
    "shape_add_overflow": ("3,6", lambda: shape_math("Add", INT64_MAX, 1)),
    "shape_pow_overflow": ("3,6", lambda: shape_math("Pow", 10, 40)),
    "lstm_hidden_0": ("0,3", lambda: lstm(0)),
    "lstm_hidden_mismatch": ("3", lambda: lstm(3)),
    "lstm_hidden_huge": ("3,6", lambda: lstm(1 << 62)),
    "lstm_direction": ("3", lambda: lstm(2, direction="sideways")),
    "lstm_one_direction_of_two": ("3", lambda: lstm(2, direction="bidirectional")),
    "quantize_scale_rank": ("3",
        lambda: unary("QuantizeLinear", 2, 3, inits=[floats("s", [1.0] * 7), tensor("z", [7], UINT8, bytes(7))], extra_inputs=["s", "z"])),
    "quantize_axis_outside": ("3",
        lambda: unary("QuantizeLinear", 2, 3, inits=[floats("s", [1.0] * 3), tensor("z", [3], UINT8, bytes(3))], extra_inputs=["s", "z"], axis=9)),
    "clip_min_is_vector": ("3", lambda: unary("Clip", 2, 3, inits=[floats("a", [1.0, 2.0])], extra_inputs=["a"])),
    "where_condition_float": ("3", lambda: simple([node("Where", ["x", "x", "x"], ["y"])])),
    "batch_norm_count": ("3", lambda: unary("BatchNormalization", 1, 3, 2, 2, inits=[floats("s", [1.0, 2.0])], extra_inputs=["s"] * 4)),
    "layer_norm_axis": ("3", lambda: unary("LayerNormalization", 2, 3, inits=[floats("s", [1.0] * 3)], extra_inputs=["s"], axis=5)),
    "bool_of_7": ("0,3", lambda: simple([node("Not", ["b"], ["y"])], [tensor("b", [2], BOOL, struct.pack("2B", 7, 1))], [])),
    "indices_float": ("3", lambda: unary("Gather", 4, inits=[floats("i", [1.0])], extra_inputs=["i"])),
    "top_k_over": ("3,4", lambda: simple([node("TopK", ["x", "k"], ["y", "z"])], [int64s("k", [99])], outputs=("y", "z"))),
    "flatten_axis_99": ("3", lambda: unary("Flatten", 2, 3, axis=99)),
    "input_int64_to_exp": ("3", lambda: simple([node("Exp", ["x"], ["y"])], inputs=[value("x", INT64, [2])])),
}

CASES = {**GRAPH, **TENSORS, **ATTRIBUTES}
