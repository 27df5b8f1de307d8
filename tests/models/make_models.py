#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the test networks of this folder and, for each, inputs with ONNX Runtime's outputs.

    python3 make_models.py [OUTPUT_FOLDER]          (default: the folder of this script)

Each network becomes <name>.onnx, and <name>/test_data_set_<k>/{input,output}_<j>.pb in the layout of ONNX's own test data, one set per
shape. The outputs are ONNX Runtime's with graph optimisation off, so that every node runs as it is written. All numbers come from seeded
generators. Needs numpy, onnx and onnxruntime; the quantised network also ../../examples/digits and scikit-learn's digits to calibrate on.
"""
import pathlib
import shutil
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
DIGITS = HERE.parent.parent / "examples" / "digits" / "digits.onnx"
FLOAT, INT64, BOOL, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING
INT64_MAX = 2**63 - 1


class Builder:
    """Collects the nodes and initializers of one graph; `node` returns the name of the node's first output."""

    def __init__(self, prefix=""):
        self.prefix = prefix
        self.nodes = []
        self.init = []

    def node(self, op, inputs, n_out=1, name=None, out=None, **attrs):
        name = name or f"{self.prefix}{op}_{len(self.nodes)}"
        outputs = out or [f"{name}_out" if n_out == 1 else f"{name}_out{i}" for i in range(n_out)]
        self.nodes.append(helper.make_node(op, inputs, outputs, name, **attrs))
        return outputs[0] if len(outputs) == 1 else outputs

    def const(self, name, value, dtype=np.float32):
        name = self.prefix + name
        if all(t.name != name for t in self.init):
            self.init.append(numpy_helper.from_array(np.ascontiguousarray(np.asarray(value, dtype)).reshape(np.shape(value)), name))
        return name

    def graph(self, name, inputs, outputs):
        infos = [[helper.make_tensor_value_info(*v) for v in values] for values in (inputs, outputs)]
        return helper.make_graph(self.nodes, name, *infos, self.init)


def finish(graph, opset=17, ir_version=8, extra_opsets=(), functions=()):
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, v) for d, v in extra_opsets)]
    return helper.make_model(graph, producer_name="make_models.py", opset_imports=opsets, ir_version=ir_version, functions=list(functions))


def weight(rng, *dims):
    return (rng.standard_normal(dims) / np.sqrt(dims[-2] if len(dims) > 1 else 4)).astype(np.float32)


# ---------------------------------------------------------------------------------------------------------------- add


def make_add(rng):
    b = Builder()
    b.node("Add", ["x", "y"], name="add", out=["z"])
    model = finish(b.graph("add", [("x", FLOAT, ["n"]), ("y", FLOAT, ["n"])], [("z", FLOAT, ["n"])]))
    data = [{"x": rng.standard_normal(n).astype(np.float32), "y": rng.standard_normal(n).astype(np.float32)} for n in (3, 17)]
    return model, data


# ---------------------------------------------------------------------------------------------------------- recurrent

N_FEATURES, N_HIDDEN = 6, 8


def inner_arm(name, op, captured):
    """An arm of the nested If: it combines a value of the enclosing arm with one of the outermost graph."""
    b = Builder(name + "_")
    first = b.node(op, [captured, "gain"])
    out = b.node("Sub", [first, "y_flat"])
    return b.graph(name, [], [(out, FLOAT, ["sequence", "batch", 2 * N_HIDDEN])])


def then_arm():
    b = Builder("warm_")
    scaled = b.node("Mul", ["y_flat", "gain"])
    out = b.node("Tanh", [scaled])
    return b.graph("warm", [], [(out, FLOAT, ["sequence", "batch", 2 * N_HIDDEN])])


def else_arm():
    """Decides once more, on another run-time value; the inner arms capture `cold_abs` from here and `gain` from the graph."""
    b = Builder("cold_")
    b.node("Abs", ["y_flat"], name="cold_abs", out=["cold_abs"])
    peak = b.node("ReduceMax", ["initial_h"], keepdims=0)
    is_high = b.node("Greater", [peak, b.const("limit", 0.5)])
    arms = dict(then_branch=inner_arm("high", "Mul", "cold_abs"), else_branch=inner_arm("low", "Add", "cold_abs"))
    out = b.node("If", [is_high], name="if_high", out=["cold_out"], **arms)
    return b.graph("cold", [], [(out, FLOAT, ["sequence", "batch", 2 * N_HIDDEN])])


