#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records ONNX Runtime's probabilities for all held-out images in ort_answers.txt: one line per image, ten numbers.

Graph optimisation is off, so the nodes run as they are written. The images come from the PGM file that readers of the example use, not
from scikit-learn, so that the record also covers the path from file to tensor. Needs numpy and onnxruntime.
"""
import pathlib

import numpy as np
import onnxruntime as ort

HERE = pathlib.Path(__file__).resolve().parent


def read_pgm(path):
    """Binary PGM without comments -> float32 [height, width] in 0..1."""
    magic, size, maxval, pixels = path.read_bytes().split(b"\n", 3)
    if magic != b"P5":
        raise SystemExit(f"{path}: not a binary PGM file")
    width, height = map(int, size.split())
    return np.frombuffer(pixels, np.uint8).reshape(height, width).astype(np.float32) / np.float32(int(maxval))


def main():
    images = read_pgm(HERE / "images" / "held_out.pgm").reshape(-1, 1, 8, 8)
    labels = np.loadtxt(HERE / "images" / "labels.txt", dtype=np.int64)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(HERE / "digits.onnx", options, providers=["CPUExecutionProvider"])
    answers = session.run(None, {"image": images})[0]
    np.savetxt(HERE / "ort_answers.txt", answers, "%.6g")
    print(f"{len(answers)} images, {100 * (answers.argmax(-1) == labels).mean():.2f} % right, ONNX Runtime {ort.__version__}")
    for path in sorted((HERE / "images").glob("digit_?.pgm")):
        print(path.name, "->", session.run(None, {"image": read_pgm(path)[None, None]})[0].argmax())


if __name__ == "__main__":
    main()
