"""The extension in real shells and kernels: loaded twice, reloaded, unloaded, shadowed, and asked through."""

import json
import os
import re
import subprocess
import sys

import pytest

pytest.importorskip("IPython", reason="IPython is not installed")

SHELL = """
import io, json, os, pickle, sys, warnings
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
def run(line):
    done = shell.run_cell(line)
    return type(done.error_in_exec or done.error_before_exec).__name__
def callbacks():
    return [callback.__module__ for callback in shell.events.callbacks["pre_run_cell"]].count("jupyter_modelguard.ipython.extension")
def blocked():
    return run(f"import pickle; pickle.load(open({ARMED!r}, 'rb'))") == "ModelLoadBlockedError"
def tell(**facts):
    print("TOLD", json.dumps(facts))
from jupyter_modelguard.guard import current
"""
TABLE = """
import importlib
LIBRARIES = ("cloudpickle", "dill", "joblib", "numpy", "pandas", "torch.hub", "transformers.pipelines", "transformers")
for library in LIBRARIES:
    try:
        importlib.import_module(library)
    except ImportError:
        pass
from jupyter_modelguard.hooks.table import TABLE
for row in TABLE:
    try:
        importlib.import_module(row.module)
    except ImportError:
        pass
def attributes():
    found = {}
    for row in TABLE:
        module = sys.modules.get(row.module)
        if module is None:
            continue
        owner, _, method = row.attribute.rpartition(".")
        if owner.endswith("*"):
            owners = {name: kind for name, kind in vars(module).items() if name.startswith(owner[:-1]) and isinstance(kind, type)}
        else:
            owners = {owner: getattr(module, owner) if owner else module}
        for name, place in owners.items():
            if method in vars(place) or not row.attribute.startswith("AutoModel"):  # some inherit the one of the base, which is a row
                found[f"{row.module}:{name}.{method}"] = vars(place)[method]
    return found
"""


@pytest.fixture
def environment(home, tmp_path):
    made = {
        **os.environ,
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "COLUMNS": "120",
        "TERM": "xterm",
        "HF_HOME": str(tmp_path / "hf"),
    }
    made["HF_HUB_OFFLINE"] = "1"
    made.pop("PYTHONSAFEPATH", None)
    return made


@pytest.fixture
def shell(environment, tmp_path, armed_pickle):
    """Run a program in a process with a shell; what it tells comes back."""

    def run(program, folder=tmp_path):
        script = tmp_path / "program.py"
        script.write_text(f"ARMED = {str(armed_pickle)!r}\n" + SHELL + program)
        command = [sys.executable, "-P", str(script)]
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        told = {}
        for line in done.stdout.splitlines():
            if line.startswith("TOLD "):
                told |= json.loads(line[5:])
        return told, done

    return run


def test_loading_it_twice_under_both_names_loads_it_once(shell, canary):
    told, _ = shell(
        """
run("%load_ext modelguard"); first = current()
run("%load_ext modelguard"); run("%load_ext jupyter_modelguard")
tell(guarded=first is not None, same=current() is first, callbacks=callbacks(), blocked=blocked())
"""
    )
    assert told == {"guarded": True, "same": True, "callbacks": 1, "blocked": True}
    assert not canary.exists()


def test_reloading_keeps_it_guarded(shell, canary):
    told, _ = shell(
        """
run("%load_ext modelguard"); run("from pickle import load as early")
run("%reload_ext modelguard")
tell(guarded=current() is not None, callbacks=callbacks(), blocked=blocked(), status=run("%modelguard"))
tell(early=run(f"early(open({ARMED!r}, 'rb'))"))
"""
    )
    assert told == {"guarded": True, "callbacks": 1, "blocked": True, "status": "NoneType", "early": "ModelLoadBlockedError"}
    assert not canary.exists()


