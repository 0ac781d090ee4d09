"""Safer ways on the card: offered only where they work for this very file, as the cell that a person would write."""

import io
import sys
import types
import warnings
import zipfile

import pytest

from jupyter_modelguard.engines.weights_only import is_patched
from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.stages.safer_ways import SaferWays

from cells import run_cell  # isort: skip

torch = pytest.importorskip("torch", reason="torch is not installed")
save_file = pytest.importorskip("safetensors.torch", reason="safetensors is not installed").save_file

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")]
WEIGHTS = {"line.weight": torch.ones(2, 3), "line.bias": torch.zeros(2)}
TAKE = "Take only the weights"


class Unknown:
    """Of a library that is not installed where the file is loaded."""

    def __init__(self, **kept):
        self.__dict__.update(kept)


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """Save something with an object of a class that is not there any more."""

    def save(path=None, **kept):
        path = path or tmp_path / "model.pt"
        path.parent.mkdir(parents=True, exist_ok=True)
        acme = types.ModuleType("acme_networks")
        with monkeypatch.context() as patched:
            patched.setattr(Unknown, "__module__", "acme_networks")
            acme.Unknown = Unknown
            patched.setitem(sys.modules, "acme_networks", acme)
            torch.save({**kept, "extra": Unknown()}, path)
        return path

    return save


def card(running, source):
    """Run a cell whose load is kept blocked, and give the card."""
    person = running.guard.approver
    asked = len(person.asked)
    with pytest.raises(ModelLoadBlockedError):
        run_cell(source)
    assert len(person.asked) == asked + 1
    return person.asked[-1][1]


def loading(path, options="weights_only=False"):
    return f"import torch\nmodel = torch.load({str(path)!r}, {options})\n"


def ways(view):
    return {way.label: way for way in view.safer}


def test_weights_alone_and_the_rewritten_cell_loads_them_silently(hold, saved):
    path = saved(**WEIGHTS)
    running = hold(False)
    way = ways(card(running, loading(path)))[TAKE]
    assert way.before == f"model = torch.load({str(path)!r}, weights_only=False)"
    assert way.code == f"import jupyter_modelguard\nmodel = jupyter_modelguard.take_weights({str(path)!r})"
    made = run_cell(way.cell)["model"]
    assert {name: tensor.tolist() for name, tensor in made.items()} == {name: tensor.tolist() for name, tensor in WEIGHTS.items()}
    assert len(running.guard.approver.asked) == 1


def test_error_of_the_blocked_load_says_the_lines(hold, saved):
    path = saved(**WEIGHTS)
    hold(False)
    with pytest.raises(
        ModelLoadBlockedError, match=r"(?s)You can write this instead:.*- model = torch\.load.*\+ model = jupyter_mod"
    ):
        run_cell(loading(path))


def test_nothing_is_looked_for_on_the_silent_path(hold, tmp_path, monkeypatch):
    path = tmp_path / "weights.pt"
    torch.save(WEIGHTS, path)
    monkeypatch.setattr(SaferWays, "seek", lambda *_: pytest.fail("a way was looked for"))
    hold(False)
    run_cell(loading(path))


def test_none_is_said_to_be_missing_only_where_one_was_tried(hold, saved, tmp_path):
    running = hold(False)
    nothing = card(running, loading(saved(tmp_path / "empty.pt")))
    assert (nothing.safer, nothing.sought) == ((), True)
    (tmp_path / "other.pkl").write_bytes(b"cacme_networks\nUnknown\n.")
    other = card(running, f"import pickle\npickle.load(open({str(tmp_path / 'other.pkl')!r}, 'rb'))")
    assert (other.safer, other.sought) == ((), False)


def test_hostile_file_is_not_offered_in_parts(hold, tmp_path, armed):
    path = tmp_path / "armed.pt"
    torch.save({**WEIGHTS, "extra": armed}, path)
    shown = card(hold(False), loading(path))
    assert shown.confirm
    assert (shown.safer, shown.sought) == ((), True)


def test_no_time_left_offers_nothing(hold, saved, worker):
    running = hold(False)
    running.guard._streams._safer = SaferWays(worker, seconds=0.0)
    assert card(running, loading(saved(**WEIGHTS))).safer == ()


# -- a safetensors file beside it --------------------------------------------------------------------------------------------------------


def sibling(view):
    return next((way for way in view.safer if way.label.startswith("Use ")), None)


