#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the digits network with NumPy alone and writes digits.onnx and the held-out images.

The network is small enough (6,090 parameters) that convolution as a matrix product over gathered patches trains it in
some ten seconds on one core. Everything is seeded and runs in one BLAS thread, so that a second run on the same machine gives
the same bytes; the results are checked in, because another BLAS may round differently.

The held-out images are 360 drawn by a seeded shuffle; they are never looked at while training: no early stopping, no choice of
epoch. Run it as `python3 train.py [OUTPUT_FOLDER]`; it needs numpy, scikit-learn (for the data) and onnx (for writing).
"""
import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

SEED = 20240917
N_TRAIN = 1437
N_CLASSES = 10
MAX_PIXEL = 16
EPOCHS = 120
BATCH = 64
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 2e-3
CHANNELS = (16, 32)


def load_split():
    """Returns train and held-out images as uint8 [n, 8, 8] in 0..16, with their labels."""
    digits = load_digits()
    order = np.random.default_rng(SEED).permutation(len(digits.target))
    images = digits.images[order].astype(np.uint8)
    labels = digits.target[order].astype(np.int64)
    return (images[:N_TRAIN], labels[:N_TRAIN]), (images[N_TRAIN:], labels[N_TRAIN:])


def patches(x):
    """Gathers the 3x3 neighbourhood of every pixel (zero padding): [n, c, h, w] -> [n * h * w, c * 9]."""
    n, c, h, w = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return np.ascontiguousarray(windows.transpose(0, 2, 3, 1, 4, 5)).reshape(n * h * w, c * 9)


def scatter_patches(grad, shape):
    """Transpose of `patches`: adds each patch's gradient back onto the pixels that it was gathered from."""
    n, c, h, w = shape
    grad = grad.reshape(n, h, w, c, 3, 3)
    padded = np.zeros((n, c, h + 2, w + 2), np.float32)
    for i in range(3):
        for j in range(3):
            padded[:, :, i : i + h, j : j + w] += grad[..., i, j].transpose(0, 3, 1, 2)
    return padded[:, :, 1:-1, 1:-1]


