# SPDX-License-Identifier: Apache-2.0
"""The peers: ONNX Runtime, as oracle and as contender, and OpenVINO. A contender is a callable that runs once on the input it was made for."""
import statistics
import time

import onnxruntime as ort


def oracle(path):
    """ONNX Runtime without its graph optimisation: what answers are held against."""
    return session(path, 2, ort.GraphOptimizationLevel.ORT_DISABLE_ALL)


def session(path, threads, level):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = level
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def onnxruntime(path, threads, feeds):
    best = session(path, threads, ort.GraphOptimizationLevel.ORT_ENABLE_ALL)
    return lambda: best.run(None, feeds)


def openvino(path, threads, feeds):
    """At exactly these shapes, tuned for the latency of one request: its best case."""
    import openvino as ov
    core = ov.Core()
    model = core.read_model(str(path))
    model.reshape({name: list(array.shape) for name, array in feeds.items()})
    compiled = core.compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    return lambda: request.infer(feeds)


def versions():
    import openvino as ov
    return {"onnxruntime": ort.__version__, "openvino": ov.__version__.split("-")[0]}


def median_ms(run, seconds, warm_up):
    """Median of single runs in milliseconds, at least five of them."""
    end = time.perf_counter() + warm_up
    while True:
        run()
        if time.perf_counter() >= end:
            break
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        t0 = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - t0))
    return statistics.median(times)
