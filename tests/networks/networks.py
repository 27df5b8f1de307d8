#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trained networks out of PyPI packages against ONNX Runtime (its graph optimisation off).

Each network becomes ONE engine whose profile spans the shapes named; it runs at each of them, at one between and, with --random N, at N more, all
in one context and in random order. Results agree as compare says (`ingot compare`'s rule): max|a-b| <= 1e-3 max|b| per output. A network whose
outputs steer the next call (silero-vad's state) gets its own state back once.

    networks.py MODELS BUILD [--random N] [--keep DIR] [--only NAME]

MODELS is the folder with the unpacked packages. Prints a line per network and the closing line; exit status 1 when one fails.
"""
import argparse
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime as ort

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from ingot_rt import Engine, Error  # noqa: E402

TOLERANCE = 1e-3
LEAST = 3e-7  # ONNX Runtime computes a sigmoid as 0.5 + ...: small results are off by some 1e-7


def vad(batch, length, **more):
    return {"input": (batch, length), "state": (2, batch, 128), **more}


def sequence(length):
    return {"input": (length, 576), "h": (1, 1, 128), "c": (1, 1, 128)}


def image(*dims):
    return {"x": dims}


def random_vad(rate):
    """Lengths for which the network's own arms work: one window is left behind the convolutions."""
    def make(r):
        hz = r.choice(rate)
        return vad(r.randint(1, 5), r.randint(192, 703) if hz == 16000 else r.randint(96, 351), **({"sr": hz} if len(rate) > 1 else {}))
    return make


VAD_RATES = [vad(1, 576, sr=16000), vad(3, 288, sr=8000), vad(2, 320, sr=8000), vad(2, 432, sr=16000)]
VAD_16K = [vad(1, 576), vad(3, 512), vad(2, 544)]
# name: shapes named, then those between; integers are values. The profile spans the dims of all of them.
NETWORKS = {
    "silero_vad": (VAD_RATES, random_vad([16000, 8000])),
    "silero_vad_half": (VAD_16K, random_vad([16000])),
    "silero_vad_16k_op15": ([dict(s, sr=16000) for s in VAD_16K], lambda r: dict(random_vad([16000])(r), sr=16000)),
    "silero_vad_op18_ifless": ([vad(1, 576, sr=16000), vad(3, 288, sr=8000), vad(2, 256, sr=8000)],
                               lambda r: vad(r.randint(1, 5), 576, sr=16000) if r.random() < .5 else vad(r.randint(1, 5), 288, sr=8000)),
    "silero_vad_16k_sequence": ([sequence(1), sequence(7), sequence(4)], lambda r: sequence(r.randint(1, 20))),
    "silero_vad_openvino_16k": ([vad(1, 576)], lambda r: vad(1, 576)),
    "ch_PP-OCRv4_det_infer": ([image(1, 3, 320, 320), image(1, 3, 640, 480), image(1, 3, 480, 416)],
                              lambda r: image(1, 3, 32 * r.randint(1, 20), 32 * r.randint(1, 20))),
    "ch_PP-OCRv4_rec_infer": ([image(1, 3, 48, 320), image(4, 3, 48, 200), image(2, 3, 48, 264)],
                              lambda r: image(r.randint(1, 5), 3, 48, r.randint(16, 400))),
    "ch_ppocr_mobile_v2.0_cls_infer": ([image(1, 3, 48, 192), image(4, 3, 48, 192), image(3, 3, 48, 192)],
                                       lambda r: image(r.randint(1, 7), 3, 48, 192)),
}
STATES = {"stateN": "state", "hn": "h", "cn": "c"}  # output: the input that it is next time


def profile(cases):
    """--min-shapes, --opt-shapes, --max-shapes: the first case is the one to tune for."""
    shapes = {k: [c[k] for c in cases] for k in cases[0] if not isinstance(cases[0][k], int)}
    text = [",".join(f"{k}:{'x'.join(map(str, pick(v)))}" for k, v in shapes.items()) for pick in
            (lambda v: [min(d) for d in zip(*v)], lambda v: v[0], lambda v: [max(d) for d in zip(*v)])]
    return ["--min-shapes", text[0], "--opt-shapes", text[1], "--max-shapes", text[2]]


def make_feeds(case, rng):
    return {k: np.array(v, np.int64) if isinstance(v, int) else rng.standard_normal(v).astype(np.float32) for k, v in case.items()}


def differs(a, b):
    """None, or how a differs from the expected b."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return f"{a.dtype}{list(a.shape)} for {b.dtype}{list(b.shape)}"
    if not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return "NaN or infinity in other places"
    ok = np.isfinite(b)
    error, size = np.max(np.abs(a - b)[ok], initial=0), np.max(np.abs(b)[ok], initial=0)
    return None if error <= max(TOLERANCE * size, LEAST) else f"max|a-b| = {error:g}, max|b| = {size:g}"


def run_cases(engine, session, cases, rng):
    """The number of cases that agree; the first failure ends it."""
    names = [o.name for o in session.get_outputs()]
    for i, case in enumerate(cases):
        feeds = make_feeds(case, rng)
        for turn in range(2 if set(names) & set(STATES) else 1):
            want = session.run(None, feeds)
            try:
                have = engine.run(feeds, names)
            except Error as e:
                return i, f"{case}: {e}"
            for name, a, b in zip(names, have, want):
                why = differs(a, b)
                if why:
                    return i, f"{case}, output {name}: {why}"
            feeds.update({STATES[n]: v for n, v in zip(names, want) if n in STATES})
    return len(cases), None


def run_network(args, name, folder):
    model = next(args.models.rglob(name + ".onnx"), None)
    if not model:
        return 0, "the file is missing"
    cases, make_random = NETWORKS[name]
    path = folder / f"{name}.ingot"
    built = subprocess.run([str(args.build / "ingot"), "build", str(model), "-o", str(path), "--quiet", "--tune", "guess", "--isa", args.isa,
                            "--threads", "2", *profile(cases)], capture_output=True, text=True)
    if built.returncode:
        return 0, built.stdout + built.stderr
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads, options.log_severity_level = 2, 3
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    r = random.Random(name)
    more = [make_random(r) for _ in range(args.random)]
    order = cases + more
    r.shuffle(order)
    engine = Engine(args.build / "libingot_rt.so", path)
    try:
        return run_cases(engine, session, order, np.random.default_rng(1))
    finally:
        engine.close()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("models", type=pathlib.Path)
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("--random", type=int, default=0)
    p.add_argument("--keep", type=pathlib.Path)
    p.add_argument("--only", default="")
    p.add_argument("--isa", default="avx2")
    args = p.parse_args()
    failed = passed = 0
    with tempfile.TemporaryDirectory() as work:
        folder = args.keep or pathlib.Path(work)
        folder.mkdir(parents=True, exist_ok=True)
        for name in NETWORKS:
            if args.only not in name:
                continue
            n, why = run_network(args, name, folder)
            passed += n
            failed += why is not None
            print(f"networks: {name}: " + (f"{n} sets of shapes agree with ONNX Runtime" if why is None else why), flush=True)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
