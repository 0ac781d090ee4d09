"""Every published way past a scanner of pickles that is "a name on no list" (`advisories.toml`): here, no list has to know it."""

import importlib.util
import marshal
import re
import tomllib
from pathlib import Path

import pytest

from assembly import call, read, stream  # isort: skip

ROWS = tomllib.loads(Path(__file__).with_name("advisories.toml").read_text("utf-8"))["row"]


def reference(row):
    return row.get("url") or f"https://github.com/{row['project']}/security/advisories/{row['advisory']}"


def named(row):
    return reference(row).rpartition("/")[2] + "-" + re.search(r"[\w.]+:[\w.]+", row["attack"])[0]


def available(module):
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:Setuptools is replacing distutils:UserWarning")
@pytest.mark.parametrize("row", ROWS, ids=named)
def test_advisory_is_held(row, strike, canary, tmp_path, record_property):
    record_property("reference", reference(row))
    missing = [module for module in row.get("needs", ()) if not available(module)]
    if missing:
        pytest.skip(f"{missing[0]} is not here")
    code = f"open({str(canary)!r}, 'w')"
    for name, content in row.get("files", {}).items():
        (tmp_path / name).write_text(content.replace("CODE", code))
    shell = f"touch {canary}"
    attack = read(
        row["attack"],
        CANARY=str(canary),
        CODE=code,
        SHELL=shell,
        BYTES=shell.encode(),
        FOLDER=str(tmp_path),
        FILE=str(tmp_path / "planted.py"),
        INNER=stream(call("os:system", shell)),
        MARSHALLED=marshal.dumps(compile(code, "planted", "exec")),
    )
    strike(stream(attack), *(["torch"] if "torch" in row.get("needs", ()) else []))
