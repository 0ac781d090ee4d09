"""A trace that took long is there for the next kernel, sealed, and for the very same bytes alone."""

import pickle

import pytest

from jupyter_modelguard.artifacts.parts_read import MOST_COMPARED
from jupyter_modelguard.engines import kept_traces, trace_cache
from jupyter_modelguard.engines.kept_traces import KeptTraces
from jupyter_modelguard.policy.names import QualifiedName

from kept import kept  # isort: skip

CALL = b"\x80\x04ctextwrap\ndedent\n(X\x02\x00\x00\x00hitR."
DATA = [
    pickle.dumps([1, 2]),
    CALL,
    pickle.dumps([1.5, "x" * MOST_COMPARED, float("inf")]),
    pickle.dumps([bytes(1 << 17), {"a": (1, b"x", frozenset({2}))}], 5),
]


@pytest.mark.parametrize("data", DATA, ids=["small", "call", "large", "payload"])
def test_next_kernel_has_the_very_trace(data, kernel):
    trace, worker = kernel()
    first = trace(data)
    again, second = kernel()
    found = again(data)
    assert (worker.asked, second.asked) == (1, 0)
    assert (found.report, found.copy, found.names, found.open_classes) == (
        first.report,
        first.copy,
        first.names,
        first.open_classes,
    )
    assert found.copy.is_of(data)
    assert again(data) is found


def test_open_classes_come_back_whole(kernel):
    data = b"\x80\x04cmine\nMine\n)\x81}X\x01\x00\x00\x00xK\x01sb."
    first = kernel()[0](data)
    assert first.open_classes[0].name == QualifiedName("mine", "Mine")
    assert kernel()[0](data).open_classes == first.open_classes


def test_other_bytes_and_other_dialects_are_traced(kernel):
    kernel()[0](pickle.dumps([1, 2]))
    for data, dialect in ((pickle.dumps([1, 3]), "pickle"), (pickle.dumps([1, 2]), "joblib")):
        trace, worker = kernel()
        trace(data, dialect)
        assert worker.asked == 1


def test_what_broke_off_is_not_kept(kernel, places):
    kernel()[0](pickle.dumps([1, 2])[:-1])
    assert kept(places) == []


def test_what_was_quick_is_not_kept(kernel, places, monkeypatch):
    monkeypatch.setattr(trace_cache, "_LONG", 60.0)
    kernel()[0](pickle.dumps([1, 2]))
    assert kept(places) == []


def test_another_guard_traces_for_itself(kernel, monkeypatch):
    kernel()[0](CALL)
    monkeypatch.setattr(kept_traces, "_made_by", lambda: b"another")
    trace, worker = kernel()
    trace(CALL)
    assert worker.asked == 1


# -- attacks: each makes the armed stream look like the honest one, and would succeed without the check ------------------------


def rewritten(places, change):
    (path,) = kept(places)
    path.write_bytes(change(path.read_bytes()))


def renamed(places, kernel):
    """Put the trace of an honest stream in the place of an armed one's."""
    (honest,) = kept(places)
    kernel()[0](CALL)
    (armed,) = [path for path in kept(places) if path != honest]
    armed.write_bytes(honest.read_bytes())


def copied_from_elsewhere(places, kernel):
    """Bring a folder of traces along with the key of another installation."""
    (path,) = kept(places)
    text = path.read_bytes()
    kernel()[0](CALL)
    (places[1] / "installation.key").rename(places[1] / "aside")
    (places[1] / "installation.key").write_bytes((places[1] / "aside").read_bytes())
    for each in kept(places):
        each.write_bytes(text if each == path else each.read_bytes())


@pytest.mark.parametrize("attack", [renamed, copied_from_elsewhere])
def test_trace_that_was_not_written_here_does_not_count(attack, kernel, places):
    kernel()[0](pickle.dumps([1, 2]))
    attack(places, kernel)
    trace, worker = kernel()
    assert trace(CALL).report.globals
    assert worker.asked == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b"dedent", b"indent"),
        lambda text: text[:-1],
        lambda text: text + b".",
        lambda _: b"",
        lambda _: b"x" * 64,
        lambda text: b"0" * 64 + text[64:],
    ],
    ids=["other names", "cut", "longer", "empty", "seal alone", "other seal"],
)
def test_changed_trace_does_not_count(change, kernel, places):
    first = kernel()[0](CALL)
    rewritten(places, change)
    trace, worker = kernel()
    assert trace(CALL).report.globals == first.report.globals
    assert worker.asked == 1


def test_kept_trace_builds_nothing_but_values_of_this_package(kernel, places, tmp_path, monkeypatch):
    """Even one with a seal: whoever can make seals gains no second way into the kernel by them."""

    class Opens:
        def __reduce__(self):
            return open, (str(tmp_path / "canary"), "w")

    kernel()[0](CALL)
    monkeypatch.setattr(KeptTraces, "_sealed", lambda *_: b"0" * 64)
    rewritten(places, lambda _: b"0" * 64 + pickle.dumps(Opens()))
    trace, worker = kernel()
    assert trace(CALL).report.globals
    assert (worker.asked, (tmp_path / "canary").exists()) == (1, False)
    pickle.loads(pickle.dumps(Opens())).close()
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize("which", [0, 1], ids=["traces", "key"])
def test_folder_that_others_may_write_to_does_not_count(which, kernel, places):
    kernel()[0](CALL)
    places[which].chmod(0o777)
    trace, worker = kernel()
    trace(CALL)
    assert worker.asked == 1


def test_link_in_place_of_a_trace_does_not_count(kernel, places, tmp_path):
    kernel()[0](CALL)
    (path,) = kept(places)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    trace, worker = kernel()
    trace(CALL)
    assert worker.asked == 1


def test_oldest_traces_go(kernel, places, monkeypatch):
    monkeypatch.setattr(kept_traces, "_MOST", 3)
    for number in range(5):
        kernel()[0](pickle.dumps([number]))
    assert len(kept(places)) == 3


def test_folder_that_cannot_be_written_to_is_no_error(kernel, places, tmp_path):
    (tmp_path / "traces").write_text("a file")
    assert kernel()[0](CALL).report.globals
