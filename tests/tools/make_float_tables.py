#!/usr/bin/env python3
"""Writes tests/unit/float_tables_*.h: what the small floating-point formats decode to and what floats encode to, by ml_dtypes and by
the rules of ONNX Cast-25. Usage: make_float_tables.py tests/unit (needs ml_dtypes and numpy).
SPDX-License-Identifier: Apache-2.0"""
import pathlib
import sys

import ml_dtypes
import numpy as np

FORMATS = [
    ("F8E4M3FN", ml_dtypes.float8_e4m3fn, 256),
    ("F8E4M3FNUZ", ml_dtypes.float8_e4m3fnuz, 256),
    ("F8E5M2", ml_dtypes.float8_e5m2, 256),
    ("F8E5M2FNUZ", ml_dtypes.float8_e5m2fnuz, 256),
    ("F6E2M3", ml_dtypes.float6_e2m3fn, 64),
    ("F6E3M2", ml_dtypes.float6_e3m2fn, 64),
    ("F4E2M1", ml_dtypes.float4_e2m1fn, 16),
    ("F8E8M0", ml_dtypes.float8_e8m0fnu, 256),
]


def bits(x):
    return np.asarray(x, np.float32).view(np.uint32)


def inputs(values):
    """Every finite value, the middle of each two neighbours, and the floats beside both; what is too large; what is special."""
    finite = np.unique(values[np.isfinite(values)].astype(np.float64))
    middles = (finite[1:] + finite[:-1]) / 2
    top = finite[-1]
    step = finite[-1] - finite[-2]
    edges = np.array([top + step / 2, top + step, top * 2, 1e30])
    all_ = np.concatenate([finite, middles, edges, -edges]).astype(np.float32)
    all_ = np.concatenate([all_, np.nextafter(all_, np.float32(np.inf)), np.nextafter(all_, np.float32(-np.inf))])
    all_ = np.unique(all_[np.isfinite(all_)])
    special = np.array([0x80000000, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00000, 1], np.uint32)
    return np.concatenate([bits(all_), special])


def encode(dtype, x, saturate):
    if saturate:
        info = ml_dtypes.finfo(dtype)
        x = np.clip(x, np.float32(info.min), np.float32(info.max))
    return x.astype(dtype).view(np.uint8)


def print_format(f, name, dtype, n):
    values = np.arange(n, dtype=np.uint8).view(dtype).astype(np.float32)
    print(f"static const uint32_t decoded_{name}[{n}] = {{", file=f)
    for row in bits(values).reshape(-1, 8):
        print("  " + ", ".join(f"0x{b:08x}" for b in row) + ",", file=f)
    print("};", file=f)
    if name == "F8E8M0":
        return
    ins = inputs(values)
    x = ins.view(np.float32)
    pairs = list(zip(ins, encode(dtype, x, True), encode(dtype, x, False)))
    print(f"static const float_case encoded_{name}[{len(pairs)}] = {{", file=f)
    for i in range(0, len(pairs), 6):
        print("  " + ", ".join(f"{{0x{a:08x}, {s}, {p}}}" for a, s, p in pairs[i : i + 6]) + ",", file=f)
    print("};", file=f)


def main():
    for file, select in (("float_tables_e4m3.h", "F8E4M3"), ("float_tables_e5m2.h", "F8E5M2"), ("float_tables_others.h", ("F4", "F6", "F8E8"))):
        guard = file.upper().replace(".", "_")
        with open(pathlib.Path(sys.argv[1]) / file, "w") as f:
            print(f"/* Made by tests/tools/make_float_tables.py with ml_dtypes; do not edit. */\n#ifndef {guard}\n#define {guard}", file=f)
            print('#include "float_case.h"', file=f)
            for name, dtype, n in FORMATS:
                if name.startswith(select):
                    print_format(f, name, dtype, n)
            print("#endif", file=f)


main()
