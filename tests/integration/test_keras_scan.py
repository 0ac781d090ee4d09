"""What Keras itself saves: honest archives are data, and one whose code runs in the real loader is told."""

import pytest
from scanned import level, rules

from jupyter_modelguard.types import RiskLevel

pytest.importorskip("torch", reason="Keras computes with torch here, and that is not installed")

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")]


@pytest.fixture
def keras(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    return pytest.importorskip("keras", reason="Keras is not installed")


def test_honest_models_are_data_in_every_form_that_keras_writes(tmp_path, keras):
    layers = keras.layers
    whole = keras.Input((4, 3))
    inner = keras.Sequential([keras.Input((4, 3)), layers.LSTM(2), layers.Dense(3, activation="gelu", kernel_regularizer="l2")])
    model = keras.Model(whole, layers.Dropout(0.5)(layers.BatchNormalization()(inner(whole))))
    model.compile(optimizer="adamw", loss="mse", metrics=["mae"])
    model.save(tmp_path / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")
    model.save(tmp_path / "m.h5")
    (tmp_path / "m.json").write_text(model.to_json())
    keras.saving.load_model(tmp_path / "m.keras")
    for name in ("m.keras", "m.weights.h5", "m.h5", "m.json"):
        assert level(tmp_path / name) is RiskLevel.DATA_ONLY, name


@pytest.mark.parametrize("name", ["armed.keras", "armed.h5"])
def test_lambda_that_runs_in_the_real_loader_is_told(tmp_path, keras, name):
    canary = tmp_path / "canary"
    path = str(canary)
    armed = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: (open(path, "w").close(), x)[1])])
    armed.save(tmp_path / name)
    canary.unlink()
    again = keras.models.load_model(tmp_path / name, safe_mode=False)
    again(keras.ops.ones((1, 2)))
    assert canary.exists()
    assert rules(tmp_path / name) == {"keras-config"}
    assert level(tmp_path / name) is RiskLevel.RUNS_CODE
