# SPDX-License-Identifier: Apache-2.0
"""The networks that `./do bench` builds, checks and times: where each comes from, the shapes it is run at, and its random input.

A network has points. The first is the one it is timed at and tuned for; one engine, whose profile spans all of them, runs at each. The points are
those that the project promises and one between.
"""
import dataclasses
import pathlib
import re

import numpy as np


@dataclasses.dataclass
class Network:
    name: str
    points: list                 # each {input: dims}
    source: str = "export"       # export: bench/export_models.py; fetch: out of a PyPI package; file: the user's
    kind: str = "float"          # float, static (quantised, Q/DQ) or dynamic (quantised at run time)
    at_most_two_moves: bool = False
    values: list = dataclasses.field(default_factory=list)   # per point {input: contents}, where they are not random
    path: pathlib.Path = None

    def profile(self):
        """Arguments of `ingot build`: the box around all points, tuned for the first."""
        if not any(self.points[0]):
            return []

        def box(pick):
            return ",".join(f"{name}:{'x'.join(str(pick(p[name][i] for p in self.points)) for i in range(len(dims)))}" for name, dims in self.points[0].items())
        return ["--min-shapes", box(min), "--opt-shapes", box(next), "--max-shapes", box(max)]

    def shapes(self, k):
        return ",".join(f"{name}:{'x'.join(map(str, dims))}" for name, dims in self.points[k].items())

    def label(self, k):
        """The first input's dims, for people: '1x3x224x224'."""
        p = self.points[k]
        return "x".join(map(str, next(iter(p.values())))) if p else "as it is"

    def feeds(self, session, k):
        """The random input of point k, the same each time, in the order of the model's inputs."""
        rng = np.random.default_rng(1000 + k)
        given = self.values[k] if self.values else {}
        feeds = {}
        for i in session.get_inputs():
            dims = self.points[k].get(i.name)
            if dims is None:
                dims = [d if isinstance(d, int) and d > 0 else 1 for d in i.shape]
            feeds[i.name] = contents(i.name, i.type, dims, rng, given)
        return feeds


NUMPY = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16, "tensor(int64)": np.int64, "tensor(int32)": np.int32,
         "tensor(uint8)": np.uint8, "tensor(int8)": np.int8, "tensor(bool)": np.bool_}


def contents(name, onnx_type, dims, rng, given):
    dtype = NUMPY[onnx_type]
    if name in given:
        return np.full(dims, given[name], dtype)
    if name == "input_ids":
        return rng.integers(0, 30000, dims).astype(dtype)
    if name == "attention_mask":       # the last sequence of a batch is padded, and a single one is whole
        mask = np.ones(dims, dtype)
        if dims[0] > 1:
            mask[-1, dims[1] * 2 // 3:] = 0
        return mask
    if np.issubdtype(dtype, np.floating):
        return rng.uniform(-1, 1, dims).astype(dtype)
    return rng.integers(0, 2, dims).astype(dtype)


def image(*batches):
    return [{"input": (b, 3, 224, 224)} for b in batches]


def text(*shapes):
    return [{"input_ids": s, "attention_mask": s, "token_type_ids": s} for s in shapes]


def voice(*shapes):
    return [{"input": s, "state": (2, s[0], 128)} for s in shapes]


def pixels(*shapes):
    return [{"x": s} for s in shapes]


RATE = {"sr": 16000}
NETWORKS = [
    Network("resnet50", image(1, 5, 3), at_most_two_moves=True),
    Network("mobilenet_v2", image(1, 5, 3), at_most_two_moves=True),
    Network("vit_b_16", image(1, 4, 2)),
    Network("bert_base", text((1, 128), (2, 77), (2, 100)), at_most_two_moves=True),
    Network("minilm_l6", text((1, 128), (3, 33), (2, 64)), at_most_two_moves=True),
    Network("resnet50_int8", image(1, 5, 3), kind="static", at_most_two_moves=True),
    Network("mobilenet_v2_int8", image(1, 5, 3), kind="static", at_most_two_moves=True),
    Network("minilm_l6_int8", text((1, 128), (3, 33), (2, 64)), kind="dynamic"),
    Network("silero_vad", voice((1, 576), (3, 288), (2, 576)), "fetch", values=[RATE, {"sr": 8000}, RATE]),
    Network("silero_vad_16k_op15", voice((1, 576), (3, 576), (2, 576)), "fetch", values=[RATE] * 3),
    Network("silero_vad_16k_sequence", [{"input": (1, 576)}, {"input": (9, 576)}, {"input": (4, 576)}], "fetch"),
    Network("silero_vad_half", voice((1, 576), (3, 576), (2, 576)), "fetch"),
    Network("silero_vad_op18_ifless", voice((1, 576), (3, 288), (2, 576)), "fetch", values=[RATE, {"sr": 8000}, RATE]),
    Network("silero_vad_openvino_16k", [{}], "fetch"),
    Network("ch_PP-OCRv4_det_infer", pixels((1, 3, 320, 320), (1, 3, 640, 480), (1, 3, 480, 416)), "fetch", at_most_two_moves=True),
    Network("ch_PP-OCRv4_rec_infer", pixels((1, 3, 48, 320), (4, 3, 48, 200), (2, 3, 48, 256)), "fetch"),
    Network("ch_ppocr_mobile_v2.0_cls_infer", pixels((1, 3, 48, 192), (6, 3, 48, 192), (3, 3, 48, 192)), "fetch", at_most_two_moves=True),
]


def from_file(text, folder):
    """'MODEL.onnx@a:1x3,b:2' of the command line."""
    path, _, shapes = text.partition("@")
    point = {}
    for part in filter(None, re.split(",", shapes)):
        name, _, dims = part.rpartition(":")
        point[name] = tuple(int(d) for d in dims.split("x") if d)
    return Network(pathlib.Path(path).stem, [point], "file", path=folder / path)
