"""The example for administrators in the README does what it says."""

import os
import pathlib
import pickle
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError, UnloadRefusedError
from jupyter_modelguard.policy.checked_file import FileText
from jupyter_modelguard.policy.lock_file import read_lock
from jupyter_modelguard.types import Scope

from chooser import Chooser  # isort: skip
from rulebooks import Desk, load  # isort: skip

README = pathlib.Path(__file__).parents[2] / "README.md"


def example(language, about):
    blocks = re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)
    (found,) = [block for block in blocks if about in block]
    return found


@pytest.fixture
def desk(tmp_path, worker, monkeypatch):
    monkeypatch.delenv("MODELGUARD_HEADLESS", raising=False)
    made = Desk(tmp_path, worker, monkeypatch)
    text = example("toml", "locked = true")
    for place in ("/srv/models", "/scratch"):
        assert f'"{place}/**"' in text
        (tmp_path / place[1:]).mkdir(parents=True)
        text = text.replace(f'"{place}/', f'"{tmp_path}{place}/')
    made.system.write_text(text)
    return made


def model(folder, name="textwrap\ndedent"):
    path = folder / "model.pkl"
    path.write_bytes(f"c{name}\n(Vtrue\ntR.".encode())
    return path


def test_reviewed_models_load_for_everybody(desk, tmp_path):
    path = model(tmp_path / "srv" / "models")
    with desk.guarding() as made:
        assert load(path) == "true"
        made.rulebook.policy._administrator = lambda place: "" if place == desk.system else "Others may write to it."
        with pytest.raises(ModelLoadBlockedError):
            load(path)


def test_model_that_the_team_signed_loads(desk, tmp_path, monkeypatch):
    pytest.importorskip("securesystemslib", reason="signatures are checked by it")
    desk.system.write_text(example("toml", "signer"))
    monkeypatch.chdir(tmp_path)
    signed = shutil.copytree(pathlib.Path(__file__).parents[1] / "shared" / "signed_model", tmp_path / "signed_model")
    with desk.guarding():
        load(signed / "weights.pkl")
        (signed / "model.sig").unlink()
        with pytest.raises(ModelLoadBlockedError):
            load(signed / "weights.pkl")


def test_what_starts_a_program_is_forbidden_even_there(desk, tmp_path):
    path = model(tmp_path / "srv" / "models", "os\nsystem")
    with (
        desk.guarding(Chooser(Scope.ONCE)),
        pytest.raises(ModelLoadBlockedError, match=r"nothing starts a program .*ml-platform"),
    ):
        load(path)


def test_scratch_is_asked_about_each_time(desk, tmp_path):
    path = model(tmp_path / "scratch")
    person = Chooser(Scope.DIGEST)
    with desk.guarding(person):
        load(path)
        load(path)
    assert len(person.asked) == 2
    assert "look again" in person.fact("Policy")


def test_nobody_else_allows_and_the_guard_stays(desk, tmp_path):
    path = model(tmp_path)
    desk.user.write_text(f'[[rule]]\naction = "allow"\nreason = "mine"\nsource = "{tmp_path}/*"\n')
    with desk.guarding() as made:
        with pytest.raises(ModelLoadBlockedError):
            load(path)
        with pytest.raises(UnloadRefusedError):
            made.close()


def test_configuration_guards_every_ipython(tmp_path, home):
    profile = tmp_path / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text(example("python", "InteractiveShellApp"))
    armed = tmp_path / "armed.pkl"
    armed.write_bytes(pickle.dumps(os.getcwd, 0).replace(b"getcwd", b"system").replace(b".", b"(Vtrue\ntR.", 1))
    environment = {**os.environ, "IPYTHONDIR": str(tmp_path / "ipython"), "PYTHONPATH": os.pathsep.join(sys.path)}
    code = f"import pickle; pickle.load(open({str(armed)!r}, 'rb'))"
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert "ModelLoadBlockedError" in done.stdout + done.stderr


def test_entry_of_the_readme_is_one():
    text = example("toml", "[[entry]]")
    assert set(tomllib.loads(text)["entry"][0]) >= {"source", "digest", "functions", "by", "reason", "until"}
    whole = text.replace('digest = "…"', f'digest = "{"ab" * 32}"').replace('content = "…"', f'content = "{"cd" * 32}"')
    (entry,) = read_lock(FileText(pathlib.Path("modelguard.lock"), whole.encode(), ""))
    assert entry.granted.by == "grace"
