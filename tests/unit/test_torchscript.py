"""What the code of a TorchScript archive is said to do, from its members alone."""

import warnings

import pytest

from jupyter_modelguard.engines.torchscript import script_findings
from jupyter_modelguard.types import Severity

LINEAR = """\
class Linear(Module):
  __parameters__ = ["weight", "bias", ]
  __buffers__ = []
  weight : Tensor
  bias : Tensor
  training : bool
  __annotations__["0"] = __torch__.torch.nn.modules.linear.Linear
  out_features : Final[int] = 2
  scale : Final[float] = -inf
  def forward(self: __torch__.Linear,
    input: Tensor,
    sizes: Optional[List[int]]=None) -> Tensor:
    _0 = __torch__.torch.nn.functional.relu
    weight = self.weight
    print(torch.format("{} # no comment", sizes))
    return _0(torch.linear(input, weight, self.bias), )
"""


def rules(source, **members):
    found, missed = script_findings({"code/__torch__.py": source.encode(), **members})
    return {finding.rule for finding in found}, missed


def changed(old, new):
    assert LINEAR.count(old) == 1
    return rules(LINEAR.replace(old, new))


def test_functions_that_compute_are_noted():
    found, missed = script_findings({"code/__torch__.py": LINEAR.encode(), "data.pkl": b"\x80\x02N."})
    assert [finding.severity for finding in found] == [Severity.INFO]
    assert not missed


@pytest.mark.parametrize(
    "default",
    ["torch.from_file('x', True, 1)", "ops.aten.save(1, 'x')", "torch.add(1, 2)", "[torch.rand([1])]", "annotate(int, f())", "f"],
)
def test_default_that_torch_evaluates_while_loading(default):
    assert "torchscript-early-code" in changed("sizes: Optional[List[int]]=None", f"sizes: int={default}")[0]


@pytest.mark.parametrize("value", ["torch.from_file('x', True, 1)", "torch.add(1, 2)", "(1, torch.rand([1]))", "f'{1}'"])
def test_constant_that_torch_evaluates_while_loading(value):
    assert "torchscript-early-code" in changed("Final[int] = 2", f"Final[int] = {value}")[0]


def test_named_tuple_with_a_default_that_is_evaluated():
    source = LINEAR + "class Pair(NamedTuple):\n  x : Tensor=torch.from_file('x', True, 1)\n"
    assert "torchscript-early-code" in rules(source)[0]


def test_setstate_runs_while_loading():
    source = LINEAR + "  def __setstate__(self: __torch__.Linear,\n    state: bool) -> NoneType:\n    return None\n"
    assert rules(source)[0] == {"torchscript-setstate"}


@pytest.mark.parametrize(
    "call",
    [
        "torch.from_file('x', True, 1)",
        "torch.save(1, 'x')",
        "ops.aten.save(1, 'x')",
        "ops.acme.run('x')",
        "ops.prim.rpc_sync('x', 'y')",
        "rpc_async('x', 'y')",
        "unheard_of('x')",
        "__torch__.torch.classes.acme.Thing('x')",
        "torch",
        "ops.aten",
    ],
)
def test_what_is_not_listed_is_asked_about(call):
    assert "torchscript-operator" in changed("weight = self.weight", f"weight = {call}")[0]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("torch.save(1, 'x')", "torch.save writes a file"),
        ("ops.aten.save(1, 'x')", "ops.aten.save writes a file"),
        ("torch.from_file('x', True, 1)", "torch.from_file reads a file"),
        ("ops.aten.from_file('x', True, 1)", "ops.aten.from_file reads a file"),
        ("ops.prim.rpc_sync('x', 'y')", "has other machines run functions"),
        ("ops.c10d.send(1)", "has other machines run functions"),
        ("rpc_async('x', 'y')", "rpc_async has other machines run functions"),
        ("ops.prim.PythonOp(1)", "calls a Python function"),
        ("ops.acme.run('x')", "ops.acme.run is an operator of acme, whose native code may do anything"),
        ("torch.ops.acme.run('x')", "is an operator of acme, whose native code may do anything"),
        ("torch.ops.load_library('x')", "loads a native library"),
        ("torch.classes.load_library('x')", "loads a native library"),
        ("__torch__.torch.classes.acme.Thing('x')", "is a C++ class of acme, whose native code may do anything"),
        ("ops.profiler._record_function_enter('x')", "is not on the list"),
        ("unheard_of('x')", "unheard_of is not on the list"),
    ],
)
def test_finding_says_what_an_operator_can_do(call, says):
    source = LINEAR.replace("weight = self.weight", f"weight = {call}")
    found, missed = script_findings({"code/__torch__.py": source.encode()})
    assert not missed
    line = source[: source.index(call)].count("\n") + 1
    told = [finding for finding in found if says in finding.title]
    assert [finding.location for finding in told] == [f"code/__torch__.py:{line}"]
    assert told[0].rule == "torchscript-operator"
    assert call in told[0].code


