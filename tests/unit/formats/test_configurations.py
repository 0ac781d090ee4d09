"""Configurations: what they have others import, call, evaluate or fetch is found, and those of ordinary models are quiet."""

import json

import pytest

from jupyter_modelguard.engines.content import Content
from jupyter_modelguard.engines.scanner import Scanner
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.types import RiskLevel

PYTHON = "python/object/apply:os.system"


def scanned(data):
    if not isinstance(data, (str, bytes)):
        data = json.dumps(data)
    return Scanner().scan(Content.of_bytes(data if isinstance(data, bytes) else data.encode()))


def level(data):
    return evaluate(scanned(data)).level


@pytest.mark.parametrize(
    "config",
    [
        {"auto_map": {"AutoModel": "modeling_x.X"}},
        {"auto_map": {"AutoTokenizer": ["other/repo--tokenization_x.X", None]}},
        {"custom_pipelines": {"pair": {"impl": "pair.Pair", "pt": ["AutoModel"]}}},
        {"_class_name": ["pipeline_file", "Pipeline"]},
        {"_class_name": "Pipeline", "unet": ["my_unet", "UNet"]},
        [{"idx": 0, "name": "0", "path": "", "type": "custom_st.Transformer"}],
        {"_attn_implementation": "org/kernel"},
        {"_target_": "my_project.Net"},
        {"class_path": "my_project.Net", "init_args": {}},
        {"_target_": "${where}.system", "where": {}},
        {"_target_": "transformers.AutoModel.from_pretrained", "trust_remote_code": True},
        {"auto_mapping": {"base_model_class": "X", "parent_library": "strange"}},
        '{"auto_map": {"AutoModel": "modeling_x.X"}, "auto_map": null}',
        '{"\\u0061uto_map": {"AutoModel": "modeling_x.X"}, "a": NaN}',
        json.dumps({"auto_map": {"AutoModel": "modeling_x.X"}}).encode("utf-32"),
        json.dumps({"auto_map": {"AutoModel": "modeling_x.X"}}).encode("utf-16"),
        json.dumps({"auto_map": {"AutoModel": "modeling_x.X"}}).encode("utf-8-sig"),
        "flavors:\n  python_function:\n    loader_module: strange\n",
        "flavors:\n  python_function:\n    loader_module: mlflow.pyfunc.model\n    code: code\n",
    ],
    ids=str,
)
def test_configuration_that_names_code_runs_code(config):
    assert level(config) is RiskLevel.RUNS_CODE


@pytest.mark.parametrize(
    "config",
    [
        {"_target_": "os.system", "_args_": ["id"]},
        {"_target_": "torch.serialization.os.system"},
        {"_target_": "eval"},
        {"_target_": "${name}", "name": "os.system"},
        {"model": {"target": "subprocess.Popen", "params": {}}},
        {"class_path": "os.system"},
        {"_class_name": "Pipeline", "x": ["os", "system"]},
        {"_target_": "torch.nn.Linear", "x": "$__import__('os').system('id')"},
        "a: &a os.system\nb: {_target_: *a}\n",
        '"\\x5ftarget_": os.system\n',
        "base: &base {_target_: os.system}\nb:\n  <<: *base\n",
        "a: !new:os.system [id]\n",
        f"!!{PYTHON} [id]\n",
        f"%TAG !p! tag:yaml.org,2002:py\n---\n!p!{PYTHON[2:]} [id]\n",
        f"!<tag:yaml.org,2002:{PYTHON}> [id]\n",
        f"!!%70{PYTHON[1:]} [id]\n",
        f"a: 1\n---\nb: !!{PYTHON} [id]\n---\n[x\n",
        f"!!{PYTHON} [id]\n".encode("utf-16"),
    ],
    ids=str,
)
def test_configuration_that_starts_a_program_is_dangerous(config):
    assert level(config) is RiskLevel.DANGEROUS


@pytest.mark.parametrize(
    "config",
    [
        {
            "_class_name": "StableDiffusionPipeline",
            "unet": ["diffusers", "UNet2DConditionModel"],
            "safety": ["stable_diffusion", "X"],
        },
        [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}],
        {"_attn_implementation": "sdpa", "model_type": "llama", "target": "price.usd", "trust_remote_code": False},
        {
            "model": {"_target_": "torch.nn.Linear"},
            "sizes": {"_target_": "collections.OrderedDict"},
            "opt": {"_target_": "torch.optim.Adam"},
        },
        {
            "target": "ldm.models.diffusion.ddpm.LatentDiffusion",
            "params": {"unet_config": {"target": "ldm.modules.X", "params": {}}},
        },
        {"trust_remote_code": True},
        {"auto_mapping": {"base_model_class": "LlamaForCausalLM", "parent_library": "transformers.models.llama.modeling_llama"}},
        "target: nemo.collections.asr.models.EncDecCTCModel\nnemo_version: 1.0\nencoder:\n  _target_: nemo.collections.asr.modules.ConvASREncoder\n",  # noqa: E501 one line, as such files are written
        "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    model_path: model.pkl\n",
        "dependencies:\n- pip:\n  - git+https://example.org/x\n",
        "a: !Ref b\nc: !Sub d\n",
        "# Notes\n\nNever write `!!python/object/apply:os.system` or `_target_` there!\n",
        "int main() { if (!x || !y) return target; }\n",
        "x: !!python/tuple [1, 2]\n",
    ],
    ids=str,
)
def test_ordinary_configuration_is_at_most_noted(config):
    assert not level(config).asks


def test_finding_tells_the_place():
    report = scanned("model:\n  encoder:\n    _target_: os.system\n")
    assert [one.location for one in report.findings] == ["model.encoder._target_ (line 3)"]


def test_yaml_whose_aliases_grow_is_noted():
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]" for number in range(1, 12)]
    report = scanned("\n".join(rows) + "\n_target_: torch.nn.Linear\n")
    assert "yaml-aliases" in {one.rule for one in report.findings}
    assert evaluate(report).level is RiskLevel.NOTE


@pytest.mark.parametrize("text", ['{"auto_map": ' + "[" * 100_000, "target: " + "[" * 100_000, "{" * 100_000 + "target"])
def test_nesting_without_end_is_never_a_crash(text):
    assert level(text) in (RiskLevel.UNINSPECTED, RiskLevel.DATA_ONLY)


def test_configuration_behind_megabytes_of_padding_is_never_clean():
    assert level(b"# padding\n" * 500_000 + b"_target_: os.system\n").asks