class Conv:
    """3x3 convolution with padding 1, followed by Relu and a 2x2 maximum."""

    def __init__(self, rng, n_in, n_out):
        self.weight = (rng.standard_normal((n_out, n_in, 3, 3)) * np.sqrt(2 / (9 * n_in))).astype(np.float32)
        self.bias = np.zeros(n_out, np.float32)

    def forward(self, x):
        n, _, h, w = x.shape
        self.shape = x.shape
        self.cols = patches(x)
        n_out = len(self.bias)
        y = self.cols @ self.weight.reshape(n_out, -1).T + self.bias
        y = np.maximum(y, 0).reshape(n, h // 2, 2, w // 2, 2, n_out)
        blocks = y.transpose(0, 5, 1, 3, 2, 4).reshape(n, n_out, h // 2, w // 2, 4)
        self.arg = blocks.argmax(-1)[..., None]
        self.out = np.take_along_axis(blocks, self.arg, -1)[..., 0]
        return self.out

    def backward(self, grad):
        n, _, h, w = self.shape
        n_out = len(self.bias)
        blocks = np.zeros((*grad.shape, 4), np.float32)
        np.put_along_axis(blocks, self.arg, (grad * (self.out > 0))[..., None], -1)
        flat = blocks.reshape(n, n_out, h // 2, w // 2, 2, 2).transpose(0, 2, 4, 3, 5, 1).reshape(n * h * w, n_out)
        self.grads = [(flat.T @ self.cols).reshape(self.weight.shape), flat.sum(0)]
        return scatter_patches(flat @ self.weight.reshape(n_out, -1), self.shape)

    def params(self):
        return [self.weight, self.bias]


class Dense:
    """Fully connected layer over the flattened input: y = x W^T + b."""

    def __init__(self, rng, n_in, n_out):
        self.weight = (rng.standard_normal((n_out, n_in)) * np.sqrt(1 / n_in)).astype(np.float32)
        self.bias = np.zeros(n_out, np.float32)

    def forward(self, x):
        self.shape = x.shape
        self.flat = x.reshape(len(x), -1)
        return self.flat @ self.weight.T + self.bias

    def backward(self, grad):
        self.grads = [grad.T @ self.flat, grad.sum(0)]
        return (grad @ self.weight).reshape(self.shape)

    def params(self):
        return [self.weight, self.bias]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


class Adam:
    """Adam with decoupled weight decay on everything but biases."""

    def __init__(self, params):
        self.params = params
        self.m = [np.zeros_like(p) for p in params]
        self.v = [np.zeros_like(p) for p in params]
        self.t = 0

    def step(self, grads, rate):
        self.t += 1
        for p, g, m, v in zip(self.params, grads, self.m, self.v):
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            m_hat = m / (1 - 0.9**self.t)
            v_hat = v / (1 - 0.999**self.t)
            decay = WEIGHT_DECAY * p if p.ndim > 1 else 0
            p -= (rate * (m_hat / (np.sqrt(v_hat) + 1e-8) + decay)).astype(np.float32)


def shifted(rng, x):
    """Moves each image by -1, 0 or 1 pixel in both directions; every other image stays where it is."""
    out = x.copy()
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    offsets = rng.integers(0, 3, (len(x), 2))
    for i in np.flatnonzero(rng.random(len(x)) < 0.5):
        dy, dx = offsets[i]
        out[i] = padded[i, :, dy : dy + 8, dx : dx + 8]
    return out


def forward(layers, x):
    for layer in layers:
        x = layer.forward(x)
    return x


def train(images, labels):
    rng = np.random.default_rng(SEED)
    layers = [Conv(rng, 1, CHANNELS[0]), Conv(rng, *CHANNELS), Dense(rng, CHANNELS[1] * 4, N_CLASSES)]
    optimiser = Adam([p for layer in layers for p in layer.params()])
    x_all = (images.astype(np.float32) / MAX_PIXEL)[:, None]
    n_steps = EPOCHS * -(-len(x_all) // BATCH)
    step = 0
    for epoch in range(EPOCHS):
        order = rng.permutation(len(x_all))
        loss = 0.0
        for start in range(0, len(order), BATCH):
            pick = order[start : start + BATCH]
            prob = softmax(forward(layers, shifted(rng, x_all[pick])))
            loss -= np.log(prob[np.arange(len(pick)), labels[pick]] + 1e-12).sum()
            grad = prob
            grad[np.arange(len(pick)), labels[pick]] -= 1
            grad = (grad / len(pick)).astype(np.float32)
            for layer in reversed(layers):
                grad = layer.backward(grad)
            rate = LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * step / n_steps))
            optimiser.step([g for layer in layers for g in layer.grads], rate)
            step += 1
        if epoch % 20 == 19:
            print(f"epoch {epoch + 1:3d}  loss {loss / len(order):.5f}")
    return layers


def make_model(layers, accuracy):
    """Writes the nine nodes in the form that exporters use: weights as initializers, the batch dim a symbol."""
    init = []

    def add_init(name, value):
        init.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name

    conv_attrs = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1], dilations=[1, 1], group=1)
    pool_attrs = dict(kernel_shape=[2, 2], strides=[2, 2])
    nodes = []
    current = "image"
    for i, layer in enumerate(layers[:2], 1):
        w, b = add_init(f"conv_{i}.weight", layer.weight), add_init(f"conv_{i}.bias", layer.bias)
        doc = f"3x3 convolution to {len(layer.bias)} channels, zero padding 1."
        nodes.append(helper.make_node("Conv", [current, w, b], [f"conv_{i}_out"], f"conv_{i}", doc, **conv_attrs))
        nodes.append(helper.make_node("Relu", [f"conv_{i}_out"], [f"relu_{i}_out"], f"relu_{i}", "max(x, 0)."))
        nodes.append(helper.make_node("MaxPool", [f"relu_{i}_out"], [f"pool_{i}_out"], f"pool_{i}", "Halves height and width.", **pool_attrs))
        current = f"pool_{i}_out"
    w, b = add_init("classifier.weight", layers[2].weight), add_init("classifier.bias", layers[2].bias)
    nodes.append(helper.make_node("Flatten", [current], ["features"], "flatten", "128 features per image.", axis=1))
    nodes.append(helper.make_node("Gemm", ["features", w, b], ["logits"], "classifier", "One score per digit.", transB=1))
    nodes.append(helper.make_node("Softmax", ["logits"], ["probabilities"], "softmax", "Scores to probabilities.", axis=-1))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8], "Grey levels 0 (paper) to 1 (ink): the PGM's value / 16.")
    prob = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", N_CLASSES], "Probability of each digit, 0 to 9.")
    graph = helper.make_graph(nodes, "digits", [image], [prob], init, "Classifies handwritten digits of 8x8 pixels.")
    model = helper.make_model(graph, producer_name="examples/digits/train.py", opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model.doc_string = "A small convolutional network for handwritten digits; see README.md beside this file."
    helper.set_model_props(model, {"labels": ",".join(map(str, range(N_CLASSES))), "input_scale": "1/16", "held_out_accuracy": f"{accuracy:.4f}"})
    onnx.checker.check_model(model, full_check=True)
    return model


def write_pgm(path, image):
    """Binary PGM (P5) with maxval 16, the data's own range."""
    height, width = image.shape
    path.write_bytes(b"P5\n%d %d\n%d\n" % (width, height, MAX_PIXEL) + image.astype(np.uint8).tobytes())


def write_images(folder, images, labels):
    """Writes all held-out images as one tall picture with their labels, and the first of each digit as its own file."""
    folder.mkdir(parents=True, exist_ok=True)
    write_pgm(folder / "held_out.pgm", images.reshape(-1, 8))
    (folder / "labels.txt").write_text("".join(f"{label}\n" for label in labels))
    for digit in range(N_CLASSES):
        write_pgm(folder / f"digit_{digit}.pgm", images[np.flatnonzero(labels == digit)[0]])


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent
    (train_images, train_labels), (images, labels) = load_split()
    layers = train(train_images, train_labels)
    x = (images.astype(np.float32) / MAX_PIXEL)[:, None]
    hits = int((forward(layers, x).argmax(-1) == labels).sum())
    print(f"held-out: {hits} of {len(labels)} right ({100 * hits / len(labels):.2f} %)")
    onnx.save(make_model(layers, hits / len(labels)), folder / "digits.onnx")
    write_images(folder / "images", images, labels)


if __name__ == "__main__":
    main()
