"""`modelguard scan` over files, folders and patterns: every file is accounted for, and one bad file costs that file alone."""

import json
import os
import pickle
import subprocess
import sys

import pytest

import jupyter_modelguard
from jupyter_modelguard.cli import main
from jupyter_modelguard.engines import several, targets
from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.types import RiskLevel

HANGS = b"\x80\x02})" + b"2\x86" * 40 + b"Ns."  # a tuple of tuples of tuples whose hash takes 2**40 steps
CRASHES = b"\x80\x02})" + b"\x85" * 300_000 + b"Ns."  # a key whose hash runs out of C stack


class Reduced:
    def __init__(self, function, *arguments):
        self.made_by = function, arguments

    def __reduce__(self):
        return self.made_by


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    made = tmp_path / "models"
    made.mkdir()
    (made / "clean.pkl").write_bytes(pickle.dumps([1, 2]))
    return made


def scanned(*arguments):
    """Run the command; give its status, and what it says of each target by the last part of its name."""
    status = main(["scan", "--format", "json", "--output", "out.json", *map(str, arguments)])
    with open("out.json") as file:
        written = json.load(file)
    return status, {os.path.basename(one["target"]): one for one in written["targets"]}, written


def arm(path):
    path.write_bytes(pickle.dumps(Reduced(os.system, "true")))


def test_worst_target_decides_the_status(folder):
    assert scanned(folder)[0] == 0
    (folder / "odd.bin").write_bytes(b"\x00\x01\x02")
    assert scanned(folder)[0] == 3
    arm(folder / "armed.pkl")
    status, found, _ = scanned(folder / "odd.bin", folder / "clean.pkl", folder / "armed.pkl")
    assert status == 1
    assert {name: one["risk"] for name, one in found.items()} == {
        "odd.bin": "uninspected", "clean.pkl": "data_only", "armed.pkl": "dangerous",
    }  # fmt: skip
    status, found, written = scanned(folder / "absent.pkl", folder)
    assert (status, len(found)) == (2, 3)
    assert "does not exist" in written["errors"][0]["error"]


def test_missing_target_is_said_in_every_format(folder, capsys):
    for form in ("text", "json", "sarif"):
        assert main(["scan", "--format", form, str(folder / "absent.pkl"), str(folder / "clean.pkl")]) == 2
        out, err = capsys.readouterr()
        assert "does not exist" in out
        assert form == "text" or "does not exist" in err
        if form == "sarif":
            (run,) = json.loads(out)["runs"]
            assert run["invocations"][0]["executionSuccessful"] is False


def test_hanging_and_crashing_files_cost_themselves_alone(folder):
    (folder / "hangs.pkl").write_bytes(HANGS)
    (folder / "crashes.pkl").write_bytes(CRASHES)
    status, found, _ = scanned("--timeout", "2", "--jobs", "2", folder)
    assert status == 3
    assert {name: one["risk"] for name, one in found.items()} == {
        "clean.pkl": "data_only", "crashes.pkl": "uninspected", "hangs.pkl": "uninspected",
    }  # fmt: skip
    assert "2 seconds" in found["hangs.pkl"]["coverage"]["missed"][0]


def test_interrupt_waits_for_no_file(folder):
    (folder / "hangs.pkl").write_bytes(HANGS)

    def interrupt(report):
        raise KeyboardInterrupt(report.target)

    found = sorted(targets.find_targets(folder), key=lambda one: "hangs" in one.name)
    with pytest.raises(KeyboardInterrupt, match="clean"):
        several.scan_targets(found, jobs=2, seconds=300, told=interrupt)  # longer than the test may take
    assert scanned(folder / "clean.pkl")[0] == 0


def test_what_is_no_readable_file_is_named_and_not_clean(folder, monkeypatch):
    os.mkfifo(folder / "pipe")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "loop").symlink_to("loop")
    (folder / "null").symlink_to("/dev/null")
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    (folder / "linked").symlink_to(elsewhere, target_is_directory=True)
    whole = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: whole(path, mode) and not str(path).endswith("secret.pkl"))
    (folder / "secret.pkl").write_bytes(pickle.dumps(1))  # as for a user who is not root
    status, found, _ = scanned(folder)
    assert status == 3
    said = {name: " ".join(one["coverage"]["missed"]) for name, one in found.items() if one["risk"] == "uninspected"}
    assert set(said) == {"pipe", "dangling", "loop", "null", "linked", "secret.pkl"}
    assert "named pipe" in said["pipe"]
    assert "leads nowhere" in said["dangling"]
    assert "device" in said["null"]
    assert "by this user" in said["secret.pkl"]


@pytest.mark.parametrize("name", ["pipe", "dangling"])
def test_one_file_that_is_none_is_an_error(name, folder):
    os.mkfifo(folder / "pipe")
    (folder / "dangling").symlink_to("nowhere")
    status, found, _ = scanned(folder / name)
    assert (status, found) == (2, {})


def test_file_that_vanishes_is_not_clean(folder):
    found = targets.find_targets(folder)
    (folder / "clean.pkl").unlink()
    (one,) = several.scan_targets(found)
    assert jupyter_modelguard.assess(one.report).level is RiskLevel.UNINSPECTED


