#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes model files that must be refused (or survived) quickly and in little memory.

    python3 make_hostile.py OUTPUT_FOLDER

OUTPUT_FOLDER/manifest.txt has one line per file: `NAME CODES LIMIT`. NAME is relative to the folder; CODES are the exit codes of
`ingot build NAME` that are right, comma-separated (0 built, 3 bad model, 4 unsupported, 6 over a limit, 7 I/O); LIMIT is the limit that
must be named where the code is 6, or `-` where any may be. Standard library only; about 50 MB are written, most of it by the four
files of many nodes, graphs or outputs, so nothing of this is checked in.
"""
import os
import pathlib
import struct
import sys

import graph_cases
from wire import BOOL, FLOAT, INT64, attr, blob, floats, function, graph, int64s, model, nest, node, num, tag, tensor, value, varint

HUGE = 1 << 41
CASES = []


def case(codes, limit="-"):
    """Registers a maker: its name is the file's, without `make_`; it returns the file's bytes."""

    def register(make):
        CASES.append((make.__name__.removeprefix("make_") + ".onnx", make, codes, limit))
        return make

    return register


def one_node(op, inputs, inits=(), graph_inputs=(), y_dims=None, **attrs):
    return model(graph([node(op, inputs, ["y"], "n", attrs=attrs)], graph_inputs, [value("y", FLOAT, y_dims)], inits))


def x_input(*dims):
    return value("x", FLOAT, dims)


# ------------------------------------------------------------------------------------------------------------- nesting


def nested_ifs(depth):
    """Well-formed Ifs, one inside the then-branch of the other; the condition and x are captured from the outermost graph."""
    leaf_outputs = blob(12, value("y", FLOAT, [1]))
    leaf = blob(1, node("Identity", ["x"], ["y"])) + blob(2, "leaf") + leaf_outputs
    other = blob(5, attr("else_branch", ("graph", leaf)))
    in_node = blob(1, "c") + blob(2, "y") + blob(4, "If") + other
    in_attr = blob(1, "then_branch") + num(20, 5)
    in_graph = blob(2, "g") + leaf_outputs
    prefixes = []
    for _ in range(depth):
        prefixes += [(in_attr, [6]), (in_node, [5]), (in_graph, [1])]
    outer = nest(prefixes, leaf)
    return model(outer + many_inputs())


def many_inputs():
    return blob(11, value("c", BOOL, [])) + blob(11, value("x", FLOAT, [1]))


def ranks_in_a_row(count, tail):
    """Ifs whose results are of rank 1 or 2, one behind the other; each takes all that follows into its arms. `tail` more nodes behind them."""
    nodes, x = [], "x"
    for i in range(count):
        arms = [graph([node("Squeeze", [x], [f"q{i}"], f"s{i}")], [], [value(f"q{i}", FLOAT)]), graph([node("Neg", [x], [f"n{i}"], f"n{i}")], [], [value(f"n{i}", FLOAT)])]
        nodes += [node("If", ["c"], [f"y{i}"], f"if{i}", attrs={"then_branch": ("graph", arms[0]), "else_branch": ("graph", arms[1])}),
                  node("Reshape", [f"y{i}", "shape"], [f"r{i}"], f"r{i}")]
        x = f"r{i}"
    for i in range(tail):
        nodes.append(node("Neg", [x], [f"t{i}"], f"t{i}"))
        x = f"t{i}"
    nodes.append(node("Identity", [x], ["y"], "last"))
    return model(graph(nodes, [value("c", BOOL, []), x_input(1, 4)], [value("y", FLOAT, [1, 4])], [int64s("shape", [1, 4])]))


@case("0")
def make_ranks_of_3_ifs():
    return ranks_in_a_row(3, 100)


@case("6", "copies behind Ifs")
def make_ranks_of_20_ifs():
    return ranks_in_a_row(20, 10)


@case("6")
def make_ranks_with_a_long_tail():
    return ranks_in_a_row(20, 150000)


@case("0")
def make_nested_graphs_50():
    return nested_ifs(50)


@case("6", "nesting")
def make_nested_graphs_70():
    return nested_ifs(70)


@case("6", "nesting")
def make_nested_graphs_3000():
    return nested_ifs(3000)


@case("6", "nesting")
def make_nested_graphs_100000():
    return nested_ifs(100_000)


@case("3,4,6")
def make_nested_sequence_types():
    inner = blob(1, num(1, FLOAT))
    deep = nest([(b"", [4, 1])] * 100_000, inner)
    info = blob(1, "x") + blob(2, deep)
    return model(graph([node("Identity", ["x"], ["y"])], [info], [value("y")]))


@case("3,6")
def make_empty_nodes_5m():
    return model(tag(1, 2) + b"\0" + b"\x0a\0" * (5_000_000 - 1) + graph([], [x_input(1)], [value("x")]))


@case("6", "nodes")
def make_nodes_1m_and_one():
    names = [b"%x" % i for i in range(1_000_002)]
    op = blob(4, "Abs")
    nodes = b"".join(blob(1, blob(1, names[i]) + blob(2, names[i + 1]) + op) for i in range(1_000_001))
    return model(nodes + blob(2, "g") + blob(11, value("0", FLOAT, [1])) + blob(12, value("f4241", FLOAT, [1])))


@case("0")
def make_chain_of_20000():
    nodes = [node("Abs", [f"v{i}"], [f"v{i + 1}"]) for i in range(20_000)]
    return model(graph(nodes, [value("v0", FLOAT, [1])], [value("v20000", FLOAT, [1])]))


# ----------------------------------------------------------------------------------------------------------- functions


def call(name, x, y):
    return node(name, [x], [y], domain="f")


@case("6")
def make_function_doubling():
    """Each function calls the one before it twice: 2^29 nodes after inlining, in under 2 KB."""
    funcs = [function("f0", ["x"], ["y"], [node("Abs", ["x"], ["y"])])]
    funcs += [function(f"f{i}", ["x"], ["y"], [call(f"f{i - 1}", "x", "t"), call(f"f{i - 1}", "t", "y")]) for i in range(1, 30)]
    return model(graph([call("f29", "x", "y")], [x_input(1)], [value("y")]), functions=funcs)


@case("6", "nesting")
def make_function_chain_100():
    funcs = [function("f0", ["x"], ["y"], [node("Abs", ["x"], ["y"])])]
    funcs += [function(f"f{i}", ["x"], ["y"], [call(f"f{i - 1}", "x", "y")]) for i in range(1, 100)]
    return model(graph([call("f99", "x", "y")], [x_input(1)], [value("y")]), functions=funcs)


@case("3,6")
def make_function_recursive():
    return model(graph([call("a", "x", "y")], [x_input(1)], [value("y")]), functions=[function("a", ["x"], ["y"], [call("a", "x", "y")])])


@case("3,6")
def make_function_mutually_recursive():
    funcs = [function("a", ["x"], ["y"], [call("b", "x", "y")]), function("b", ["x"], ["y"], [call("a", "x", "y")])]
    return model(graph([call("a", "x", "y")], [x_input(1)], [value("y")]), functions=funcs)


@case("3")
def make_function_twice():
    same = function("a", ["x"], ["y"], [node("Abs", ["x"], ["y"])])
    return model(graph([call("a", "x", "y")], [x_input(1)], [value("y")]), functions=[same, same])


@case("3")
def make_function_without_its_output():
    return model(graph([call("a", "x", "y")], [x_input(1)], [value("y")]), functions=[function("a", ["x"], ["z"], [node("Abs", ["x"], ["t"])])])


# --------------------------------------------------------------------------------------------------------- huge shapes


@case("6", "elements")
def make_constant_of_shape_2p41():
    return one_node("ConstantOfShape", ["s"], [int64s("s", [HUGE])])


@case("6")
def make_constant_of_shape_2p39():
    """Within the limit of elements, beyond any memory."""
    return one_node("ConstantOfShape", ["s"], [int64s("s", [1 << 39])])


@case("3,6")
def make_constant_of_shape_overflow():
    return one_node("ConstantOfShape", ["s"], [int64s("s", [1 << 40, 1 << 40, 1 << 40])])


@case("6", "elements")
def make_expand_2p41():
    return one_node("Expand", ["x", "s"], [int64s("s", [HUGE])], [x_input(1)])


@case("6", "elements")
def make_tile_2p41():
    return one_node("Tile", ["x", "s"], [int64s("s", [HUGE])], [x_input(1)])


@case("6", "elements")
def make_range_2p41():
    return one_node("Range", ["a", "b", "c"], [int64s("a", [0], []), int64s("b", [HUGE], []), int64s("c", [1], [])])


@case("3,6")
def make_range_whole_int64():
    return one_node("Range", ["a", "b", "c"], [int64s("a", [-(1 << 63)], []), int64s("b", [(1 << 63) - 1], []), int64s("c", [1], [])])


@case("6", "elements")
def make_pad_2p41():
    return one_node("Pad", ["x", "p"], [int64s("p", [0, HUGE])], [x_input(1)])


@case("3,6")
def make_pad_overflow():
    return one_node("Pad", ["x", "p"], [int64s("p", [(1 << 63) - 1, (1 << 63) - 1])], [x_input(4)])


@case("4,6")
def make_resize_2p41():
    return one_node("Resize", ["x", "", "", "s"], [int64s("s", [1, 1, 1 << 21, 1 << 20])], [x_input(1, 1, 2, 2)])


@case("3,4,6")
def make_resize_scale_huge():
    return one_node("Resize", ["x", "", "s"], [floats("s", [1.0, 1.0, 3e38, 3e38])], [x_input(1, 1, 2, 2)])


@case("6", "elements")
def make_one_hot_2p41():
    return one_node("OneHot", ["x", "d", "v"], [int64s("d", [HUGE], []), floats("v", [0.0, 1.0])], [value("x", INT64, [1])])


@case("4,6")
def make_loop_2p41():
    """2^41 trips, each adding one element to the scanned output."""
    nodes = [node("Identity", ["c"], ["c2"]), node("Abs", ["v"], ["v2"]), node("Identity", ["v2"], ["s"])]
    ins = [value("i", INT64, []), value("c", BOOL, []), value("v", FLOAT, [1])]
    body = graph(nodes, ins, [value("c2", BOOL, []), value("v2", FLOAT, [1]), value("s", FLOAT, [1])])
    loop = node("Loop", ["m", "t", "x"], ["y", "z"], "n", attrs={"body": ("graph", body)})
    true = tensor("t", [], BOOL, b"\1")
    return model(graph([loop], [x_input(1)], [value("y"), value("z")], [int64s("m", [HUGE], []), true]))


@case("0,4,6")
def make_split_into_1m():
    """A legal network: it may be built, but neither slowly nor in much memory."""
    outputs = b"".join(blob(2, b"%x" % i) for i in range(1_000_000))
    split = blob(1, "x") + outputs + blob(4, "Split")
    return model(graph([split], [x_input(1_000_000)], [value("0"), value("f423f")]))


@case("3,4,6")
def make_einsum_60_letters():
    """Fifteen operands of four letters: sixty, of which fifty-two differ, all of them in the result."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    sixty = letters + letters[:8]
    names = [f"x{i}" for i in range(15)]
    equation = ",".join(sixty[4 * i : 4 * i + 4] for i in range(15)) + "->" + letters
    einsum = node("Einsum", names, ["y"], "n", attrs={"equation": equation})
    return model(graph([einsum], [value(n, FLOAT, [2, 2, 2, 2]) for n in names], [value("y")]))