def make_recurrent(rng):
    b = Builder()
    w = b.const("lstm.W", weight(rng, 2, 4 * N_HIDDEN, N_FEATURES) * 2)
    r = b.const("lstm.R", weight(rng, 2, 4 * N_HIDDEN, N_HIDDEN) * 2)
    bias = b.const("lstm.B", rng.standard_normal((2, 8 * N_HIDDEN)) * 0.1)
    b.const("gain", rng.uniform(0.5, 2, 2 * N_HIDDEN))
    outs = ["y", "final_h", "final_c"]
    b.node("LSTM", ["x", w, r, bias, "", "initial_h", "initial_c"], name="lstm", out=outs, direction="bidirectional", hidden_size=N_HIDDEN)
    by_step = b.node("Transpose", ["y"], perm=[0, 2, 1, 3])
    b.node("Reshape", [by_step, b.const("merge", [0, 0, -1], np.int64)], name="merge_directions", out=["y_flat"])
    total = b.node("ReduceSum", ["x"], keepdims=0)
    is_warm = b.node("Greater", [total, b.const("zero", 0.0)])
    chosen = b.node("If", [is_warm], name="if_warm", then_branch=then_arm(), else_branch=else_arm())
    b.node("Softmax", [chosen], name="softmax", out=["prob"], axis=-1)
    state = [2, "batch", N_HIDDEN]
    inputs = [("x", FLOAT, ["sequence", "batch", N_FEATURES]), ("initial_h", FLOAT, state), ("initial_c", FLOAT, state)]
    outputs = [("prob", FLOAT, ["sequence", "batch", 2 * N_HIDDEN]), ("final_h", FLOAT, state), ("final_c", FLOAT, state)]
    model = finish(b.graph("recurrent", inputs, outputs))
    data = []
    for seq, batch, shift, top in ((5, 2, 0.5, 0.3), (9, 3, -0.5, 0.9), (1, 1, -0.5, 0.3)):
        h = rng.uniform(-1, top, (2, batch, N_HIDDEN)).astype(np.float32)
        h[0, 0, 0] = top
        c = rng.standard_normal((2, batch, N_HIDDEN)).astype(np.float32)
        data.append({"x": (rng.standard_normal((seq, batch, N_FEATURES)) * 0.3 + shift).astype(np.float32), "initial_h": h, "initial_c": c})
    return model, data


# ---------------------------------------------------------------------------------------------------------- quantised


def run_ort(model_or_path, feeds, extra_outputs=()):
    """Runs with optimisation off; returns all graph outputs, then `extra_outputs` (names of inner values)."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    source = model_or_path
    if not isinstance(source, (str, pathlib.Path)):
        model = onnx.ModelProto()
        model.CopyFrom(source)
        model.graph.output.extend(helper.make_empty_tensor_value_info(n) for n in extra_outputs)
        source = model.SerializeToString()
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"]).run(None, feeds)


def activation_scale(values):
    """Asymmetric u8 over the observed range, widened to hold zero exactly."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    scale = np.float32((high - low) / 255)
    return scale, np.uint8(np.clip(round(-low / float(scale)), 0, 255))


def quantise_activation(b, value, name, scale, zero):
    args = [b.const(f"{name}.scale", scale), b.const(f"{name}.zero_point", zero, np.uint8)]
    q = b.node("QuantizeLinear", [value, *args], name=f"{name}_quantize")
    return b.node("DequantizeLinear", [q, *args], name=f"{name}_dequantize")


