"""Measure something with the guard and without it, in turn, and print the ratios: what the benchmarks here have in common.

Each case is a process of its own, so that what one imports or leaves in memory is nothing to the next. The ratio is the median over the
pairs, which bends little where a machine's speed drifts; times are medians in milliseconds.
"""

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

_SCALE = "BENCHMARK_SCALE"


def scaled(number):
    """Give a number of things, fewer where somebody only wants to see that it runs."""
    return int(number * float(os.environ.get(_SCALE, "1")))


def seconds(work):
    """Do something once, and give the seconds it took."""
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main(about, targets, measure, *, once=(), share=False, environment=None):
    """Print the table, or what one child measured.

    Parameters
    ----------
    about
        The docstring of the benchmark.
    targets
        The ratio that is wanted, by case.
    measure
        Called in the child with case, mode ("pairs", "plain" or "guarded") and the number of pairs; gives pairs of seconds, plain and
        guarded, or the seconds of the one mode.
    once
        Cases of things that happen once in a process.
    share
        Whether the ratio is one of speeds.
    environment
        Variables of the child.
    """
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--runs", type=int, default=9, help="pairs of measurements")
    parser.add_argument("--scale", type=float, default=1.0, help="less than 1: to see that it runs, not for figures")
    parser.add_argument("--child", choices=("pairs", "plain", "guarded"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options.cases[0], options.child, options.runs)))
        return
    os.environ[_SCALE] = str(options.scale)
    print(f"{'case':<52}{'plain ms':>12}{'guarded ms':>12}{'speed' if share else 'ratio':>8}{'target':>8}")
    for case in options.cases or targets:
        if case in once:
            modes = ("plain", "guarded")
            pairs = [tuple(_child(case, mode, 1, environment) for mode in modes) for _ in range(options.runs)]
        else:
            pairs = _child(case, "pairs", options.runs, environment)
        plain, guarded = (statistics.median(values) * 1e3 for values in zip(*pairs, strict=True))
        ratio = statistics.median(without / held if share else held / without for without, held in pairs)
        print(f"{case:<52}{plain:>12.1f}{guarded:>12.1f}{ratio:>8.2f}{targets[case]:>8.2f}", flush=True)


def _child(case, mode, runs, environment):
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, sys.argv[0], "--child", mode, "--runs", str(runs), case]
        variables = os.environ | {"MODELGUARD_HOME": home} | (environment or {})
        answer = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    if answer.returncode:
        raise RuntimeError(answer.stderr)
    return json.loads(answer.stdout.strip().splitlines()[-1])