def squared(x, doubled):
    """x [n, 1] -> x x^T -> [n * n, 1], 64 times; with `doubled` n is a symbol and doubled before, so that 1 grows too."""
    nodes, current = [], "x"
    for i in range(64):
        if doubled:
            nodes.append(node("Concat", [current, current], [f"d{i}"], attrs={"axis": 0}))
            current = f"d{i}"
        nodes.append(node("Transpose", [current], [f"t{i}"], attrs={"perm": [1, 0]}))
        nodes.append(node("Mul", [current, f"t{i}"], [f"m{i}"]))
        nodes.append(node("Reshape", [f"m{i}", "column"], [f"r{i}"]))
        current = f"r{i}"
    return model(graph(nodes, [x], [value(current)], [int64s("column", [-1, 1])]))


@case("3,6")
def make_square_64_static():
    return squared(x_input(3, 1), doubled=False)


@case("3,4,6")
def make_square_64_symbolic():
    return squared(x_input("n", 1), doubled=True)


@case("0,3,6")
def make_square_64_values():
    """The same by arithmetic on a shape: the product leaves int64 at the sixth step."""
    nodes = [node("Mul", [f"s{i}", f"s{i}"], [f"s{i + 1}"]) for i in range(64)]
    nodes.append(node("ConstantOfShape", ["s64"], ["y"]))
    return model(graph([node("Shape", ["x"], ["s0"]), *nodes], [x_input(3)], [value("y")]))


