#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes cases that ONNX's own leave out, of types and of constant operands, in the layout of make_cases.py, answered by ONNX's reference evaluator.

    python3 more_cases.py OUTPUT_FOLDER

The answers are exact: every case is written with tolerance 0.
"""
import pathlib
import shutil
import sys
import warnings

import numpy as np
import onnx
from make_cases import serialise, type_name
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

F6 = {"e2m3": TensorProto.FLOAT6E2M3, "e3m2": TensorProto.FLOAT6E3M2}


def case(name, nodes, inputs, outputs, constants=()):
    """inputs: {name: array}; outputs: {name: data type}; constants: {name: array}."""
    data_type = lambda v: TensorProto.STRING if v.dtype.kind in "OU" else helper.np_dtype_to_tensor_dtype(v.dtype)
    infos = [helper.make_tensor_value_info(k, data_type(v), v.shape) for k, v in inputs.items()]
    results = [helper.make_tensor_value_info(k, t, None) for k, t in outputs.items()]
    weights = [numpy_helper.from_array(v, k) for k, v in dict(constants).items()]
    graph = helper.make_graph(nodes, name, infos, results, weights)
    return name, helper.make_model(graph, opset_imports=[helper.make_opsetid("", 28)], ir_version=12), inputs


def float6():
    half = np.arange(65536, dtype=np.uint16)
    finite = lambda x: x[np.isfinite(x)]
    values = {
        "float": finite((half.astype(np.uint32) << 16).view(np.float32)),
        "float16": finite(half.view(np.float16)),
        "double": finite(half.view(np.float16)).astype(np.float64) * (1 + 1e-10),
        "int32": np.arange(-300, 300, dtype=np.int32),
        "int64": np.arange(-300, 300, dtype=np.int64),
        "bool": np.array([True, False]),
    }
    for name, to in F6.items():
        dtype = helper.tensor_dtype_to_np_dtype(to)
        for source, x in values.items():
            yield case(f"cast_{source}_to_float6{name}", [helper.make_node("Cast", ["x"], ["y"], to=to)], {"x": x}, {"y": to})
        codes = np.arange(64, dtype=np.uint8).view(dtype)
        for target in ("FLOAT", "FLOAT16", "DOUBLE", "INT32", "BFLOAT16", "FLOAT8E4M3FN", "BOOL", *("FLOAT6" + n.upper() for n in F6)):
            t = TensorProto.DataType.Value(target)
            yield case(f"cast_float6{name}_to_{target.lower()}", [helper.make_node("Cast", ["x"], ["y"], to=t)], {"x": codes}, {"y": t})
            # The same as a constant, which lies packed in the file.
            yield case(f"cast_constant_float6{name}_to_{target.lower()}", [helper.make_node("Cast", ["w"], ["y"], to=t)], {}, {"y": t}, {"w": codes[3:]})
        x = np.linspace(-40, 40, 1001).astype(np.float32)
        for zero in (0.0, 1.5):
            nodes = [
                helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"], output_dtype=to),
                helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
            ]
            constants = {"scale": np.array(0.37, np.float32), "zero": np.array(zero).astype(dtype)}
            yield case(f"quantise_float6{name}_{zero}", nodes, {"x": x}, {"q": to, "y": TensorProto.FLOAT}, constants)


def opaque():
    """Strings and complex numbers, which no program computes with: chosen among, and strings compared."""
    words = np.array([["", "a", "naïve"], ["ab", "a\0b", "a"]], dtype=object)
    more = np.array(["a", "", "a"], dtype=object)
    z = np.arange(6).reshape(2, 3)
    samples = {
        "string": (words, more, TensorProto.STRING),
        "complex64": ((z + 1j * z[::-1]).astype(np.complex64), np.array([1j, -2, np.nan], np.complex64), TensorProto.COMPLEX64),
        "complex128": (z - 0.5j * z, np.array([1e300j, -0.0, 7]), TensorProto.COMPLEX128),
    }
    mask = np.array([[[True], [False]], [[False], [True]]])
    flat = np.array([True, False, True])
    for name, (x, y, t) in samples.items():
        where = [helper.make_node("Where", ["c", "x", "y"], ["z"])]
        yield case(f"where_{name}", where, {"c": mask, "x": x, "y": y}, {"z": t})
        yield case(f"where_{name}_constant", where, {"c": flat, "x": x}, {"z": t}, {"y": y})
        yield case(f"where_{name}_scalar", where, {"c": flat, "x": np.array(x[0, 1]), "y": y}, {"z": t})
        yield case(f"where_{name}_empty", where, {"c": flat[:0], "x": y[:1], "y": y[:0]}, {"z": t})
        batch = np.stack([x, x[::-1]])
        for upper in (0, 1):
            for k in (None, -1, 0, 2):
                inputs = {"x": batch} if k is None else {"x": batch, "k": np.array(k)}
                yield case(f"trilu_{name}_{upper}_{k}", [helper.make_node("Trilu", list(inputs), ["z"], upper=upper)], inputs, {"z": t})
        for axis in (-1, 0, 1):
            node = helper.make_node("OneHot", ["i", "n", "v"], ["z"], axis=axis)
            inputs = {"i": np.array([[0, -1, 7], [2, 1, 0]]), "v": y[:2]}
            yield case(f"one_hot_{name}_{axis}", [node], inputs, {"z": t}, {"n": np.array(4)})
    # Strings go on through views and moves, in memory that steps share; a result in place of what came before.
    nodes = [
        helper.make_node("Concat", ["x", "w"], ["joined"], axis=0),
        helper.make_node("Transpose", ["joined"], ["turned"], perm=[1, 0]),
        helper.make_node("Equal", ["turned", "one"], ["same"]),
        helper.make_node("Where", ["same", "w2", "turned"], ["z"]),
        helper.make_node("Gather", ["z", "i"], ["picked"], axis=1),
        helper.make_node("Equal", ["picked", "z"], ["again"]),
    ]
    constants = {"w": words[::-1], "one": np.array("a", dtype=object), "w2": np.array(["x", "yy", "zzz"], dtype=object).reshape(3, 1), "i": np.array([3, 2, 1, 0])}
    yield case("strings_chain", nodes, {"x": words}, {"z": TensorProto.STRING, "same": TensorProto.BOOL, "again": TensorProto.BOOL}, constants)
    equal = [helper.make_node("Equal", ["x", "y"], ["z"])]
    yield case("equal_string_broadcast", equal, {"x": words.reshape(2, 1, 3), "y": more.reshape(3, 1)}, {"z": TensorProto.BOOL})
    yield case("equal_string_constant", equal, {"x": words}, {"z": TensorProto.BOOL}, {"y": more})
    yield case("equal_string_empty", equal, {"x": words[:0], "y": more}, {"z": TensorProto.BOOL})


def assigned_rows():
    """ScatterND by constant indices: rows one behind the other, which become parts of a Concat, and rows that are not."""
    rng = np.random.default_rng(7)
    rows = {"first": [0, 1], "middle": [1, 2, 3], "last": [3, 4], "all": [0, 1, 2, 3, 4], "one": [2], "negative": [-3, -2], "around": [4, 0], "backward": [2, 1], "twice": [1, 1, 2]}
    for name, at in rows.items():
        index = np.array(at, np.int64).reshape(-1, 1)
        for dtype, shape in ((np.float32, (3, 2)), (np.int64, ()), (np.bool_, (4,))):
            x, u = (rng.integers(0, 2 if dtype is np.bool_ else 99, (n, *shape)).astype(dtype) for n in (5, len(at)))
            node = helper.make_node("ScatterND", ["x", "i", "u"], ["z"])
            yield case(f"assigned_rows_{name}_{np.dtype(dtype).name}", [node], {"x": x, "u": u}, {"z": helper.np_dtype_to_tensor_dtype(x.dtype)}, {"i": index})


def answer(model, inputs):
    if model.graph.node[0].op_type == "OneHot":
        # The reference computes on - off, which strings do not have: it says which of the two numbers each element is.
        numbers = onnx.ModelProto.FromString(model.SerializeToString())
        numbers.graph.input[1].type.tensor_type.elem_type = TensorProto.INT64
        return [inputs["v"][ReferenceEvaluator(numbers).run(None, {**inputs, "v": np.array([0, 1])})[0]]]
    answers = ReferenceEvaluator(model).run(None, inputs)
    # NumPy's zero of an array of objects is the number, also where the objects are strings (Trilu).
    plain = lambda a: np.array(["" if isinstance(s, int) else s for s in a.ravel()], dtype=object).reshape(a.shape)
    return [plain(a) if a.dtype.kind == "O" else a for a in answers]


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: more_cases.py OUTPUT_FOLDER")
    out = pathlib.Path(sys.argv[1])
    if out.exists() and any(out.iterdir()) and not (out / "cases.txt").exists():
        sys.exit(f"{out}: not empty and not made by this script; name another folder")
    shutil.rmtree(out, ignore_errors=True)
    warnings.filterwarnings("ignore")
    lines = []
    for name, model, inputs in [*float6(), *opaque(), *assigned_rows()]:
        data = out / name / "test_data_set_0"
        data.mkdir(parents=True)
        (out / name / "model.onnx").write_bytes(model.SerializeToString())
        answers = answer(model, inputs)
        for j, (value, info) in enumerate(zip(inputs.values(), model.graph.input)):
            (data / f"input_{j}.pb").write_bytes(serialise(value, info))
        for j, (value, info) in enumerate(zip(answers, model.graph.output)):
            (data / f"output_{j}.pb").write_bytes(serialise(value, info))
        kinds = [",".join(type_name(v.type) for v in values) or "-" for values in (model.graph.input, model.graph.output)]
        lines.append(f"{name} more 1 0 0 {kinds[0]} {kinds[1]}\n")
    (out / "cases.txt").write_text("".join(lines))
    print(len(lines), "cases")


if __name__ == "__main__":
    main()
