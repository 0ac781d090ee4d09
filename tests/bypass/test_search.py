"""The search for harmless streams that are not: it finds nothing in the lists as they are, and finds what is planted in them.

The same seed composes the same streams in every run; `python tests/bypass/search.py --minutes 60 --seed 7` looks further.
"""

import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="most of what the lists know belongs to it")
pytestmark = pytest.mark.skipif(
    not os.path.exists("/proc/self/statm"), reason="the forked processes are limited by what Linux tells"
)

SEARCH = Path(__file__).with_name("search.py")


def search(folder, *options):
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-W", "ignore", str(SEARCH), "--folder", str(folder), *options]
    with tempfile.TemporaryDirectory() as place:  # for what planted rows do with names that are no paths
        return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=280)


def test_nothing_is_found_in_the_lists(tmp_path):
    ended = search(tmp_path, "--minutes", "0.5", "--libraries", "python,numpy,joblib,sklearn,torch")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert not list(tmp_path.iterdir())
    share = re.search(r"(\d+) streams .* silent \((\d+)%\)", ended.stdout)
    assert share, ended.stdout
    assert int(share[1]) >= 200
    assert int(share[2]) >= 20


CALLED = "was called|called although|called by the unpickler"
PLANTED = {
    "asks objects for attributes": ("builtins", "getattr", '["any", "str"]', "was called"),
    "calls what it is given later": ("functools", "partial", '["any|global", "any*"]', CALLED),
    "calls what it is given": (
        "numpy.random._pickle",
        "__randomstate_ctor",
        '["any", "global|any"]',
        CALLED,
    ),
    "changes a setting": ("sys", "setrecursionlimit", '["int"]', "limit of recursion was changed"),
    "opens a file": ("pathlib", "Path.touch", '["made:pathlib.Path"]', "os.utime|opened for writing"),
    "crashes": ("faulthandler", "_sigsegv", "[]", "crashes"),
}


@pytest.fixture(scope="module")
def searches(request, tmp_path_factory):
    """The searches for the planted rows that were asked for, as many at once as there are processors: folder and end of each."""
    wanted = [
        item.callspec.id for item in request.session.items if getattr(item, "originalname", "") == "test_a_bad_row_is_found"
    ]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        started = {}
        for title in wanted:
            module, name, arguments, _ = PLANTED[title]
            folder = tmp_path_factory.mktemp("planted")
            rows = folder / "rows.toml"
            rows.write_text(f'[[inert]]\nmodule = "{module}"\nname = "{name}"\narguments = {arguments}\nreason = "planted"\n')
            options = ("--minutes", "3", "--seed", "2", "--libraries", "python,numpy", "--rows", str(rows), "--until-found")
            started[title] = (folder / "found", pool.submit(search, folder / "found", *options))
        yield started


@pytest.mark.parametrize("title", PLANTED)
def test_a_bad_row_is_found(title, searches):
    folder, search_for_it = searches[title]
    ended = search_for_it.result()

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert re.search(f"FOUND .*({PLANTED[title][3]})", ended.stdout), ended.stdout
    assert list(folder.iterdir())


def test_a_finding_can_be_run_again(tmp_path):
    rows = tmp_path / "rows.toml"
    rows.write_text('[[inert]]\nmodule = "faulthandler"\nname = "_sigsegv"\narguments = []\nreason = "planted"\n')
    common = ("--libraries", "python", "--rows", str(rows))
    search(tmp_path / "found", "--minutes", "3", "--until-found", *common)
    (written,) = (tmp_path / "found").iterdir()

    assert search(tmp_path, "--again", str(written), *common).returncode == 1
    assert "nothing is found" in search(tmp_path, "--again", str(written), "--libraries", "python").stdout
