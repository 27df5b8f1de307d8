#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes cases of types that ONNX's own cases leave out, in the layout of make_cases.py, answered by ONNX's reference evaluator.

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
    infos = [helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for k, v in inputs.items()]
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


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: more_cases.py OUTPUT_FOLDER")
    out = pathlib.Path(sys.argv[1])
    if out.exists() and any(out.iterdir()) and not (out / "cases.txt").exists():
        sys.exit(f"{out}: not empty and not made by this script; name another folder")
    shutil.rmtree(out, ignore_errors=True)
    warnings.filterwarnings("ignore")
    lines = []
    for name, model, inputs in float6():
        data = out / name / "test_data_set_0"
        data.mkdir(parents=True)
        (out / name / "model.onnx").write_bytes(model.SerializeToString())
        answers = ReferenceEvaluator(model).run(None, inputs)
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