# ------------------------------------------------------------------------------------------------- the file as a whole


def write_truncated(folder, manifest):
    """A small model cut at every length; opset_import is its last field, so that no cut is a whole model."""
    whole = one_node("Add", ["x", "w"], [floats("w", [1.0, 2.0])], [x_input(2)], [2])
    for n in range(len(whole)):
        (folder / f"truncated_{n:03d}.onnx").write_bytes(whole[:n])
        manifest.append((f"truncated_{n:03d}.onnx", "3,4", "-"))
    (folder / "whole.onnx").write_bytes(whole)
    manifest.append(("whole.onnx", "0", "-"))


def add_model(**replace):
    parts = dict(ir=num(1, 8), graph=blob(7, graph([node("Abs", ["x"], ["y"])], [x_input(2)], [value("y", FLOAT, [2])])), opset=blob(8, num(2, 17)))
    return b"".join({**parts, **replace}.values())


def with_weight(tensor_bytes):
    """x [1] + w, where w is the TensorProto given."""
    return one_node("Add", ["x", "w"], [tensor_bytes], [x_input(1)], [1])


RAW = {
    "wire_graph_as_varint": ("3", lambda: add_model(graph=num(7, 1))),
    "wire_graph_as_fixed32": ("3", lambda: add_model(graph=tag(7, 5) + b"abcd")),
    "wire_ir_version_as_bytes": ("3", lambda: add_model(ir=blob(1, "8"))),
    "wire_group": ("0,3", lambda: add_model(extra=tag(99, 3) + tag(99, 4))),
    "wire_groups_100000_deep": ("3,6", lambda: add_model(extra=tag(99, 3) * 100_000 + tag(99, 4) * 100_000)),
    "wire_group_open": ("3", lambda: add_model(extra=tag(99, 3))),
    "wire_type_6": ("3", lambda: add_model(extra=tag(99, 6))),
    "wire_type_7": ("3", lambda: add_model(extra=tag(99, 7))),
    "wire_field_0": ("3", lambda: add_model(extra=b"\x00\x00")),
    "wire_varint_of_11_bytes": ("3", lambda: add_model(ir=tag(1, 0) + b"\xff" * 10 + b"\x01")),
    "wire_varint_open": ("3", lambda: add_model(extra=tag(99, 0) + b"\xff")),
    "wire_length_2p63": ("3", lambda: add_model(extra=tag(99, 2) + varint(1 << 63))),
    "wire_length_2p64m1": ("3", lambda: add_model(extra=tag(99, 2) + varint((1 << 64) - 1))),
    "wire_unknown_fields": ("0", lambda: add_model(extra=num(999, 1) + blob(998, "x") + tag(997, 5) + b"abcd" + tag(996, 1) + b"abcdefgh")),
    "wire_node_as_varint": ("0,3", lambda: model(num(1, 5) + graph([], [x_input(1)], [value("x")]))),
    "wire_dims_as_fixed64": ("0,3", lambda: with_weight(tag(1, 1) + struct.pack("<q", 1) + num(2, 1) + blob(8, "w") + blob(9, b"abcd"))),
    "wire_packed_dims_open": ("3", lambda: with_weight(blob(1, b"\x81") + num(2, 1) + blob(8, "w") + blob(9, b"abcd"))),
    "wire_float_data_of_3_bytes": ("3", lambda: with_weight(num(1, 1) + num(2, 1) + blob(8, "w") + blob(4, b"abc"))),
    "no_graph": ("3", lambda: add_model(graph=b"")),
    "no_opset": ("3,4", lambda: add_model(opset=b"")),
    "opset_9999": ("3,4", lambda: add_model(opset=blob(8, num(2, 9999)))),
    "opset_negative": ("3,4", lambda: add_model(opset=blob(8, num(2, -1)))),
    "opset_2": ("4", lambda: add_model(opset=blob(8, num(2, 2)))),
    "text_file": ("3", lambda: b"this is not a model\n" * 40),
    "zeros": ("3", lambda: bytes(4096)),
    "ones": ("3", lambda: b"\xff" * 4096),
    "tensorrt_plan": ("3,4", lambda: struct.pack("<I", 0x74727466) + bytes(range(256)) * 4),
}


