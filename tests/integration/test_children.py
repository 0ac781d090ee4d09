"""Processes that a guarded one starts: guarded where `modelguard install --children` left its file, as before everywhere else."""

import os
import pickle
import subprocess
import sys

import pytest

from jupyter_modelguard import cli
from jupyter_modelguard.children import start_up_line
from jupyter_modelguard.ipython import doctor, lasting

PARENT = """
import multiprocessing, pickle, subprocess, sys
import child_work
if __name__ == "__main__":
    if "guarded" in sys.argv:
        import jupyter_modelguard
        jupyter_modelguard.install()
    way, file = sys.argv[1:3]
    if way == "script":
        sys.exit(subprocess.run([sys.executable, child_work.__file__, file]).returncode)
    with multiprocessing.get_context(way).Pool(1) as pool:
        print(pool.apply(child_work.load, [file]))
"""
WORK = """
import pickle, sys
def load(path):
    with open(path, "rb") as file:
        return pickle.load(file)
if __name__ == "__main__":
    print(load(sys.argv[1]))
"""


@pytest.fixture
def start(tmp_path, home):
    """Run the parent; its children find what `install --children` writes, or do not."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "child_work.py").write_text(WORK)
    (folder / "parent.py").write_text(PARENT)
    (folder / "sitecustomize.py").write_text(f"import site\nsite.addsitedir({str(folder / 'pth')!r})\n")
    (folder / "pth").mkdir()

    def run(way, file, *, guarded=True, children=True, **environment):
        if children:
            (folder / "pth" / "modelguard.pth").write_text(start_up_line())
        command = [sys.executable, folder / "parent.py", way, file, *(["guarded"] if guarded else [])]
        settings = os.environ | {"PYTHONPATH": str(folder), "MODELGUARD_HEADLESS": "deny"} | environment
        settings.pop("MODELGUARD_CHILDREN", None)
        return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=120, check=False)

    return run


@pytest.fixture
def honest(tmp_path):
    np = pytest.importorskip("numpy")
    path = tmp_path / "honest.pkl"
    path.write_bytes(pickle.dumps({"weights": np.arange(3)}))
    return path


WAYS = ["script", "spawn", "forkserver"]


@pytest.mark.parametrize("way", WAYS)
def test_child_is_not_guarded_without_the_file(way, start, armed_pickle, canary):
    assert start(way, armed_pickle, children=False).returncode == 0
    assert canary.exists()


@pytest.mark.parametrize("way", WAYS)
def test_child_of_a_guarded_process_is_guarded_with_it(way, start, armed_pickle, canary):
    ended = start(way, armed_pickle)
    assert ended.returncode != 0
    assert "ModelLoadBlockedError" in ended.stderr
    assert not canary.exists()


@pytest.mark.parametrize("way", WAYS)
def test_honest_loads_of_a_guarded_child_and_what_it_sends_pass(way, start, honest):
    ended = start(way, honest)
    assert ended.stderr == ""
    assert "array([0, 1, 2])" in ended.stdout


def test_child_of_an_unguarded_process_is_untouched(start, armed_pickle, canary):
    assert start("script", armed_pickle, guarded=False).returncode == 0
    assert canary.exists()


@pytest.mark.parametrize("broken", ["raise ImportError", "this is no Python", "import sys; sys.nothing"])
def test_modelguard_that_is_gone_or_broken_never_breaks_a_start(broken, start, honest, tmp_path):
    (tmp_path / "broken" / "jupyter_modelguard").mkdir(parents=True)
    (tmp_path / "broken" / "jupyter_modelguard" / "__init__.py").write_text(broken)
    (tmp_path / "pth").mkdir()
    (tmp_path / "pth" / "modelguard.pth").write_text(start_up_line())
    ended = subprocess.run(
        [sys.executable, "-c", f"import site; site.addsitedir({str(tmp_path / 'pth')!r}); print('started')"],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "broken"), "MODELGUARD_CHILDREN": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "started\n", "")


WAITS = """
import sys
from jupyter_modelguard.children import begin
begin()
begin()
import multiprocessing.connection, pickle
from jupyter_modelguard import children
assert "jupyter_modelguard.handle" not in sys.modules, "installed too early"
receiver, sender = multiprocessing.connection.Pipe(False)
sender.send(range(3))
assert receiver.recv() == range(3)
assert "jupyter_modelguard.handle" not in sys.modules, "traffic installed it"
assert pickle.dumps(pickle.loads)
{first}
from jupyter_modelguard.guard import current
assert current() is not None
assert not any(isinstance(finder, children._Waiting) for finder in sys.meta_path)
assert "__getattr__" not in vars(pickle)
"""


@pytest.mark.parametrize(
    "first",
    [
        "pickle.loads(pickle.dumps(1))",
        "from pickle import Unpickler",
        "import yaml",
        "import numpy; assert hasattr(numpy.load, '__wrapped__')",
    ],
)
def test_guard_comes_with_the_first_load(first, home):
    if first.startswith("import "):
        pytest.importorskip(first.split(";")[0].split()[1])
    environment = os.environ | {"MODELGUARD_HEADLESS": "deny", "MODELGUARD_CHILDREN": "1"}
    subprocess.run([sys.executable, "-c", WAITS.format(first=first)], env=environment, check=True)


# -- what install writes ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def places(tmp_path, monkeypatch):
    pytest.importorskip("IPython")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setattr(lasting, "_folders", lambda: [tmp_path / "packages"])
    (tmp_path / "ipython" / "profile_default").mkdir(parents=True)
    return tmp_path / "ipython" / "profile_default" / "ipython_config.py", tmp_path / "packages"


@pytest.mark.parametrize(
    "before", ["", "c = get_config()\nc.InteractiveShell.colors = 'NoColor'\n", "# a last line without an end"]
)
def test_install_and_uninstall_leave_the_configuration_as_it_was(before, places):
    configuration, packages = places
    configuration.write_text(before)
    for _ in range(2):
        assert cli.main(["install", "--children"]) == 0
    assert configuration.read_text().count("modelguard >>>") == 1
    assert lasting.is_installed()
    assert lasting.holds_children()
    assert [path.name for path in packages.iterdir()] == ["jupyter-modelguard-children.pth"]
    assert cli.main(["uninstall"]) == 0
    assert configuration.read_text().rstrip("\n") == before.rstrip("\n")
    assert not lasting.is_installed()
    assert not lasting.holds_children()
    assert cli.main(["uninstall"]) == 0


def test_install_keeps_every_byte_of_a_configuration_in_another_encoding(places):
    configuration, _ = places
    before = b"# -*- coding: latin-1 -*-\r\n# caf\xe9\r\nc = get_config()\r\n"
    configuration.write_bytes(before)
    assert cli.main(["install"]) == 0
    assert configuration.read_bytes().startswith(before)
    assert cli.main(["uninstall"]) == 0
    assert configuration.read_bytes() == before


def test_install_writes_through_a_link(places, tmp_path):
    configuration, _ = places
    kept = tmp_path / "kept.py"
    kept.write_text("c = get_config()\n")
    kept.chmod(0o600)
    configuration.symlink_to(kept)
    assert cli.main(["install"]) == 0
    assert configuration.is_symlink()
    assert "modelguard" in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_configuration_that_cannot_be_read_is_left_alone(places, capsys):
    configuration, _ = places
    configuration.mkdir()
    assert cli.main(["install"]) != 0
    assert configuration.is_dir()


def test_installed_line_guards_beside_a_call_that_is_a_comment(places, home):
    places[0].write_text("# c = get_config()\ndel c\n")
    assert cli.main(["install"]) == 0
    code = "from jupyter_modelguard.guard import current; print('guarded', current() is not None)"
    ended = subprocess.run([sys.executable, "-m", "IPython", "-c", code], capture_output=True, text=True, check=False)
    assert "guarded True" in ended.stdout, ended.stderr


def test_installed_line_guards_a_fresh_ipython(places, home):
    assert cli.main(["install"]) == 0
    code = "from jupyter_modelguard.guard import current; print('guarded', current() is not None)"
    ended = subprocess.run([sys.executable, "-m", "IPython", "-c", code], capture_output=True, text=True, check=False)
    assert "guarded True" in ended.stdout, ended.stderr


def test_doctor_and_status_say_both_states(places):
    said = [doctor._lasting(), doctor._children()]
    assert "%load_ext modelguard" in said[0].text
    assert "spawned ones are not" in said[1].text
    lasting.install_line()
    file = lasting.install_children()
    said = [doctor._lasting(), doctor._children()]
    assert "by itself" in said[0].text
    assert "guarded too" in said[1].text
    file.write_text("import nothing\n")
    assert not doctor._children().well


_POOL = """
import multiprocessing, os, pickle, time
import jupyter_modelguard

class Plain:
    pass

def load(data):
    return os.getpid(), type(pickle.loads(data)).__name__

if __name__ == "__main__":
    jupyter_modelguard.install()
    data = pickle.dumps(Plain())
    pickle.loads(data) if {first} else None
    with multiprocessing.get_context("fork").Pool(1) as pool:
        found = pool.map(load, [data])
    print(*found[0])
"""


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="named locks are looked for where Linux keeps them")
@pytest.mark.parametrize("first", [True, False])
def test_child_that_is_killed_after_a_proof_leaves_no_locks_and_says_nothing(first, home, tmp_path):
    """A pool ends its processes without a word."""
    program = tmp_path / "program.py"
    program.write_text(_POOL.format(first=first))
    environment = {**os.environ, "MODELGUARD_HOME": str(home), "MODELGUARD_HEADLESS": "deny"}
    ended = subprocess.run([sys.executable, program], env=environment, capture_output=True, text=True, check=True, timeout=120)
    child, kind = ended.stdout.split()
    assert kind == "Plain"
    assert ended.stderr == ""  # whoever inherited it has closed it: the process that takes locks back is gone too
    assert not [name for name in os.listdir("/dev/shm") if f"loky-{child}-" in name]
