"""What the reader of code and others make of armed and honest Python, side by side, and how long a verdict takes.

    python tests/benchmarks/code.py [--peers /path/to/python] [--yara RULES] [--packages 100]

The armed samples are those of `tests/corpus/armed_code.py` and its neighbours; that each really runs is proved by
`tests/bypass/test_armed_code.py`. The honest files are the modeling code of transformers. The others run in an environment of their own:

    python -m venv peers && peers/bin/python -m pip install bandit ruff yara-x

A sample counts as seen when an engine says anything of any of its files, and as told when it names the capability and the time at which it
runs, which only this one does. "early" are findings of lines that an import or a load runs; the others do not tell, so that all count.
"""

import argparse
import hashlib
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.append(str(TESTS / "corpus"))

import armed_disguises  # noqa: E402, F401 found on that path
import armed_models  # noqa: E402, F401
from armed_code import SAMPLES, write  # noqa: E402

from jupyter_modelguard.engines.code import scan_code  # noqa: E402
from jupyter_modelguard.types import CodeFile, Phase  # noqa: E402

PARTS = ("modeling_", "configuration_", "tokenization_", "processing_", "image_processing_", "feature_extraction_")
RULES = Path(scan_code.__code__.co_filename).parent / "code_opinions" / "model_code.yar"
ROW = "{:<24} {:>12} {:>12} {:>22} {:>22} {:>10}"
YARA = """
import json, sys, yara_x
compiler = yara_x.Compiler()
compiler.add_source(open(sys.argv[1]).read())
scanner = yara_x.Scanner(compiler.build())
print(json.dumps([path for path in json.load(sys.stdin) for _ in scanner.scan(open(path, "rb").read()).matching_rules]))
"""
EARLY = {Phase.IMPORT, Phase.LOAD}


def code_files(contents):
    return tuple(CodeFile(name, hashlib.sha256(content).hexdigest(), content) for name, content in contents.items())


def packages(most):
    """Give the code of transformers' models: the largest ten, and others in even steps."""
    spec = importlib.util.find_spec("transformers")
    if spec is None:
        sys.exit("transformers is not installed: it brings the honest files")
    found = {}
    for folder in sorted(path for path in (Path(spec.origin).parent / "models").iterdir() if path.is_dir()):
        contents = {path.name: path.read_bytes() for path in sorted(folder.glob("*.py")) if path.name.startswith(PARTS)}
        if contents:
            found[folder.name] = contents
    names = sorted(found, key=lambda name: -sum(map(len, found[name].values())))
    chosen = dict.fromkeys(names[:10] + names[10 :: max(1, len(names) // most)])
    return {name: found[name] for name in chosen}


def ours(armed, honest):
    """Read everything; give what was seen and told of the armed, the findings of the honest and the seconds of each package."""
    started = time.perf_counter()
    seen, told = 0, []
    for name, (folder, contents) in armed.items():
        sample = SAMPLES[name]
        beside = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()] if sample.beside else ()
        report = scan_code(str(folder), code_files(contents), beside=beside, folders=(str(folder),) if sample.planted else ())
        findings = report.findings[1:]
        seen += bool(findings)
        told += [name] if any(one.rule in sample.rules and one.phase.value == sample.phase for one in findings) else []
    seconds, findings = {}, {}
    for name, contents in honest.items():
        files = code_files(contents)
        before = time.process_time()
        findings[name] = scan_code(name, files).findings[1:]
        seconds[name] = time.process_time() - before
    return seen, told, findings, seconds, time.perf_counter() - started


def others(python, armed_folder, honest_folder, rules):
    """Run the others; give for each the files that it says something of, once a word."""
    commands = {
        "Bandit alone": ["-m", "bandit", "-q", "-r", "-f", "json"],
        "ruff S alone": ["-m", "ruff", "check", "--isolated", "--select", "S", "--output-format", "json", "--exit-zero"],
    }
    for name, command in commands.items():
        started = time.perf_counter()
        done = subprocess.run([python, *command, armed_folder, honest_folder], capture_output=True, text=True, check=False)
        if not done.stdout:
            print(f"left out, {name}: {done.stderr.strip().splitlines()[-1:]}")
            continue
        said = json.loads(done.stdout)
        lines = [one["filename"] for one in (said["results"] if isinstance(said, dict) else said)]
        yield name, lines, time.perf_counter() - started
    if rules.exists():
        paths = [str(path) for folder in (armed_folder, honest_folder) for path in sorted(Path(folder).rglob("*.py"))]
        started = time.perf_counter()
        done = subprocess.run(
            [python, "-c", YARA, str(rules)], input=json.dumps(paths), capture_output=True, text=True, check=False
        )
        if done.stdout:
            yield "YARA-X alone", json.loads(done.stdout), time.perf_counter() - started
        else:
            print(f"left out, YARA-X: {done.stderr.strip().splitlines()[-1:]}")
    else:
        print(f"left out, YARA-X: no rules at {rules}")


def show(name, seen, told, findings, files, seconds):
    share = f"{findings / files:.2f} a file"
    print(ROW.format(name, f"{seen} of {len(SAMPLES)}", told, findings, share, f"{seconds:.1f} s"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", help="the Python that has the others")
    parser.add_argument("--yara", type=Path, default=RULES, help="rules for YARA-X")
    parser.add_argument("--packages", type=int, default=100, help="how many of transformers' models")
    options = parser.parse_args()
    honest = packages(options.packages)
    number = sum(map(len, honest.values()))
    with tempfile.TemporaryDirectory() as folder:
        armed = {}
        for place, (name, sample) in enumerate(SAMPLES.items()):
            base = Path(folder, "armed", str(place))
            armed[name] = (base, write(sample, base))
        for name, contents in honest.items():
            base = Path(folder, "honest", name)
            base.mkdir(parents=True)
            for file, content in contents.items():
                (base / file).write_bytes(content)
        print(f"{len(SAMPLES)} armed samples; {len(honest)} honest packages, {number} files\n")
        print(ROW.format("", "armed seen", "armed told", "honest findings", "", "time"))
        seen, told, findings, seconds, took = ours(armed, honest)
        early = sum(one.phase in EARLY for found in findings.values() for one in found)
        show("modelguard, early", seen, len(told), early, number, took)
        show("modelguard, all", seen, len(told), sum(map(len, findings.values())), number, took)
        if options.peers:
            bases = {str(base): name for name, (base, _) in armed.items()}
            for name, lines, took in others(options.peers, f"{folder}/armed", f"{folder}/honest", options.yara):
                bad = {
                    bases["/".join(line.split("/")[: folder.count("/") + 3])]
                    for line in lines
                    if line.startswith(f"{folder}/armed")
                }
                show(name, len(bad), "-", sum(line.startswith(f"{folder}/honest") for line in lines), number, took)
    print(f"\nnot told: {', '.join(name for name in SAMPLES if name not in told) or 'none'}")
    sizes = {name: sum(map(len, contents.values())) for name, contents in honest.items()}
    print(f"a verdict, of processor time: median {statistics.median(seconds.values()) * 1000:.0f} ms, worst:")
    for name in sorted(seconds, key=seconds.get)[:-6:-1]:
        print(f"  {name}: {seconds[name] * 1000:.0f} ms for {len(honest[name])} files, {sizes[name] / 1000:.0f} KB")
    largest = max(sizes, key=sizes.get)
    print(f"  the largest, {largest}: {seconds[largest] * 1000:.0f} ms for {sizes[largest] / 1000:.0f} KB")


if __name__ == "__main__":
    main()
