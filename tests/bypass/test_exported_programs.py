"""Programs of `torch.export` whose own text is more than names and numbers: where torch writes it into Python source, or imports by it."""

import contextlib
import io
import json
import sys
import zipfile

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

torch = pytest.importorskip("torch", reason="programs are torch's")
pytest.importorskip("sympy", reason="torch.export needs sympy")

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def program():
    """A small honest program with a size that varies."""
    exported = torch.export.export(
        torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU()),
        (torch.ones(4, 3),),
        dynamic_shapes={"input": {0: torch.export.Dim("batch", min=2, max=10)}},
    )
    made = io.BytesIO()
    torch.export.save(exported, made)
    return made.getvalue()


def edited(content, edit, weights):
    """The program with another text in it."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as other:
        for member in old.infolist():
            data = old.read(member)
            if member.filename.endswith("models/model.json"):
                model = json.loads(data)
                edit(model)
                data = json.dumps(model).encode()
            if member.filename.endswith("model_weights_config.json"):
                for old_name, name in weights.items():
                    data = data.replace(json.dumps(old_name).encode(), json.dumps(name).encode())
            other.writestr(member.filename, data)
    return made.getvalue()


def signature(model):
    return model["graph_module"]["module_call_graph"][0]["signature"]


def use(path):
    torch.export.load(path).module()(torch.ones(3, 3))


@pytest.fixture
def blocked(program, hold, canary, tmp_path):
    """Show that an edited program leaves its canary, and that it does not with the guard."""

    def attack(edit, weights=()):
        path = tmp_path / "program.pt2"
        path.write_bytes(edited(program, edit, dict(weights)))
        with contextlib.suppress(Exception):  # some break off behind the canary
            use(path)
        assert canary.exists(), "the program is not armed"
        canary.unlink()
        hold()
        with pytest.raises(ModelLoadBlockedError):
            use(path)
        assert not canary.exists()

    return attack


def opening(canary):
    return f"open('{canary}', 'w')"


def test_text_in_a_guard_does_not_become_code(blocked, canary):
    # torch writes the guard into a text in double quotes, and Python shows a text with a single quote in it in such
    command = json.dumps(f" + str({opening(canary)}) + ")
    blocked(lambda model: model.update(guards_code=[f"1 == 1 or {command} == 1"]))


def twice(canary):
    """What torch writes into the head of a function and into its first line is one text with whatever stands between them."""
    return f'input={opening(canary)} or """):\n    pass #'


def test_name_of_an_argument_does_not_become_code(blocked, canary):
    blocked(lambda model: signature(model).update(forward_arg_names=[twice(canary)]))


def test_annotation_of_further_arguments_is_no_way_past(blocked, canary):
    # an argument that is called `open` is none yet where annotations are evaluated
    name = f'input, open=None, *rest: {opening(canary)} + """):\npass #'

    def edit(model):
        text = json.dumps(model)
        quoted = json.dumps(name)
        text = text.replace('"input"', quoted).replace(f'"name": {quoted}, "arg"', '"name": "input", "arg"')
        model.update(json.loads(text))

    blocked(edit)


def test_name_of_a_parameter_does_not_become_code(blocked, canary):
    # torch writes names that are no identifiers as `getattr(self, "name")`
    name = f'0.x", {opening(canary)}) #'.replace(".", "", 1)

    def edit(model):
        places = model["graph_module"]["signature"]["input_specs"]
        places[0]["parameter"]["parameter_name"] = name

    blocked(edit, {"0.weight": name})


@pytest.mark.parametrize("kind", ["enum", "defaultdict"])
def test_module_that_a_structure_names_is_not_imported(kind, program, hold, monkeypatch, tmp_path):
    enum = {"type": "builtins.dict", "context": json.dumps([{"__enum__": True, "fqn": "antigravity:x", "name": "y"}])}
    factory = {"default_factory_module": "antigravity", "default_factory_name": "fly", "dict_context": []}
    made = enum if kind == "enum" else {"type": "collections.defaultdict", "context": factory}

    def edit(model):
        spec = json.loads(signature(model)["out_spec"])
        spec[1] = {**made, "children_spec": []}
        signature(model)["out_spec"] = json.dumps(spec)

    path = tmp_path / "program.pt2"
    path.write_bytes(edited(program, edit, {}))
    monkeypatch.setitem(sys.modules, "webbrowser", None)
    monkeypatch.delitem(sys.modules, "antigravity", raising=False)
    with pytest.raises(ImportError):
        torch.export.load(path)
    hold()
    with pytest.raises(ModelLoadBlockedError):
        torch.export.load(path)
