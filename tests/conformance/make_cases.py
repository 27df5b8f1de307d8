#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes ONNX's own backend cases as folders that the conformance runner can read without Python.

    python3 make_cases.py OUTPUT_FOLDER

Layout: OUTPUT_FOLDER/<case>/model.onnx and OUTPUT_FOLDER/<case>/test_data_set_<k>/{input,output}_<j>.pb, which is the
layout that package `onnx` itself uses for the cases that lie in it, so those are copied file by file. The node cases exist only as
Python code; they are collected by importing it and serialised here. OUTPUT_FOLDER/cases.txt has one line per case:

    name kind n_data_sets rtol atol inputs outputs

where inputs and outputs are comma-separated value types as ONNX writes them (float, int64, seq(float), optional(seq(float)), `-` for
none), in the order of input_<j>.pb and output_<j>.pb; inputs that are initializers too have no file and are not listed. For bfloat16
outputs ONNX's own runner widens rtol to 2^-6; that is the reader's to do.

The count: 1,884 node cases, and 140 that lie in the package: 82 pytorch-converted, 35 pytorch-operator, 23 simple. The nine
"real" networks of the package are left out: their weights are generated or downloaded, not stored.
"""
import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import pathlib
import shutil
import sys
import warnings

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnx.backend.test import loader

EXPECTED = {"node": 1884, "pytorch-converted": 82, "pytorch-operator": 35, "simple": 23}
SEED = 0


def type_name(proto):
    """Spells a TypeProto: float, seq(float), optional(seq(float)), map(int64,float)."""
    which = proto.WhichOneof("value")
    if which == "tensor_type":
        return TensorProto.DataType.Name(proto.tensor_type.elem_type).lower()
    if which == "sparse_tensor_type":
        return "sparse(" + TensorProto.DataType.Name(proto.sparse_tensor_type.elem_type).lower() + ")"
    if which == "sequence_type":
        return "seq(" + type_name(proto.sequence_type.elem_type) + ")"
    if which == "optional_type":
        return "optional(" + type_name(proto.optional_type.elem_type) + ")"
    if which == "map_type":
        key = TensorProto.DataType.Name(proto.map_type.key_type).lower()
        return "map(" + key + ";" + type_name(proto.map_type.value_type) + ")"
    return "unknown"


def serialise(value, info):
    """Encodes a case's value by the type that the model declares for it, since an empty list has no type of its own."""
    kind = info.type.WhichOneof("value")
    if kind == "sequence_type":
        return numpy_helper.from_list(value, info.name).SerializeToString()
    if kind == "optional_type":
        return numpy_helper.from_optional(value, info.name).SerializeToString()
    if kind == "map_type":
        return numpy_helper.from_dict(value, info.name).SerializeToString()
    if isinstance(value, TensorProto):
        return value.SerializeToString()
    return numpy_helper.from_array(np.asarray(value), info.name).SerializeToString()


def write_node_case(case, folder):
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    for k, (inputs, outputs) in enumerate(case.data_sets):
        data = folder / f"test_data_set_{k}"
        data.mkdir()
        for prefix, values, infos in (("input", inputs, case.model.graph.input), ("output", outputs, case.model.graph.output)):
            for j, (value, info) in enumerate(zip(values, infos, strict=True)):
                (data / f"{prefix}_{j}.pb").write_bytes(serialise(value, info))
    return case.model, len(case.data_sets)


def copy_stored_case(case, folder):
    source = pathlib.Path(case.model_dir)
    shutil.copytree(source, folder)
    return onnx.load(folder / "model.onnx", load_external_data=False), len(list(folder.glob("test_data_set_*")))


def list_line(case, kind, model, n_sets):
    weights = {t.name for t in model.graph.initializer}  # models of IR version 3 repeat them among their inputs
    inputs = ",".join(type_name(v.type) for v in model.graph.input if v.name not in weights) or "-"
    outputs = ",".join(type_name(v.type) for v in model.graph.output) or "-"
    return f"{case.name} {kind} {n_sets} {case.rtol:g} {case.atol:g} {inputs} {outputs}\n"


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make_cases.py OUTPUT_FOLDER")
    out = pathlib.Path(sys.argv[1])
    if out.exists() and any(out.iterdir()) and not (out / "cases.txt").exists():
        sys.exit(f"{out}: not empty and not made by this script; name another folder")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    warnings.filterwarnings("ignore")
    np.random.seed(SEED)  # the cases draw from the global generator, some without seeding it
    lines, counts = [], {}
    for kind in EXPECTED:
        for case in sorted(loader.load_model_tests(kind=kind), key=lambda c: c.name):
            write = write_node_case if case.model is not None else copy_stored_case
            model, n_sets = write(case, out / case.name)
            lines.append(list_line(case, kind, model, n_sets))
            counts[kind] = counts.get(kind, 0) + 1
    (out / "cases.txt").write_text("".join(lines))
    print(" + ".join(f"{n} {kind}" for kind, n in counts.items()), "=", sum(counts.values()), "cases")
    if counts != EXPECTED:
        print(f"note: onnx {onnx.__version__} has another number of cases than {EXPECTED}", file=sys.stderr)


if __name__ == "__main__":
    main()
