#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""concat_models.py FOLDER N: networks that join the same maps again and again, for tests/run/concats.sh.

N random ones, random_<k>.onnx, on an input of [1..2, 4, h, w]: convolutions, maps, pooling, Splits, Slices, shuffled channels and Concats, whose parts are
read by others too, twice in one Concat, in another Concat's order, or as an output. And blocks as real networks have them, in which every part can be
written where it belongs: dense_block (DenseNet), halves (YOLO's C2f), skip (U-Net), pyramid (spatial pyramid pooling). And deep, in which not every part can.
"""
import pathlib
import random
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save


class Net:
    def __init__(self, seed):
        self.pick, self.rng = random.Random(seed), np.random.default_rng(seed)
        self.nodes, self.init, self.n = [], [], 0
        self.maps = [("x", 4)]   # name, channels

    def const(self, value):
        self.n += 1
        self.init.append(numpy_helper.from_array(value, f"c{self.n}"))
        return f"c{self.n}"

    def node(self, op, inputs, channels, **attrs):
        """One result per entry of channels; adds them to the maps."""
        self.n += 1
        out = [(f"v{self.n}_{i}", c) for i, c in enumerate(channels)]
        self.nodes.append(helper.make_node(op, inputs, [name for name, _ in out], f"{op}_{self.n}", **attrs))
        self.maps += out
        return out if len(out) > 1 else out[0]

    def conv(self, x, channels, k=3):
        w = self.rng.standard_normal((channels, x[1], k, k)) / np.sqrt(x[1] * k * k)
        return self.node("Conv", [x[0], self.const(w.astype(np.float32))], [channels], pads=[k // 2] * 4)

    def relu(self, x):
        return self.node("Relu", [x[0]], [x[1]])

    def concat(self, *parts):
        return self.node("Concat", [name for name, _ in parts], [sum(c for _, c in parts)], axis=self.pick.choice([1, -3]))

    def split(self, x):
        a = self.pick.randint(1, x[1] - 1)
        return self.node("Split", [x[0], self.const(np.array([a, x[1] - a], np.int64))], [a, x[1] - a], axis=1)

    def slice(self, x):
        a = self.pick.randint(0, x[1] - 1)
        b = self.pick.randint(a + 1, x[1])
        return self.node("Slice", [x[0], *(self.const(np.array([v], np.int64)) for v in (a, b, 1))], [b - a])

    def pool(self, x):
        return self.node("MaxPool", [x[0]], [x[1]], kernel_shape=[3, 3], pads=[1] * 4)

    def shuffle(self, x):
        """[c, ...] as [2, c / 2, ...], turned: needs a copy wherever the channels lie apart."""
        if x[1] % 2:
            return self.relu(x)
        maps, self.maps = self.maps, []
        y = self.node("Reshape", [x[0], self.const(np.array([0, 2, x[1] // 2, -1], np.int64))], [0])
        y = self.node("Transpose", [y[0]], [0], perm=[0, 2, 1, 3])
        shape = self.node("Shape", [x[0]], [0])
        self.maps = maps
        return self.node("Reshape", [y[0], shape[0]], [x[1]])

    def flat(self, x):
        """All axes as one: needs a copy wherever x has gaps."""
        maps, self.maps = self.maps, []
        y = self.node("Neg", [self.node("Reshape", [x[0], self.const(np.array([-1], np.int64))], [0])[0]], [0])
        shape = self.node("Shape", [x[0]], [0])
        self.maps = maps
        return self.node("Reshape", [y[0], shape[0]], [x[1]])

    def step(self):
        x = self.pick.choice(self.maps[-6:])
        what = self.pick.choice(["conv", "conv", "pointwise", "relu", "pool", "split", "slice", "shuffle", "flat", "concat", "concat", "concat", "add", "again", "output"])
        if what in ("conv", "pointwise"):
            self.conv(x, self.pick.randint(1, 9), 3 if what == "conv" else 1)
        elif what in ("relu", "pool", "shuffle", "flat"):
            getattr(self, what)(x)
        elif what in ("split", "slice") and x[1] > 1:
            getattr(self, what)(x)
        elif what == "concat":
            self.concat(*(self.pick.choice(self.maps[-8:]) for _ in range(self.pick.randint(2, 4))))
        elif what == "add":
            self.node("Add", [x[0], self.pick.choice([y for y in self.maps if y[1] == x[1]])[0]], [x[1]])
        elif what == "again":   # the parts of some Concat and more, as DenseNet's exporters write it
            joined = [n for n in self.nodes if n.op_type == "Concat"]
            if joined:
                channels = dict(self.maps)
                parts = [(name, channels[name]) for name in self.pick.choice(joined).input] + [self.pick.choice(self.maps[-4:])]
                self.concat(*(parts if self.pick.random() < 0.7 else parts[1:] + parts[:1]))
        elif what == "output":
            self.outputs.append(x)

    def random(self):
        self.outputs = []
        for _ in range(self.pick.randint(6, 30)):
            if self.maps[-1][1] > 40:   # as wide as it needs to be
                self.conv(self.maps[-1], 5)
            self.step()
        return [*dict.fromkeys(v for v in self.outputs if v[0] != "x"), self.relu(self.maps[-1])]

    # ---- blocks ----

    def dense_block(self):
        joined = [self.relu(self.conv(("x", 4), 8))]
        for _ in range(6):
            joined.append(self.conv(self.relu(self.concat(*joined) if len(joined) > 1 else joined[0]), 8))
        return [self.conv(self.relu(self.concat(*joined)), 6, 1)]

    def halves(self):
        a, b = self.split(self.relu(self.conv(("x", 4), 16)))
        parts = [a, b]
        for _ in range(3):
            y = self.relu(self.conv(self.relu(self.conv(parts[-1], b[1])), b[1]))
            parts.append(self.node("Add", [parts[-1][0], y[0]], [b[1]]))
        return [self.conv(self.concat(*parts), 6, 1)]

    def skip(self):
        a = self.relu(self.conv(("x", 4), 8))
        down = self.relu(self.conv(self.node("MaxPool", [a[0]], [8], kernel_shape=[2, 2], strides=[2, 2]), 8))
        up = self.node("Resize", [down[0], "", self.const(np.array([1, 1, 2, 2], np.float32))], [8], mode="linear")
        return [self.conv(self.concat(a, up), 6)]

    def pyramid(self):
        parts = [self.relu(self.conv(("x", 4), 8, 1))]
        for _ in range(3):
            parts.append(self.pool(parts[-1]))
        return [self.conv(self.concat(*parts), 6, 1)]

    def deep(self):
        """Deeper inside each other than the builder lets results lie (MAX_NESTED in src/build/layout.c)."""
        joined = self.relu(("x", 4))
        for _ in range(150):
            joined = self.concat(joined, self.pool(("x", 4)))
        return [self.conv(joined, 2, 1)]

    def save(self, path, outputs):
        info = helper.make_tensor_value_info
        graph = helper.make_graph(self.nodes, path.stem, [info("x", TensorProto.FLOAT, ["n", 4, "h", "w"])], [info(name, TensorProto.FLOAT, None) for name, _ in outputs], self.init)
        save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def main():
    folder, n = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    for k in range(n):
        net = Net(k)
        net.save(folder / f"random_{k}.onnx", net.random())
    for name in ("dense_block", "halves", "skip", "pyramid", "deep"):
        net = Net(1)
        net.save(folder / f"{name}.onnx", getattr(net, name)())


if __name__ == "__main__":
    main()
