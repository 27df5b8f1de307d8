#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times networks with Ingot and with ONNX Runtime, in turns, so that both see the same machine.

Per network: `ingot build --tune measure` once; then rounds of `ingot bench` on the engine file and of ONNX Runtime (all optimisations, as many
intra-op threads) on random input of the same shape. A round's figure is its median; the table shows the median of the rounds. Each run copies
its input in and reads its output, on both sides.
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

import numpy as np
import onnxruntime as ort

ROUNDS = 5
NUMPY = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16, "tensor(int64)": np.int64, "tensor(int32)": np.int32,
         "tensor(uint8)": np.uint8, "tensor(int8)": np.int8, "tensor(bool)": np.bool_}


def parse_shapes(text):
    """'a:1x3,b:2' -> {'a': [1, 3], 'b': [2]}"""
    shapes = {}
    for part in filter(None, text.split(",")):
        name, _, dims = part.rpartition(":")
        shapes[name] = [int(d) for d in dims.split("x") if d]
    return shapes


def ort_session(model, threads, shapes):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(1)
    feeds = {}
    for i in session.get_inputs():
        dims = shapes.get(i.name) or [d if isinstance(d, int) and d > 0 else 1 for d in i.shape]
        dtype = NUMPY[i.type]
        integer = not np.issubdtype(dtype, np.floating)
        feeds[i.name] = rng.integers(0, 2, dims).astype(dtype) if integer else rng.uniform(-1, 1, dims).astype(dtype)
    return session, feeds


def time_ort(session, feeds, seconds):
    """Median of single runs in milliseconds."""
    end = time.perf_counter() + 0.3
    while time.perf_counter() < end:
        session.run(None, feeds)
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        t0 = time.perf_counter()
        session.run(None, feeds)
        times.append(1e3 * (time.perf_counter() - t0))
    return statistics.median(times)


def ingot(build, *arguments):
    done = subprocess.run([str(build / "ingot"), *arguments], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"bench: ingot {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


def bench(args, model, shapes_text):
    engine = args.build / "bench.ingot"
    threads, shapes = str(args.threads), ["--shapes", shapes_text] if shapes_text else []
    report = json.loads(ingot(args.build, "build", str(model), "-o", str(engine), "--threads", threads, "--json", *shapes))
    session, feeds = ort_session(model, args.threads, parse_shapes(shapes_text))
    rounds = []
    for _ in range(ROUNDS):
        ours = json.loads(ingot(args.build, "bench", str(engine), "--threads", threads, "--duration", str(args.seconds), "--warm-up", "0.3", "--json"))
        rounds.append({"ingot_ms": ours["latency_ms"]["median"], "onnxruntime_ms": time_ort(session, feeds, args.seconds)})
    ours, theirs = (statistics.median(r[k] for r in rounds) for k in ("ingot_ms", "onnxruntime_ms"))
    return {"model": model.name, "shapes": shapes_text, "nodes": report["nodes"], "steps": report["steps"], "ingot_ms": ours, "onnxruntime_ms": theirs,
            "ratio": theirs / ours, "rounds": rounds}


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL.onnx[@SHAPES]")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each half of a round")
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--root", type=pathlib.Path, required=True)
    args = parser.parse_args()
    digits = args.root / "examples" / "digits" / "digits.onnx"
    models = args.models or [f"{digits}@image:1x1x8x8", f"{digits}@image:360x1x8x8"]
    head = {"cpu": cpu_name(), "date": time.strftime("%Y-%m-%d"), "threads": args.threads, "rounds": ROUNDS, "ingot": ingot(args.build, "--version").split()[-1],
            "onnxruntime": ort.__version__}
    print(f"{head['cpu']}, {args.threads} threads, {head['date']}; Ingot {head['ingot']}, ONNX Runtime {ort.__version__}; medians of {ROUNDS} rounds")
    print(f"{'network':40} {'nodes':>6} {'steps':>6} {'Ingot ms':>10} {'ORT ms':>10} {'ORT/Ingot':>10}")
    results = []
    for text in models:
        path, _, shapes = text.partition("@")
        r = bench(args, pathlib.Path(os.environ.get("INGOT_FROM", ".")) / path, shapes)
        results.append(r)
        name = f"{r['model']} {shapes}"
        print(f"{name:40} {r['nodes']:6} {r['steps']:6} {r['ingot_ms']:10.3f} {r['onnxruntime_ms']:10.3f} {r['ratio']:10.2f}", flush=True)
    out = args.build / "bench.json"
    out.write_text(json.dumps({**head, "results": results}, indent=1) + "\n")
    print(f"every round: {out}")


if __name__ == "__main__":
    main()