def dequantised_weight(b, name, w, bias, in_scale):
    """Per-channel s8 weights (axis 0) and an s32 bias whose scale is the product of input's and weight's."""
    scale = np.maximum(np.abs(w.reshape(len(w), -1)).max(1), 1e-6) / 127
    q = np.clip(np.rint(w / scale.reshape(-1, *[1] * (w.ndim - 1))), -127, 127)
    q = q.astype(np.int8)
    parts = {"q": q, "scale": scale, "zero": np.zeros(len(w), np.int8)}
    w_args = [b.const(f"{name}.weight_{part}", value, value.dtype) for part, value in parts.items()]
    b_scale = (scale * in_scale).astype(np.float32)
    b_args = [b.const(f"{name}.bias_q", np.rint(bias / b_scale), np.int32), b.const(f"{name}.bias_scale", b_scale)]
    return [b.node("DequantizeLinear", args, name=f"{name}_{what}_dequantize", axis=0) for what, args in (("weight", w_args), ("bias", b_args))]


def make_quantised(_rng):
    sys.path.insert(0, str(DIGITS.parent))
    from train import load_split

    (images, _), (held_out, labels) = load_split()
    images, held_out = ((v.astype(np.float32) / 16)[:, None] for v in (images, held_out))
    digits = onnx.load(DIGITS)
    params = {t.name: numpy_helper.to_array(t) for t in digits.graph.initializer}
    watched = ["relu_1_out", "relu_2_out", "logits"]
    seen = run_ort(digits, {"image": images}, watched)
    scales = {n: activation_scale(v) for n, v in zip(watched, seen[1:])}
    scales["image"] = (np.float32(1 / 255), np.uint8(0))
    b = Builder()
    current, in_scale = quantise_activation(b, "image", "image", *scales["image"]), scales["image"][0]
    for i in (1, 2):
        wb = dequantised_weight(b, f"conv_{i}", params[f"conv_{i}.weight"], params[f"conv_{i}.bias"], in_scale)
        current = b.node("Conv", [current, *wb], name=f"conv_{i}", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        current = b.node("Relu", [current], name=f"relu_{i}")
        in_scale = scales[f"relu_{i}_out"][0]
        current = quantise_activation(b, current, f"relu_{i}", *scales[f"relu_{i}_out"])
        current = b.node("MaxPool", [current], name=f"pool_{i}", kernel_shape=[2, 2], strides=[2, 2])
        current = quantise_activation(b, current, f"pool_{i}", *scales[f"relu_{i}_out"])
    current = b.node("Flatten", [current], name="flatten", axis=1)
    wb = dequantised_weight(b, "classifier", params["classifier.weight"], params["classifier.bias"], in_scale)
    current = b.node("Gemm", [current, *wb], name="classifier", transB=1)
    current = quantise_activation(b, current, "logits", *scales["logits"])
    b.node("Softmax", [current], name="softmax", out=["probabilities"], axis=-1)
    model = finish(b.graph("digits_quantised", [("image", FLOAT, ["batch", 1, 8, 8])], [("probabilities", FLOAT, ["batch", 10])]))
    right = (run_ort(model, {"image": held_out})[0].argmax(-1) == labels).mean()
    print(f"quantised: {100 * right:.2f} % of the held-out digits right")
    return model, [{"image": held_out[:1]}, {"image": held_out[1:14]}]


# ------------------------------------------------------------------------------------------------------------ dynamic

WIDTH, HEADS, HEAD_DIM, MAX_SEQ = 32, 4, 8, 64


def dim_of(b, value, axis, name):
    """One dim as a vector of one element, in the way exporters spell it: Shape, Gather, Unsqueeze."""
    shape = b.node("Shape", [value], name=f"{name}_shape")
    one = b.node("Gather", [shape, b.const(f"index_{axis}", axis, np.int64)], name=f"{name}_gather", axis=0)
    return b.node("Unsqueeze", [one, b.const("axis_0", [0], np.int64)], name=f"{name}_unsqueeze")


def linear(b, rng, value, n_in, n_out, name):
    product = b.node("MatMul", [value, b.const(f"{name}.weight", weight(rng, n_in, n_out))], name=f"{name}_matmul")
    return b.node("Add", [b.const(f"{name}.bias", rng.standard_normal(n_out) * 0.1), product], name=f"{name}_add")


def layer_norm(b, rng, value, name):
    args = [b.const(f"{name}.scale", rng.uniform(0.5, 1.5, WIDTH)), b.const(f"{name}.bias", rng.standard_normal(WIDTH) * 0.1)]
    return b.node("LayerNormalization", [value, *args], name=name, axis=-1, epsilon=1e-5)


def split_heads(b, value, dims, perm, name):
    target = b.node("Concat", [*dims, b.const("minus_1", [-1], np.int64), b.const("head_dim", [HEAD_DIM], np.int64)], name=f"{name}_target", axis=0)
    return b.node("Transpose", [b.node("Reshape", [value, target], name=f"{name}_reshape")], name=f"{name}_heads", perm=perm)


def expand_mask(b, dims):
    """torch's `expand`: -1 in the wanted shape means "keep", spelled as Where(Equal(shape, -1), 1, shape)."""
    wanted = b.node("Concat", [dims[0], b.const("one", [1], np.int64), dims[1], dims[1]], name="mask_target", axis=0)
    rank = b.node("Shape", [wanted], name="mask_rank")
    ones = b.node("ConstantOfShape", [rank], name="mask_ones", value=numpy_helper.from_array(np.array([1], np.int64)))
    keep = b.node("Equal", [wanted, b.node("Mul", [ones, b.const("minus_1", [-1], np.int64)], name="mask_minus")], name="mask_keep")
    target = b.node("Where", [keep, ones, wanted], name="mask_where")
    wide = b.node("Unsqueeze", ["mask", b.const("axes_1_2", [1, 2], np.int64)], name="mask_unsqueeze")
    return b.node("Equal", [b.node("Expand", [wide, target], name="mask_expand"), b.const("nil", 0, np.int64)], name="mask_is_zero")


def attention(b, rng, value, dims):
    q = split_heads(b, linear(b, rng, value, WIDTH, WIDTH, "query"), dims, [0, 2, 1, 3], "query")
    k = split_heads(b, linear(b, rng, value, WIDTH, WIDTH, "key"), dims, [0, 2, 3, 1], "key")
    v = split_heads(b, linear(b, rng, value, WIDTH, WIDTH, "value"), dims, [0, 2, 1, 3], "value")
    scores = b.node("Div", [b.node("MatMul", [q, k], name="scores"), b.const("sqrt_dim", np.sqrt(HEAD_DIM))], name="scores_scaled")
    masked = b.node("Where", [expand_mask(b, dims), b.const("minus_large", -1e9), scores], name="scores_masked")
    mixed = b.node("MatMul", [b.node("Softmax", [masked], name="attention", axis=-1), v], name="mix")
    back = b.node("Transpose", [mixed], name="mix_back", perm=[0, 2, 1, 3])
    target = b.node("Concat", [*dims, b.const("minus_1", [-1], np.int64)], name="merge_target", axis=0)
    merged = b.node("Reshape", [back, target], name="merge_heads")
    return linear(b, rng, merged, WIDTH, WIDTH, "project")


def gelu(b, value):
    erf = b.node("Erf", [b.node("Div", [value, b.const("sqrt_2", np.sqrt(2))], name="gelu_div")], name="gelu_erf")
    product = b.node("Mul", [value, b.node("Add", [erf, b.const("one_f", 1.0)], name="gelu_add")], name="gelu_mul")
    return b.node("Mul", [product, b.const("half", 0.5)], name="gelu_half")


def make_dynamic(rng):
    b = Builder()
    dims = [dim_of(b, "x", 0, "batch"), dim_of(b, "x", 1, "sequence")]
    table = b.const("positions", rng.standard_normal((MAX_SEQ, WIDTH)) * 0.2)
    zero, one = b.const("axis_0", [0], np.int64), b.const("one", [1], np.int64)
    rows = b.node("Slice", [table, zero, dims[1], zero, one], name="position_rows")
    x = b.node("Add", ["x", rows], name="embed")
    x = b.node("Add", [x, attention(b, rng, layer_norm(b, rng, x, "norm_1"), dims)], name="residual_1")
    inner = linear(b, rng, layer_norm(b, rng, x, "norm_2"), WIDTH, 2 * WIDTH, "up")
    x = b.node("Add", [x, linear(b, rng, gelu(b, inner), 2 * WIDTH, WIDTH, "down")], name="residual_2", out=["hidden"])
    ends = b.const("to_end", [INT64_MAX], np.int64)
    last = b.node("Slice", [x, b.const("minus_1", [-1], np.int64), ends, one], name="last_token")
    pooled = b.node("Squeeze", [last, one], name="last_squeeze")
    b.node("Tanh", [linear(b, rng, pooled, WIDTH, WIDTH, "pool")], name="pooled", out=["pooled"])
    inputs = [("x", FLOAT, ["batch", "sequence", WIDTH]), ("mask", INT64, ["batch", "sequence"])]
    outputs = [("hidden", FLOAT, ["batch", "sequence", WIDTH]), ("pooled", FLOAT, ["batch", WIDTH])]
    model = finish(b.graph("dynamic", inputs, outputs))
    data = []
    for batch, seq in ((1, 7), (3, 12)):
        mask = (rng.random((batch, seq)) < 0.7).astype(np.int64)
        mask[:, 0] = 1
        data.append({"x": rng.standard_normal((batch, seq, WIDTH)).astype(np.float32), "mask": mask})
    return model, data


# ----------------------------------------------------------------------------------------------------- local functions


def attr_ref(node, name, type_):
    """Makes attribute `name` of `node` take the value of the function's attribute with the same name."""
    node.attribute.append(onnx.AttributeProto(name=name, type=type_, ref_attr_name=name))
    return node


def make_local_function(rng):
    """`Twice` calls `Leaky` two times, once with its own slope and once with the default; inner names collide on purpose."""
    domain = "test.functions"
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(domain, 1)]
    leaky = helper.make_function(
        domain, "Leaky", ["x", "bias"], ["y"],
        [helper.make_node("Add", ["x", "bias"], ["t"]), attr_ref(helper.make_node("LeakyRelu", ["t"], ["y"]), "alpha", onnx.AttributeProto.FLOAT)],
        opsets, attribute_protos=[helper.make_attribute("alpha", 0.25)])
    inner = attr_ref(helper.make_node("Leaky", ["x", "bias"], ["t"], domain=domain), "alpha", onnx.AttributeProto.FLOAT)
    twice = helper.make_function(
        domain, "Twice", ["x", "bias"], ["y", "t"],
        [inner, helper.make_node("Leaky", ["t", "bias"], ["u"], domain=domain), helper.make_node("Mul", ["u", "x"], ["y"])], opsets, ["alpha"])
    b = Builder()
    bias = b.const("bias", rng.standard_normal(4))
    b.node("Twice", ["x", bias], name="first", out=["t", "first_mid"], domain=domain, alpha=0.5)
    b.node("Twice", ["t", bias], name="second", out=["y", "mid"], domain=domain, alpha=-1.5)
    graph = b.graph("local_function", [("x", FLOAT, ["batch", 4])], [("y", FLOAT, ["batch", 4]), ("mid", FLOAT, ["batch", 4])])
    model = finish(graph, ir_version=9, extra_opsets=[(domain, 1)], functions=[leaky, twice])
    return model, [{"x": rng.standard_normal((n, 4)).astype(np.float32)} for n in (2, 5)]