def test_same_weights_of_the_same_commit(hold, saved, tmp_path):
    folder = tmp_path / "models--acme--line" / "snapshots" / "4f2c9e1"
    path = saved(folder / "pytorch_model.bin", state_dict=dict(WEIGHTS))
    save_file(WEIGHTS, folder / "model.safetensors")
    running = hold(False)
    way = sibling(card(running, loading(path, "map_location='cpu', weights_only=False")))
    assert way.label == "Use model.safetensors from the same commit"
    assert "under 'state_dict'" in way.note
    assert way.code.endswith(f"safetensors.torch.load_file({str(folder / 'model.safetensors')!r}, device='cpu')")
    assert set(run_cell(way.cell)["model"]) == set(WEIGHTS)


def other_shape(path):
    save_file({**WEIGHTS, "line.bias": torch.zeros(3)}, path)


def other_type(path):
    save_file({**WEIGHTS, "line.bias": torch.zeros(2, dtype=torch.float64)}, path)


def one_missing(path):
    save_file({"line.bias": torch.zeros(2)}, path)


def one_more(path):
    save_file({**WEIGHTS, "head": torch.zeros(2)}, path)


def broken(path):
    save_file(WEIGHTS, path)
    path.write_bytes(path.read_bytes()[:-4])


def no_such_file(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("make", [other_shape, other_type, one_missing, one_more, broken, no_such_file])
def test_file_with_other_weights_is_not_offered(make, hold, saved, tmp_path):
    make(tmp_path / "model.safetensors")
    assert sibling(card(hold(False), loading(saved(**WEIGHTS)))) is None


def test_tied_weights_are_kept_once(hold, saved, tmp_path):
    save_file(WEIGHTS, tmp_path / "model.safetensors")
    path = saved(**WEIGHTS, tied=WEIGHTS["line.bias"])
    assert sibling(card(hold(False), loading(path))) is not None


# -- torch's restricted loader -----------------------------------------------------------------------------------------------------------


def doubtful(path, made):
    """A file that is asked about, though all that it names was proved: two of its members share a name."""
    content = io.BytesIO()
    torch.save(made, content)
    with warnings.catch_warnings(), zipfile.ZipFile(content) as old, zipfile.ZipFile(path, "w") as new:
        warnings.simplefilter("ignore")
        for member in old.infolist():
            new.writestr(member.filename, old.read(member))
        new.writestr(next(name for name in old.namelist() if name.endswith("/data/0")), bytes(24))
    return path


def test_restricted_loader_where_it_takes_the_file(hold, tmp_path):
    path = doubtful(tmp_path / "weights.pt", WEIGHTS)
    view = card(hold(False), loading(path))
    way = ways(view)["Load it with weights_only=True"]
    assert way.code == f"model = torch.load({str(path)!r}, weights_only=True)"
    assert way.cell == loading(path, "weights_only=True").strip()


def test_fewest_names_that_the_restricted_loader_needs(hold, tmp_path):
    import argparse

    path = doubtful(tmp_path / "weights.pt", {**WEIGHTS, "options": argparse.Namespace(rate=1)})
    way = ways(card(hold(False), loading(path)))["Load it with weights_only=True and 1 more name"]
    block = "with torch.serialization.safe_globals([argparse.Namespace]):\n    model = "
    assert way.code == f"import argparse\n{block}torch.load({str(path)!r}, weights_only=True)"


def test_restricted_loader_is_not_offered_what_it_refuses_or_nobody_proved(hold, saved):
    assert not [label for label in ways(card(hold(False), loading(saved(**WEIGHTS)))) if "weights_only" in label]


def test_restricted_loader_is_not_offered_where_it_is_known_to_run_code(hold, tmp_path, monkeypatch):
    path = doubtful(tmp_path / "weights.pt", WEIGHTS)
    monkeypatch.setattr(torch, "__version__", "2.9.1")
    assert not [label for label in ways(card(hold(False), loading(path))) if "weights_only" in label]


@pytest.mark.parametrize(
    ("version", "patched"),
    [
        ("2.10.0", True),
        ("2.13.0+cpu", True),
        ("3.0.0", True),
        ("2.9.1", False),
        ("2.5.1", False),
        ("2.10.0rc1", False),
        ("?", False),
    ],
)
def test_versions_without_known_holes(version, patched):
    assert is_patched(version) is patched