def test_patterns_find_what_they_fit(folder):
    deep = folder / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "deep.pkl").write_bytes(pickle.dumps(1))
    (deep / "other.json").write_text("{}")
    (folder / "[x].pkl").write_bytes(pickle.dumps(1))
    assert set(scanned("models/**/*.pkl")[1]) == {"clean.pkl", "[x].pkl", "deep.pkl"}
    assert set(scanned("models/[x].pkl")[1]) == {"[x].pkl"}
    assert set(scanned("models/**")[1]) == {"clean.pkl", "[x].pkl", "deep.pkl", "other.json"}
    assert scanned("models/*.absent")[0] == 2


def test_names_that_are_no_text_are_scanned_and_shown(folder, capsysbinary):
    with open(os.fsencode(folder) + b"/\xff\x1b[2J.pkl", "wb") as file:
        file.write(pickle.dumps(1))
    assert main(["scan", "--all", str(folder)]) == 0
    shown = capsysbinary.readouterr().out
    assert b"2 files" in shown
    assert b"\x1b[2J" not in shown
    assert b"\xff" not in shown
    for form in ("json", "sarif"):
        assert main(["scan", "--format", form, str(folder)]) == 0
        json.loads(capsysbinary.readouterr().out)


def test_file_is_told_with_all_that_is_known_of_it(folder):
    arm(folder / "armed.pkl")
    _, found, written = scanned(folder / "armed.pkl")
    one = found["armed.pkl"]
    assert written["version"] == 1
    (finding,) = one["findings"]
    assert (finding["rule"], finding["severity"], finding["cwe"], finding["atlas"]) == (
        "pickle-dangerous-global", "critical", 502, "AML.T0018",
    )  # fmt: skip
    assert finding["taxonomy"]["id"] == "I02"
    assert "others did" in finding["taxonomy"]["what_others_did"]
    assert one["coverage"]["ranges"] == [{"start": 0, "end": one["size"], "kind": "inspected"}]
    assert one["globals"][0]["origin"] == "Python"


def test_big_clean_folder_is_a_few_lines(folder, capsys):
    for number in range(30):
        (folder / f"{number}.pkl").write_bytes(pickle.dumps(number))
    assert main(["scan", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) == 2
    assert "31 files" in shown
    assert main(["scan", "--all", str(folder)]) == 0
    assert "29.pkl" in capsys.readouterr().out


def test_nothing_but_the_result_goes_into_a_pipe(folder):
    for number in range(9):
        (folder / f"{number}.pkl").write_bytes(pickle.dumps(number))
    command = [sys.executable, "-c", "import sys; from jupyter_modelguard.cli import main; sys.exit(main())", "scan", "models"]
    run = subprocess.run([*command, "--format", "json"], capture_output=True, check=True, env=os.environ)
    assert not run.stderr
    assert len(json.loads(run.stdout)["targets"]) == 10


def test_flagged_pickles_are_explained(folder, capsys):
    (folder / "armed.pkl").write_bytes(pickle.dumps([Reduced(os.system, "true \x1b[2J")]))
    assert main(["scan", "--explain", str(folder)]) == 1
    said = capsys.readouterr().out
    assert "! os.system('true " in said
    assert "_var0 = system(" in said
    assert said.count("Calls, each above") == 1
    assert "\x1b[2J" not in said


@pytest.mark.parametrize("wrong", [["--jobs", "0"], ["--timeout", "nan"], ["--timeout", "x"]])
def test_limits_that_are_none_are_refused(wrong, folder, capsys):
    with pytest.raises(SystemExit):
        main(["scan", *wrong, "models"])
    assert "is not a number" in capsys.readouterr().err


def test_same_scan_in_process(folder, monkeypatch):
    main_module = sys.modules["__main__"]
    monkeypatch.setattr(main_module, "Here", Reduced, raising=False)
    (folder / "own.pkl").write_bytes(b"c__main__\nHere\n0c__main__\nElsewhere\n0N.")
    report = jupyter_modelguard.scan(folder / "own.pkl", timeout=30)
    assert {use.name.name: use.origin.partition(",")[0] for use in report.globals} == {
        "Here": "this notebook", "Elsewhere": "a notebook or script that defines it; this one does not",
    }  # fmt: skip
    with pytest.raises(ScanError, match="does not exist"):
        jupyter_modelguard.scan(folder / "absent.pkl")


def test_code_that_a_configuration_names_is_a_target(folder):
    (folder / "config.json").write_text('{"auto_map": {"AutoModel": "modeling_x.Model"}}')
    (folder / "modeling_x.py").write_text("import os\nos.system('true')\n")
    status, found, _ = scanned(folder)
    assert (status, found["models"]["format"], found["models"]["risk"]) == (1, "python-code", "dangerous")


def test_code_that_torch_hub_runs_of_a_folder_is_a_target(folder):
    (folder / "hubconf.py").write_text("from .heads import head\n")
    (folder / "heads.py").write_text("import os\nos.system('true')\n")
    status, found, _ = scanned(folder)
    assert (status, found["models"]["format"], found["models"]["risk"]) == (1, "python-code", "dangerous")
    assert (found["heads.py"]["format"], found["heads.py"]["risk"]) == ("python-source", "note")


def test_source_that_was_named_itself_is_what_somebody_means_to_run(folder):
    (folder / "tool").write_text("import os\nos.system('true')\n")
    assert scanned(folder)[0] == 0
    status, found, _ = scanned(folder / "tool")
    assert (status, found["tool"]["format"], found["tool"]["risk"]) == (1, "python-code", "dangerous")