# ----------------------------------------------------------------------------------------------------------- external

EXTERNAL_FILE, EXTERNAL_ALIGN = "external.bin", 256


def make_external(rng):
    """Weights lie in external.bin, the second at an aligned offset with padding before it; the small bias stays in the model."""
    b = Builder()
    w1, w2 = b.const("w1", weight(rng, 5, 7)), b.const("w2", weight(rng, 7, 3))
    hidden = b.node("Relu", [b.node("MatMul", ["x", w1], name="matmul_1")], name="relu")
    b.node("Add", [b.node("MatMul", [hidden, w2], name="matmul_2"), b.const("bias", rng.standard_normal(3))], name="add", out=["y"])
    model = finish(b.graph("external", [("x", FLOAT, ["batch", 5])], [("y", FLOAT, ["batch", 3])]))
    return model, [{"x": rng.standard_normal((n, 5)).astype(np.float32)} for n in (1, 4)]


def move_out(model, folder):
    blob = b""
    for tensor in model.graph.initializer:
        if tensor.name == "bias":
            continue
        blob += bytes(-len(blob) % EXTERNAL_ALIGN)
        raw = tensor.raw_data
        fields = {"location": EXTERNAL_FILE, "offset": str(len(blob)), "length": str(len(raw))}
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.extend(onnx.StringStringEntryProto(key=k, value=v) for k, v in fields.items())
        blob += raw
    (folder / EXTERNAL_FILE).write_bytes(blob)