def test_unloading_gives_everything_back(shell, canary):
    told, _ = shell(
        TABLE
        + """
before = attributes(); finders = list(sys.meta_path)
run("from pickle import load as early, loads"); originals = [shell.user_ns["early"], shell.user_ns["loads"]]
run("%load_ext modelguard")
held = attributes()
run("from pickle import loads as late")
tell(untouched=sorted(name for name in before if held[name] is before[name]), rows=len(before))
tell(rebound=shell.user_ns["early"] is not originals[0])
run("%unload_ext modelguard")
after = attributes()
tell(changed=sorted(name for name in before if after[name] is not before[name]), finders=sys.meta_path == finders)
tell(names=[shell.user_ns["early"] is originals[0], shell.user_ns["late"] is originals[1]])
tell(callbacks=callbacks(), guarded=current() is not None, blocked=blocked())
"""
    )
    assert told["untouched"] == []
    assert told["rebound"] is True
    assert told["changed"] == []
    assert told["finders"] is True
    assert told["callbacks"] == 0
    assert told["names"] == [True, True]
    assert told["guarded"] is False
    assert told["blocked"] is False
    assert told["rows"] >= 12
    assert canary.exists()


def test_a_name_that_another_module_kept_is_held_by_the_next_guard(shell, tmp_path, canary):
    (tmp_path / "theirs.py").write_text(
        "from pickle import load\ndef read(path):\n    with open(path, 'rb') as file:\n        return load(file)\n"
    )
    told, _ = shell(
        """
sys.path.insert(0, os.path.dirname(ARMED))
run("%load_ext modelguard"); import theirs
run("%unload_ext modelguard")
tell(plain=theirs.read.__globals__["load"](io.BytesIO(pickle.dumps([1]))))
run("%load_ext modelguard")
tell(kept=run(f"import theirs; theirs.read({ARMED!r})"))
"""
    )
    assert told == {"plain": [1], "kept": "ModelLoadBlockedError"}
    assert not canary.exists()


def test_unloading_is_refused_while_a_load_is_under_way(shell):
    told, _ = shell(
        """
from jupyter_modelguard.hooks.scopes import Mode, Scope
run("%load_ext modelguard")
loader = {"__name__": "jupyter_modelguard.hooks.some_loader", "run": run}
exec("def load(): return run('%unload_ext modelguard')", loader)
with Scope(Mode.APPROVED):
    refused = loader["load"]()
tell(refused=refused, guarded=current() is not None, blocked=blocked())
"""
    )
    assert told == {"refused": "UnloadRefusedError", "guarded": True, "blocked": True}


@pytest.fixture
def foreign(tmp_path, canary):
    """A folder with another project's module of the name."""
    folder = tmp_path / "foreign"
    folder.mkdir()
    (folder / "modelguard.py").write_text(f"open({str(canary)!r}, 'w').close()\n")
    return folder


@pytest.mark.parametrize("imported", [True, False])
def test_foreign_module_of_the_name_is_noticed(imported, shell, foreign):
    told, done = shell(
        f"""
sys.path.insert(0, {str(foreign)!r})
{"import modelguard" if imported else ""}
run("%load_ext jupyter_modelguard")
tell(guarded=current() is not None, imported="modelguard" in sys.modules)
"""
    )
    assert told == {"guarded": True, "imported": imported}
    assert "belongs to another project" in done.stderr
    assert str(foreign) in done.stderr


def test_foreign_module_never_leaves_a_notebook_silently_unguarded(shell, foreign):
    told, done = shell(
        f"""
sys.path.insert(0, {str(foreign)!r})
run("%load_ext modelguard")
tell(guarded=current() is not None)
"""
    )
    assert told == {"guarded": False}
    assert "not an IPython extension" in done.stdout + done.stderr


