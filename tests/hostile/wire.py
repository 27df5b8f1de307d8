# SPDX-License-Identifier: Apache-2.0
"""Writes ONNX messages as raw protobuf bytes.

Package `onnx` refuses to build much of what a hostile file may hold (wrong wire types, a hundred thousand nested graphs, lengths that
lie), so the messages are put together here by field number. Every function returns bytes; the numbers are those of onnx.proto.
"""
import struct

FLOAT, UINT8, INT64, STRING, BOOL = 1, 2, 7, 8, 9


def varint(n):
    """Base-128 varint of n modulo 2^64, which is how protobuf writes negative numbers."""
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def tag(number, wire_type):
    return varint(number << 3 | wire_type)


def num(number, value):
    return tag(number, 0) + varint(value)


def blob(number, data):
    data = data.encode() if isinstance(data, str) else data
    return tag(number, 2) + varint(len(data)) + data


def many(number, items):
    return b"".join(blob(number, item) for item in items)


def nest(prefixes, innermost):
    """Wraps `innermost` from the inside out: each prefix is (bytes before, [field numbers from outer to inner]).

    The nested field is the last of its message, so every level is only a header and the whole is linear in its depth.
    """
    pieces, size = [innermost], len(innermost)
    for before, fields in prefixes:
        for number in reversed(fields):
            header = tag(number, 2) + varint(size)
            pieces.append(header)
            size += len(header)
        pieces.append(before)
        size += len(before)
    return b"".join(reversed(pieces))


def attr(name, value):
    """An AttributeProto by the Python type of value: int, float, str, bytes (a tensor), list of ints, or ('graph', bytes)."""
    head = blob(1, name)
    if isinstance(value, int):
        return head + num(3, value) + num(20, 2)
    if isinstance(value, float):
        return head + tag(2, 5) + struct.pack("<f", value) + num(20, 1)
    if isinstance(value, str):
        return head + blob(4, value) + num(20, 3)
    if isinstance(value, bytes):
        return head + blob(5, value) + num(20, 4)
    if isinstance(value, tuple):
        return head + blob(6, value[1]) + num(20, 5)
    return head + b"".join(num(8, v) for v in value) + num(20, 7)


def node(op, inputs, outputs, name="", domain="", attrs=None, raw_attrs=()):
    body = many(1, inputs) + many(2, outputs) + (blob(3, name) if name else b"") + blob(4, op)
    body += many(5, [attr(k, v) for k, v in (attrs or {}).items()]) + many(5, raw_attrs)
    return body + (blob(7, domain) if domain else b"")


def tensor(name, dims, data_type=FLOAT, raw=None, extra=b""):
    body = b"".join(num(1, d) for d in dims) + num(2, data_type) + (blob(8, name) if name else b"")
    return body + (blob(9, raw) if raw is not None else b"") + extra


def floats(name, values, dims=None):
    return tensor(name, [len(values)] if dims is None else dims, FLOAT, struct.pack(f"<{len(values)}f", *values))


def int64s(name, values, dims=None):
    return tensor(name, [len(values)] if dims is None else dims, INT64, struct.pack(f"<{len(values)}q", *values))


def value(name, data_type=FLOAT, dims=None):
    """A ValueInfoProto; dims are numbers, names, or None for a missing shape."""
    body = num(1, data_type)
    if dims is not None:
        body += blob(2, many(1, [blob(2, d) if isinstance(d, str) else num(1, d) for d in dims]))
    return blob(1, name) + blob(2, blob(1, body))


def graph(nodes, inputs=(), outputs=(), inits=(), name="g", extra=b""):
    return many(1, nodes) + blob(2, name) + many(5, inits) + many(11, inputs) + many(12, outputs) + extra


def opset(version, domain=""):
    return (blob(1, domain) if domain else b"") + num(2, version)


def function(name, inputs, outputs, nodes, domain="f", version=17):
    body = blob(1, name) + many(4, inputs) + many(5, outputs) + many(7, nodes)
    return body + blob(9, opset(version)) + blob(9, opset(1, domain)) + blob(10, domain)


def model(graph_bytes, version=17, functions=(), ir_version=8, opsets=None):
    """opset_import comes last, so that every cut leaves a file without it or with a damaged one."""
    body = num(1, ir_version) + blob(7, graph_bytes) + many(25, functions)
    return body + many(8, [opset(version), *(opsets or ([opset(1, "f")] if functions else []))])
