"""Honest modeling code of installed libraries: hardly anything of it is told to run by itself, and nothing of it is called dangerous."""

import hashlib
import importlib.util
import sysconfig
import textwrap
from pathlib import Path

import pytest

from jupyter_modelguard.engines.code import scan_code
from jupyter_modelguard.engines.python_code.analysis import analysed
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.types import CodeFile, Phase, RiskLevel

MODELS = (
    *("bert", "clip", "deberta_v2", "detr", "encodec", "gemma4", "llama", "mamba2"),
    *("oneformer", "qwen2_5_vl", "seamless_m4t", "t5", "vits", "whisper", "xlnet"),
)
PARTS = ("modeling_", "configuration_", "tokenization_", "processing_", "image_processing_", "feature_extraction_")
OTHERS = {
    "diffusers": (
        "models/attention_processor.py",
        "models/unets/unet_2d_condition.py",
        "pipelines/stable_diffusion/pipeline_stable_diffusion.py",
    ),
    "sentence_transformers": ("sentence_transformer/modules/pooling.py", "models/Pooling.py", "models/Dense.py"),
    "segmentation_models_pytorch": ("encoders/mix_transformer.py",),
}
MOST = 1.0  # findings of an import or load, a file, on average


def folder_of(library):
    spec = importlib.util.find_spec(library)
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def packages():
    found = {}
    if (transformers := folder_of("transformers")) is not None:
        for model in MODELS:
            found[model] = sorted(path for path in (transformers / "models" / model).glob("*.py") if path.name.startswith(PARTS))
    for library, names in OTHERS.items():
        if (base := folder_of(library)) is not None:
            found |= {f"{library}: {name}": [base / name] for name in names if (base / name).exists()}
    return {name: paths for name, paths in found.items() if paths}


def scanned(paths):
    contents = {path.name: path.read_bytes() for path in paths}
    files = tuple(CodeFile(name, hashlib.sha256(content).hexdigest(), content) for name, content in contents.items())
    return scan_code("honest", files)


def test_honest_models_are_not_accused():
    pytest.importorskip("transformers")
    every = packages()
    number = sum(map(len, every.values()))
    assert number >= 30
    reports = {name: scanned(paths) for name, paths in every.items()}
    early = [one.title for report in reports.values() for one in report.findings if one.phase in {Phase.IMPORT, Phase.LOAD}]
    assert len(early) <= MOST * number, early
    assert {name: evaluate(report).level for name, report in reports.items()} == dict.fromkeys(every, RiskLevel.RUNS_CODE)


HUBCONF = """
dependencies = ["torch"]
from functools import partial
import torch
from models.resnet import resnet18 as _resnet18

def resnet18(pretrained=False, **options):
    model = _resnet18(**options)
    if pretrained:
        model.load_state_dict(torch.hub.load_state_dict_from_url("https://example.org/resnet18.pth", map_location="cpu"))
    return model
"""
NETWORK = """
import torch
from torch import nn

class ResNet(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 7)
        self.act = getattr(nn.functional, "relu")
    def forward(self, x):
        return self.act(self.conv(x))

def resnet18(**options):
    return ResNet(**options)
"""


def test_weights_that_an_entry_point_downloads_are_told_and_no_more():
    files = {"hubconf.py": HUBCONF, "models/__init__.py": "", "models/resnet.py": NETWORK}
    report = scan_code("hub", tuple(CodeFile(name, "", textwrap.dedent(text).encode()) for name, text in files.items()))
    assert [(one.rule, one.phase, one.location) for one in report.findings[1:]] == [("code-network", Phase.LOAD, "hubconf.py:10")]
    assert evaluate(report).level is RiskLevel.RUNS_CODE


STRANGE = (
    "test_grammar",
    "test_patma",
    "test_generators",
    "test_descr",
    "test_types",
    "test_asyncgen",
    "test_syntax",
    "test_fstring",
)


def test_strange_python_is_read_without_trouble():
    """Python's own tests where they are installed, else some of its library."""
    library = Path(sysconfig.get_path("stdlib"))
    paths = [path for name in STRANGE if (path := library / "test" / f"{name}.py").exists()]
    paths += [library / f"{name}.py" for name in ("typing", "enum", "dataclasses", "functools", "contextlib", "inspect")]
    for path in paths:
        assert not analysed(((path.name, path.read_bytes()),)).unread, path.name
