"""The demo's files: some hold data alone, two would run code when they are loaded."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DemoFile", "make_files"]


@dataclass(frozen=True, slots=True)
class DemoFile:
    """One file of the demo and the line of Python that loads it.

    Attributes
    ----------
    name
        File or folder, relative to the demo's folder.
    story
        What it is, in a few words.
    code
        What a person would type to load it, run in the demo's folder.
    armed
        Whether loading it without the guard would run its code.
    canary
        The file that an armed one would write.
    """

    name: str
    story: str
    code: str
    armed: bool = False
    canary: str = ""


def make_files(folder: str | os.PathLike[str]) -> tuple[DemoFile, ...]:
    """Write the demo's files into a folder and return them in the order in which to try them.

    A checkpoint and a pipeline are among them where torch and scikit-learn are installed.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    made = [*_arrays(folder), *_checkpoint(folder), *_pipeline(folder), _surprise(folder), _remote_code(folder)]
    return tuple(made)


def _arrays(folder: Path) -> list[DemoFile]:
    import numpy as np
    from safetensors.numpy import save_file

    weights = {"layer.weight": np.linspace(-1, 1, 64, dtype="float32").reshape(8, 8), "layer.bias": np.zeros(8, "float32")}
    (folder / "weights.pkl").write_bytes(pickle.dumps(weights))
    save_file(weights, folder / "weights.safetensors")
    return [
        DemoFile("weights.pkl", "numpy arrays in a pickle", "import pickle; pickle.load(open('weights.pkl', 'rb'))"),
        DemoFile(
            "weights.safetensors",
            "the same arrays in safetensors",
            "from safetensors.numpy import load_file; load_file('weights.safetensors')",
        ),
    ]


def _checkpoint(folder: Path) -> list[DemoFile]:
    if importlib.util.find_spec("torch") is None:
        return []
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    torch.save({"model": model.state_dict(), "epoch": 3}, folder / "checkpoint.pt")
    code = "import torch; torch.load('checkpoint.pt', weights_only=False)"
    return [DemoFile("checkpoint.pt", "a torch checkpoint", code)]


def _pipeline(folder: Path) -> list[DemoFile]:
    if importlib.util.find_spec("sklearn") is None or importlib.util.find_spec("joblib") is None:
        return []
    import joblib
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features, species = load_iris(return_X_y=True)
    joblib.dump(make_pipeline(StandardScaler(), LogisticRegression()).fit(features, species), folder / "pipeline.joblib")
    return [DemoFile("pipeline.joblib", "a scikit-learn pipeline", "import joblib; joblib.load('pipeline.joblib')")]


class _Command:
    """Pickles as the call of a command: what a stranger's checkpoint does to a person who loads it."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self._command,)


def _surprise(folder: Path) -> DemoFile:
    canary = "canary-from-pickle.txt"
    command = f'echo "os.system ran while the pickle was read" > "{folder.resolve() / canary}"'
    (folder / "surprise.pkl").write_bytes(pickle.dumps({"weights": [0.1, 0.2], "extra": _Command(command)}, protocol=4))
    code = "import pickle; pickle.load(open('surprise.pkl', 'rb'))"
    return DemoFile("surprise.pkl", "a pickle that runs a command", code, armed=True, canary=canary)


def _remote_code(folder: Path) -> DemoFile:
    repository, canary = folder / "acme-tiny", "canary-from-import.txt"
    repository.mkdir(exist_ok=True)
    config = {"model_type": "acme", "auto_map": {"AutoConfig": "configuration_acme.AcmeConfig"}}
    (repository / "config.json").write_text(json.dumps(config, indent=2), "utf-8")
    (repository / "configuration_acme.py").write_text(
        "from pathlib import Path\n\n"
        "from transformers import PretrainedConfig\n\n"
        f"Path({str(folder.resolve() / canary)!r}).write_text('the repository ran its own code on import')\n\n\n"
        "class AcmeConfig(PretrainedConfig):\n"
        '    model_type = "acme"\n',
        "utf-8",
    )
    code = "from transformers import AutoConfig; AutoConfig.from_pretrained('./acme-tiny', trust_remote_code=True)"
    return DemoFile("acme-tiny", "a model folder with code of its own", code, armed=True, canary=canary)
