# SPDX-License-Identifier: Apache-2.0
"""The runtime's C API by ctypes, as far as the tests of whole networks need it: load an engine, run it at many shapes in one context."""
import ctypes as c

import numpy as np

P, I64 = c.c_void_p, c.c_int64
CODES = {"i": 0, "u": 1, "f": 2, "b": 6}  # DLPack's


class Tensor(c.Structure):
    _fields_ = [("data", P), ("device_type", c.c_int32), ("device_id", c.c_int32), ("rank", c.c_int32), ("dtype", c.c_uint32),
                ("dims", c.POINTER(I64)), ("strides", c.POINTER(I64)), ("byte_offset", c.c_uint64)]


class ContextOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("n_threads", c.c_uint32), ("arena", P), ("arena_size", c.c_size_t), ("max_bytes", c.c_uint64),
                ("cancel", P)]


class Error(Exception):
    pass


class Engine:
    """An engine file with one context."""

    def __init__(self, library, path, threads=2):
        self.rt = c.CDLL(str(library))
        self.rt.ig_status_message.restype = c.c_char_p
        for name in ("ig_status_message", "ig_status_free", "ig_context_release", "ig_engine_release", "ig_env_release"):
            getattr(self.rt, name).argtypes = [P]
        self.env, self.engine, self.context = P(), P(), P()
        self.call("ig_env_create", None, c.byref(self.env))
        self.call("ig_engine_load_file", self.env, str(path).encode(), None, c.byref(self.engine))
        options = ContextOptions(c.sizeof(ContextOptions), threads, None, 0, 0, None)
        self.call("ig_context_create", self.engine, c.byref(options), c.byref(self.context))

    def call(self, name, *args):
        function = getattr(self.rt, name)
        function.restype = P
        status = function(*args)
        if status:
            message = self.rt.ig_status_message(status).decode()
            self.rt.ig_status_free(status)
            raise Error(message)

    def run(self, feeds, outputs):
        """The outputs of that name, as copies."""
        for name, array in feeds.items():
            array = np.asarray(array, order="C")
            dims = (I64 * max(array.ndim, 1))(*array.shape)
            self.call("ig_context_set_shape", self.context, name.encode(), dims, c.c_size_t(array.ndim))
            self.call("ig_context_set_data", self.context, name.encode(), array.ctypes.data_as(P), c.c_size_t(array.nbytes))
        self.call("ig_context_run", self.context)
        return [self.output(name) for name in outputs]

    def output(self, name):
        t = Tensor()
        self.call("ig_context_get_tensor", self.context, name.encode(), c.byref(t))
        shape = [t.dims[k] for k in range(t.rank)]
        code, bits = t.dtype & 0xff, t.dtype >> 8 & 0xff
        kind = next(k for k, v in CODES.items() if v == code)
        dtype = np.dtype(bool) if kind == "b" else np.dtype(f"{kind}{bits // 8}")
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        return np.frombuffer(c.string_at(t.data + t.byte_offset, size), dtype).reshape(shape)

    def close(self):
        self.rt.ig_context_release(self.context)
        self.rt.ig_engine_release(self.engine)
        self.rt.ig_env_release(self.env)