# ------------------------------------------------------------------------------------------------------- external data


def external(location, offset=None, length=None, dims=(4,)):
    """x [4] + w, where w's 16 bytes lie elsewhere; offset and length are written as given, numbers or not."""
    fields = [("location", location), ("offset", offset), ("length", length)]
    entries = many_entries([(k, v) for k, v in fields if v is not None])
    return one_node("Add", ["x", "w"], [tensor("w", dims, extra=entries + num(14, 1))], [x_input(4)], [4])


def many_entries(pairs):
    return b"".join(blob(13, blob(1, k) + blob(2, v if isinstance(v, bytes) else str(v))) for k, v in pairs)


def external_cases(outside):
    """Name -> (codes, bytes). `data.bin` has 64 bytes."""
    return {
        "good": ("0", external("data.bin", 16, 16)),
        "good_dot": ("0", external("./data.bin", 0, 16)),
        "good_inner_link": ("0,3", external("inner_link.bin", 0, 16)),
        "dotdot": ("3", external("../outside.bin", 0, 16)),
        "dotdot_inside": ("3", external("sub/../data.bin", 0, 16)),
        "dotdot_through_sub": ("3", external("sub/../../outside.bin", 0, 16)),
        "absolute": ("3", external(str(outside), 0, 16)),
        "absolute_dev_zero": ("3", external("/dev/zero", 0, 16)),
        "nul": ("3", external(b"data.bin\0.txt", 0, 16)),
        "empty_location": ("3", external("", 0, 16)),
        "no_location": ("3", external(None, 0, 16)),
        "backslash": ("3,7", external("..\\outside.bin", 0, 16)),
        "missing_file": ("3,7", external("not_there.bin", 0, 16)),
        "folder": ("3,7", external("sub", 0, 16)),
        "fifo": ("3,7", external("fifo.bin", 0, 16)),
        "link_out": ("3,7", external("link.bin", 0, 16)),
        "link_folder_out": ("3,7", external("link_folder/outside.bin", 0, 16)),
        "link_to_itself": ("3,7", external("link_loop.bin", 0, 16)),
        "offset_over_end": ("3", external("data.bin", 64, 16)),
        "offset_one_over": ("3", external("data.bin", 49, 16)),
        "offset_2p64m8": ("3", external("data.bin", (1 << 64) - 8, 16)),
        "offset_2p64": ("3", external("data.bin", 1 << 64, 16)),
        "offset_negative": ("3", external("data.bin", -16, 16)),
        "offset_text": ("3", external("data.bin", "sixteen", 16)),
        "offset_trailing": ("3", external("data.bin", "16x", 16)),
        "length_over_end": ("3", external("data.bin", 0, 65)),
        "length_negative": ("3", external("data.bin", 0, -1)),
        "length_short": ("3", external("data.bin", 0, 12)),
        "length_long": ("3", external("data.bin", 0, 20)),
        "no_length_too_short": ("3", external("data.bin", 56)),
        "dims_huge": ("3,6", external("data.bin", 0, 64, [1 << 40, 4])),
    }