# ------------------------------------------------------------------------------------------------------------ strings


def make_strings(_rng):
    """Strings compared, chosen among and moved, constants among them, in memory that steps share."""
    b = Builder()
    known = b.const("known", [["a", "", "naïve"], ["ab", "b", "a"]], object)
    joined = b.node("Concat", ["x", known], name="join", axis=0)
    turned = b.node("Transpose", [joined], name="turn", perm=[1, 0])
    same = b.node("Equal", [turned, b.const("letter", "a", object)], name="is_a", out=["same"])
    chosen = b.node("Where", [same, b.const("words", [["one"], [""], ["three"]], object), turned], name="choose", out=["z"])
    ends = b.node("Slice", [chosen, b.const("last", [-1], np.int64), b.const("before", [-(2**63)], np.int64), b.const("axis", [1], np.int64), b.const("step", [-1], np.int64)], name="reverse")
    b.node("Equal", [ends, chosen], name="again", out=["mirrored"])
    index = b.node("Cast", ["mirrored"], name="index", to=INT64)
    b.node("OneHot", [index, b.const("depth", 2, np.int64), b.const("off_on", ["off", "on"], object)], name="hot", out=["hot"])
    outputs = [("z", STRING, [3, "m"]), ("same", BOOL, [3, "m"]), ("mirrored", BOOL, [3, "m"]), ("hot", STRING, [3, "m", 2])]
    model = finish(b.graph("strings", [("x", STRING, ["n", 3])], outputs), opset=19, ir_version=9)
    words = np.array(["a", "", "b", "ab", "naïve", "a", "b", "a", "a"], dtype=object)
    return model, [{"x": words[:6].reshape(2, 3)}, {"x": words.reshape(3, 3)}, {"x": words[:0].reshape(0, 3)}]


