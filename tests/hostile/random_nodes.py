#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""random_nodes.py FOLDER N [FIRST]: N models of one node each: any operator of ONNX, with inputs, attributes and constants whose types, shapes and values
are drawn at random, right or wrong. The numbers FIRST, FIRST + 1, ... are seeds and file names: a model is the same whenever it is made."""
import pathlib
import random
import sys

import numpy as np
from onnx import TensorProto, defs, helper, numpy_helper

Option, Attr = defs.OpSchema.FormalParameterOption, defs.OpSchema.AttrType
TYPES = {name.lower(): number for name, number in TensorProto.DataType.items()}
NUMPY = {"float": np.float32, "double": np.float64, "int64": np.int64, "int32": np.int32, "int8": np.int8, "uint8": np.uint8, "bool": np.bool_}
SMALL = {Attr.INT: [0, 1, -1, 2, 3, 7, 11, -5, 1000, 2**40], Attr.FLOAT: [0.0, 1.0, -2.5, 1e30],
         Attr.STRING: ["", "SAME_UPPER", "VALID", "linear", "nearest", "cubic", "sum", "none", "reflect", "edge", "add", "LEFT", "DCR", "bogus"],
         Attr.INTS: [0, 1, 1, 2, 3, -1, 5], Attr.FLOATS: [0.0, 1.0, 2.5], Attr.STRINGS: ["Tanh", "Relu", "x"]}
ONE = {Attr.INTS, Attr.FLOATS, Attr.STRINGS}   # lists of them


def schemas():
    newest = {}
    for s in defs.get_all_schemas():
        if s.domain == "" and not s.deprecated and s.since_version >= newest.get(s.name, s).since_version:
            newest[s.name] = s
    return [newest[name] for name in sorted(newest)]


def type_of(r, allowed):
    tensors = [t[len("tensor("):-1] for t in allowed if t.startswith("tensor(")]
    if not tensors:
        return None
    return "float" if "float" in tensors and r.random() < 0.4 else r.choice(tensors)


def shape_of(r, base, kind):
    if kind in ("int64", "int32") and r.random() < 0.7:   # lists that say something of the axes
        return r.choice([[len(base)], [2 * len(base)], [], [1], [2], [3]])
    return list(base) if r.random() < 0.5 else [r.choice([0, 1, 2, 3, 4, r.randint(1, 9)]) for _ in range(r.randint(0, 4))]


def attributes(r, schema):
    made = {}
    for name, a in sorted(schema.attributes.items()):
        if a.type not in SMALL:
            if a.required:
                return None
        elif a.required or r.random() < 0.35:
            made[name] = [r.choice(SMALL[a.type]) for _ in range(r.randint(1, 5))] if a.type in ONE else r.choice(SMALL[a.type])
    return made


def make(seed, ops):
    r = random.Random(seed)
    s = r.choice(ops)
    types = {c.type_param_str: type_of(r, c.allowed_type_strs) for c in s.type_constraints}
    base = [r.choice([0, 1, 1, 2, 3, 4, 5]) for _ in range(r.randint(0, 5))]
    names, inputs, constants = [], [], []
    for i in s.inputs:
        kind = types.get(i.type_str, i.type_str.removeprefix("tensor(").removesuffix(")"))
        if i.option == Option.Optional and r.random() < 0.5:
            names.append("")
            continue
        if kind is None or kind not in TYPES:
            return None
        for _ in range(r.randint(1, 3) if i.option == Option.Variadic else 1):
            name, shape = f"x{len(names)}", shape_of(r, base, kind)
            names.append(name)
            if kind in NUMPY and r.random() < 0.6:
                values = [r.choice([0, 1, 2] if kind in ("uint8", "bool") else [0, 1, 2, 3, -1, 1, 5, -2]) for _ in range(int(np.prod(shape)))]
                constants.append(numpy_helper.from_array(np.array(values).astype(NUMPY[kind]).reshape(shape), name))
            else:
                inputs.append(helper.make_tensor_value_info(name, TYPES[kind], [d if r.random() < 0.8 else f"d{d}" for d in shape]))
    attrs = attributes(r, s)
    if attrs is None:
        return None
    outputs = [f"y{k}" for k, o in enumerate(s.outputs) if k == 0 or o.option != Option.Optional or r.random() < 0.4]
    node = helper.make_node(s.name, names, outputs, name="node", **attrs)
    graph = helper.make_graph([node], "g", inputs, [helper.make_empty_tensor_value_info(y) for y in outputs], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", max(s.since_version, 21))], ir_version=10)


def main():
    folder, n, first = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0
    folder.mkdir(parents=True, exist_ok=True)
    ops = schemas()
    for seed in range(first, first + n):
        model = make(seed, ops)
        if model:
            (folder / f"{seed}.onnx").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