def test_call_of_python_is_named_and_the_rest_is_missed():
    source = LINEAR.replace("weight = self.weight", "weight = ^Own(1)(self.weight)")
    found, missed = script_findings({"code/__torch__.py": source.encode()})
    assert [finding.location for finding in found] == ["code/__torch__.py:14"]
    assert found[0].title.startswith("Own is a Python function")
    assert missed


def test_power_of_two_numbers_is_no_call_of_python():
    assert rules(LINEAR.replace("weight = self.weight", "weight = 1 ^ int(2)"))[0] == {"torchscript-module"}


def test_operator_under_another_name():
    assert "torchscript-operator" in changed("weight = self.weight", "t = torch\n    weight = t.from_file('x', True, 1)")[0]
    assert "torchscript-operator" in changed("weight = self.weight", "f = torch.from_file\n    weight = f('x', True, 1)")[0]


@pytest.mark.parametrize("text", ["# a comment", "\tpass", "x = 1\\\n", "\x0c", "\r", "é"])
def test_what_two_lexers_could_read_differently_is_missed(text):
    source = LINEAR.replace("    weight = self.weight\n", f"    weight = self.weight {text}\n")
    _, missed = rules(source)
    assert missed


def test_source_that_is_no_python_is_missed():
    assert rules("class :")[1]


def test_archive_of_the_first_format_is_missed():
    assert rules(LINEAR, **{"model.json": b"{}"})[1]


@pytest.mark.parametrize(
    "stream",
    [
        b"\x80\x02c__torch__.torch.classes.acme\nThing\n.",
        b"\x80\x02c__torch__.torch\nclasses.acme.Thing\n.",
        b"\x80\x02cposix\nsystem\n.",
        b"\x80\x02\x8c\x02os\x8c\x06system\x93.",
        b"\x80\x02(",
    ],
)
def test_pickle_that_makes_more_than_tensors_and_own_classes(stream):
    found, _ = script_findings({"code/__torch__.py": LINEAR.encode(), "data.pkl": stream})
    assert any(finding.severity is Severity.HIGH for finding in found)


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_layers_of_torch_only_compute():
    torch = pytest.importorskip("torch")
    import io

    from jupyter_modelguard.engines.archive import read_archive

    nn = torch.nn
    layers = [
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.Sequential(nn.Embedding(4, 4), nn.LayerNorm(4), nn.GELU(), nn.Dropout(), nn.Linear(4, 2), nn.Softmax(1)),
        nn.Sequential(nn.ConvTranspose2d(3, 3, 2), nn.Upsample(scale_factor=2), nn.GroupNorm(1, 3), nn.PReLU()),
        nn.LSTM(4, 4, 2, bidirectional=True),
        nn.GRU(4, 4),
        nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2), 1, enable_nested_tensor=False),
        nn.CrossEntropyLoss(),
    ]
    for layer in layers:
        file = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.jit.save(torch.jit.script(layer), file)
        file.seek(0)
        archive = read_archive(file)
        found, missed = script_findings(archive.members)
        assert [finding.rule for finding in found] == ["torchscript-module"]
        assert not (*archive.missed, *missed)


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_operators_that_reach_files_do_so_and_are_told(tmp_path):
    torch = pytest.importorskip("torch")
    import io

    from jupyter_modelguard.engines.archive import read_archive

    class Saves(torch.nn.Module):
        def forward(self, place: str):
            torch.save([1], place)
            return torch.from_file(place + "2", True, 4)

    file = io.BytesIO()
    torch.jit.save(torch.jit.script(Saves()), file)
    file.seek(0)
    torch.jit.load(file)(str(tmp_path / "canary"))
    assert {path.name for path in tmp_path.iterdir()} == {"canary", "canary2"}
    file.seek(0)
    titles = [finding.title for finding in script_findings(read_archive(file).members)[0]]
    assert any("writes a file" in title for title in titles)
    assert any("reads a file" in title for title in titles)