# ---------------------------------------------------------------------------------------------------------------- all

MODELS = {
    "add": make_add,
    "recurrent": make_recurrent,
    "quantised": make_quantised,
    "dynamic": make_dynamic,
    "local_function": make_local_function,
    "external": make_external,
    "strings": make_strings,
}


def write_data(path, name, data, input_names, output_names):
    shutil.rmtree(path.parent / name, ignore_errors=True)
    for k, feeds in enumerate(data):
        outputs = run_ort(path, feeds)
        folder = path.parent / name / f"test_data_set_{k}"
        folder.mkdir(parents=True)
        for prefix, names, values in (("input", input_names, [feeds[n] for n in input_names]), ("output", output_names, outputs)):
            for j, (value_name, value) in enumerate(zip(names, values, strict=True)):
                (folder / f"{prefix}_{j}.pb").write_bytes(numpy_helper.from_array(value, value_name).SerializeToString())


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, make) in enumerate(MODELS.items()):
        model, data = make(np.random.default_rng(1000 + seed))
        onnx.checker.check_model(model, full_check=True)
        if name == "external":
            move_out(model, folder)
        path = folder / f"{name}.onnx"
        path.write_bytes(model.SerializeToString())
        write_data(path, name, data, [v.name for v in model.graph.input], [v.name for v in model.graph.output])
        print(f"{name}: {len(model.graph.node)} nodes, {path.stat().st_size} bytes, {len(data)} data sets")


if __name__ == "__main__":
    main()
