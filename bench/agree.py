# SPDX-License-Identifier: Apache-2.0
"""Do an engine's answers agree with ONNX Runtime's? The rules of docs/numerics.md.

float: max|a-b| <= 1e-3 max|b| per output, NaN and infinities in the same places, type and shape alike; integers equal in 99.9 %. Quantised networks
cannot keep that, not even ONNX Runtime with and without its own optimisation; there the cosine of each output counts, and `ingot compare`
holds each step to the rule of quantised steps.
"""
import numpy as np

COSINE = {"static": 0.99, "dynamic": 0.999}


def problem(kind, a, b):
    """None if a (ours) agrees with b, else what is wrong."""
    if a.dtype != b.dtype:
        return f"type {a.dtype}, expected {b.dtype}"
    if a.shape != b.shape:
        return f"shape {a.shape}, expected {b.shape}"
    if not np.issubdtype(b.dtype, np.floating):
        n = np.count_nonzero(a != b)
        return f"{n} of {b.size} integers differ" if 1000 * n > b.size else None
    a, b = a.astype(np.float64), b.astype(np.float64)
    if not (np.array_equal(np.isnan(a), np.isnan(b)) and np.array_equal(np.where(np.isinf(a), a, 0), np.where(np.isinf(b), b, 0))):
        return "NaN or infinity in different places"
    finite = np.isfinite(b)
    a, b = a[finite], b[finite]
    if not b.size:
        return None
    if kind in COSINE:
        size = np.linalg.norm(a) * np.linalg.norm(b)
        cosine = float(a @ b / size) if size else float(np.array_equal(a, b))
        return None if cosine >= COSINE[kind] else f"cosine {cosine:.5f}, wanted {COSINE[kind]}"
    diff, most = np.abs(a - b).max(), np.abs(b).max()
    return None if diff <= 1e-3 * most else f"max|a-b| {diff:.3g} is over 1e-3 max|b| = {1e-3 * most:.3g}"