def test_doctor_names_a_module_in_the_way(environment, foreign, canary):
    command = [sys.executable, "-c", "import sys; from jupyter_modelguard.cli import main; sys.exit(main(['doctor']))"]
    done = subprocess.run(command, env=environment, cwd=foreign, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "another project's" in done.stdout
    assert not canary.exists()


# -- asked through ------------------------------------------------------------------------------------------------------------------

ENTER = "Enter keeps it blocked: "


@pytest.fixture
def spawn(environment, tmp_path):
    pexpect = pytest.importorskip("pexpect", reason="pexpect is not installed")
    if sys.platform == "win32":
        pytest.skip("needs a pseudo terminal")
    running = []

    def start(*arguments):
        made = pexpect.spawn(
            sys.executable, list(arguments), env=environment, encoding="utf-8", timeout=60, dimensions=(60, 120), cwd=tmp_path
        )
        running.append(made)
        return made

    yield start
    for made in running:
        made.close(force=True)


def answer(terminal):
    """Say yes in all three ways that a dangerous load wants."""
    terminal.expect_exact(ENTER)
    terminal.sendline("run")
    terminal.expect_exact("Enter to keep it blocked: ")
    terminal.sendline("1")
    terminal.expect_exact("Type os.system to run it")
    terminal.sendline("os.system")


def test_terminal_asks_allows_ahead_and_asks_again(spawn, armed_pickle, canary):
    terminal = spawn("-P", "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor")
    load = f"import pickle; print('LOADED', pickle.load(open({str(armed_pickle)!r}, 'rb'))['weights'])"
    terminal.sendline("%load_ext modelguard")
    terminal.sendline(load)
    terminal.expect_exact("os.system")
    terminal.expect_exact(ENTER)
    terminal.sendline("")  # Enter alone
    terminal.expect_exact("ModelLoadBlockedError")
    terminal.expect(re.compile(r"%modelguard allow ([0-9a-f]{8})"))
    identity = terminal.match.group(1)
    assert not canary.exists()

    terminal.sendline(f"%modelguard allow {identity}")
    answer(terminal)
    terminal.expect_exact("passes once")
    assert not canary.exists()
    terminal.sendline(load)
    terminal.expect_exact("LOADED [1.5]")
    assert canary.exists()
    canary.unlink()

    terminal.sendline(load)  # once is once
    answer(terminal)
    terminal.expect_exact("LOADED [1.5]")
    assert canary.exists()


def reply_to(client, cell):
    while (reply := client.get_shell_msg(timeout=30))["parent_header"].get("msg_id") != cell:
        pass
    return reply["content"]


def test_another_terminal_answers_a_waiting_kernel(spawn, environment, home, armed_pickle, canary):
    jupyter_client = pytest.importorskip("jupyter_client", reason="jupyter_client is not installed")
    from jupyter_modelguard.history.store import Store

    manager = jupyter_client.KernelManager()
    # this test draws no card, and a prompt would take the place of one that does not appear
    manager.kernel_cmd = [
        sys.executable,
        "-m",
        "ipykernel_launcher",
        "-f",
        "{connection_file}",
        "--ModelGuardConfig.ready_within=60",
    ]
    manager.start_kernel(env=environment)
    client = manager.client()
    client.start_channels()
    store = Store(home)
    try:
        client.wait_for_ready(timeout=60)
        client.execute("%load_ext modelguard", allow_stdin=True)
        cell = client.execute(
            f"import pickle; weights = pickle.load(open({str(armed_pickle)!r}, 'rb'))['weights']", allow_stdin=True
        )
        while True:
            message = client.get_iopub_msg(timeout=30)
            if message["parent_header"].get("msg_id") == cell and message["msg_type"] in {"display_data", "comm_open"}:
                break
        waiting = ()
        while not waiting:
            waiting = store.pending()
        assert not canary.exists()
        other = spawn("-c", f"import sys; from jupyter_modelguard.cli import main; sys.exit(main(['decide', {waiting[0].id!r}]))")
        answer(other)
        other.expect_exact("Allowed once.")
        assert reply_to(client, cell)["status"] == "ok"
        reply_to(client, client.execute("%modelguard history"))  # which writes what is buffered
        assert canary.exists()
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    record = next(record for record in store.history(5) if record.request.source == str(armed_pickle))
    store.close()
    assert (record.outcome.value, record.decision.transport) == ("allowed", "database")
