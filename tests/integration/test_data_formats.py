"""Formats without Python code, through the libraries that read them: recorded by the name of the call, and silent."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

np = pytest.importorskip("numpy", reason="the arrays of these tests are numpy's")

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning", "ignore::ResourceWarning"
)
FEATURES = np.random.default_rng(3).normal(size=(40, 3))
TARGET = FEATURES[:, 0] > 0


@dataclass(frozen=True)
class Format:
    """One library's format: how a file is made and read, and what the history calls it."""

    recorded: str
    library: str
    write: Any  # (library, path)
    read: Any  # (library, path)
    suffix: str = ""


def xgboost_booster(library, path):
    library.train({"verbosity": 0}, library.DMatrix(FEATURES, TARGET), 2).save_model(path)


def lightgbm_booster(library, path):
    library.train({"verbosity": -1, "num_leaves": 4}, library.Dataset(FEATURES, TARGET.astype(int)), 2).save_model(path)


def catboost_model(library, path):
    library.CatBoostClassifier(2, verbose=False, allow_writing_files=False).fit(FEATURES, TARGET.astype(int)).save_model(
        str(path)
    )


def skops_model(library, path):
    from sklearn.linear_model import LogisticRegression

    library.dump(LogisticRegression().fit(FEATURES, TARGET), path)


def spacy_model(library, path):
    nlp = library.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(path)


FORMATS = [
    Format(
        "safetensors.numpy.load_file",
        "safetensors.numpy",
        lambda library, path: library.save_file({"w": FEATURES}, path),
        lambda library, path: library.load_file(path),
    ),
    Format(
        "safetensors.torch.load_file",
        "safetensors.torch",
        lambda library, path: library.save_file({"w": __import__("torch").ones(3)}, path),
        lambda library, path: library.load_file(path),
    ),
    Format(
        "scipy.io.loadmat",
        "scipy.io",
        lambda library, path: library.savemat(path, {"w": FEATURES, "names": np.array(["a", "b"], dtype=object)}),
        lambda library, path: library.loadmat(path),
        ".mat",
    ),
    Format(
        "scipy.sparse.load_npz",
        "scipy.sparse",
        lambda library, path: library.save_npz(path, library.csr_matrix(FEATURES)),
        lambda library, path: library.load_npz(path),
        ".npz",
    ),
    Format("skops.io.load", "skops.io", skops_model, lambda library, path: library.load(path)),
    Format(
        "xgboost.Booster.load_model", "xgboost", xgboost_booster, lambda library, path: library.Booster().load_model(path), ".ubj"
    ),
    Format(
        "xgboost.Booster.load_model",
        "xgboost",
        xgboost_booster,
        lambda library, path: library.Booster(model_file=path),
        ".json",
    ),
    Format("lightgbm.Booster", "lightgbm", lightgbm_booster, lambda library, path: library.Booster(model_file=path)),
    Format(
        "catboost.CatBoostClassifier.load_model",
        "catboost",
        catboost_model,
        lambda library, path: library.CatBoostClassifier().load_model(str(path)),
    ),
    Format("spacy.load", "spacy", spacy_model, lambda library, path: library.load(path)),
]


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: f"{one.recorded}{one.suffix}")
def test_file_of_plain_data_is_recorded_and_silent(one, hold, tmp_path):
    if "torch" in one.recorded:
        pytest.importorskip("torch", reason="the tensors are torch's")
    library = pytest.importorskip(one.library, reason=f"{one.library.partition('.')[0]} is not installed", exc_type=ImportError)
    path = tmp_path / f"model{one.suffix}"
    one.write(library, path)
    running = hold()
    one.read(library, path)
    assert running.outcomes() == [(one.recorded, "loaded")]
    assert running.history()[0].request.source == str(path)


def test_spacy_model_that_names_a_factory_nobody_registered_is_the_librarys_own_error(hold, tmp_path):
    spacy = pytest.importorskip("spacy", reason="spaCy is not installed")
    spacy_model(spacy, tmp_path / "model")
    config = (tmp_path / "model" / "config.cfg").read_text().replace('factory = "sentencizer"', 'factory = "strange"')
    (tmp_path / "model" / "config.cfg").write_text(config)
    running = hold()
    with pytest.raises(ValueError, match="strange"):
        spacy.load(tmp_path / "model")
    assert running.outcomes() == [("spacy.load", "failed")]


def test_skops_refuses_what_nobody_trusts_by_itself(hold, tmp_path):
    skops = pytest.importorskip("skops.io", reason="skops is not installed")
    from skops.io.exceptions import UntrustedTypesFoundException

    skops.dump({"f": json.loads, "g": np.testing.assert_equal}, tmp_path / "strange.skops")
    hold()
    with pytest.raises(UntrustedTypesFoundException):
        skops.load(tmp_path / "strange.skops")


def test_model_that_is_trained_is_no_load(hold, tmp_path):
    lightgbm = pytest.importorskip("lightgbm", reason="lightgbm is not installed", exc_type=ImportError)
    running = hold()
    lightgbm_booster(lightgbm, tmp_path / "model.txt")
    assert running.outcomes() == []