def write_external(folder, manifest):
    """`external/` lies beside outside.bin, which no model in it may reach."""
    outside = (folder / "outside.bin").resolve()
    outside.write_bytes(struct.pack("<16f", *range(16)))
    inner = folder / "external"
    (inner / "sub").mkdir(parents=True, exist_ok=True)
    (inner / "data.bin").write_bytes(struct.pack("<16f", *range(16)))
    links = {"link.bin": "../outside.bin", "link_folder": "..", "link_loop.bin": "link_loop.bin", "inner_link.bin": "data.bin"}
    for name, target in links.items():
        if not (inner / name).is_symlink():
            os.symlink(target, inner / name)
    if not (inner / "fifo.bin").exists():
        os.mkfifo(inner / "fifo.bin")
    for name, (codes, data) in external_cases(outside).items():
        (inner / f"{name}.onnx").write_bytes(data)
        manifest.append((f"external/{name}.onnx", codes, "-"))
    write_linked(folder / "hub", manifest)


def write_linked(hub, manifest):
    """The layout of download caches: model and data are links into one folder of blobs, which is the real model's folder."""
    for sub in ("blobs", "snapshot"):
        (hub / sub).mkdir(parents=True, exist_ok=True)
    (hub / "blobs" / "0a1b").write_bytes(external("data.bin", 16, 16))
    (hub / "blobs" / "2c3d").write_bytes(struct.pack("<16f", *range(16)))
    for name, target in {"model.onnx": "../blobs/0a1b", "data.bin": "../blobs/2c3d"}.items():
        if not (hub / "snapshot" / name).is_symlink():
            os.symlink(target, hub / "snapshot" / name)
    manifest.append(("hub/snapshot/model.onnx", "0", "-"))


# ----------------------------------------------------------------------------------------------------------------- all


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make_hostile.py OUTPUT_FOLDER")
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    manifest = []
    for name, make, codes, limit in CASES:
        (folder / name).write_bytes(make())
        manifest.append((name, codes, limit))
    for name, (codes, make) in {**RAW, **graph_cases.CASES}.items():
        (folder / f"{name}.onnx").write_bytes(make())
        manifest.append((f"{name}.onnx", codes, "-"))
    write_truncated(folder, manifest)
    write_external(folder, manifest)
    (folder / "manifest.txt").write_text("".join(" ".join(line) + "\n" for line in manifest))
    print(f"{len(manifest)} files")


if __name__ == "__main__":
    main()
