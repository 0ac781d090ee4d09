"""Armed repositories: code that a real load of transformers or torch.hub runs, each at its own time; see `armed_code.py`."""
# One sample a line, to be read as a table.
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

import json

from armed_code import PROCESS, SAMPLES, SHELL, ArmedCode

__all__ = ["LOADS", "in_hub", "in_model"]

# --- when a load runs it ------------------------------------------------------------------------------------------------------------------

CONFIGURATION = """
from transformers import PretrainedConfig

class AcmeConfig(PretrainedConfig):
    model_type = "acme"
    def __init__(self, **options):
        super().__init__(**options)
        self.ready = True
"""
MODEL = """
import torch
from transformers import PreTrainedModel
from .configuration_acme import AcmeConfig

class AcmeModel(PreTrainedModel):
    config_class = AcmeConfig
    def __init__(self, config):
        super().__init__(config)
        self.dense = torch.nn.Linear(1, 1)
        self.post_init()
    def forward(self, inputs):
        return inputs
"""
TOKENIZER = """
from transformers import PreTrainedTokenizer

class AcmeTokenizer(PreTrainedTokenizer):
    def __init__(self, **options):
        self.words = {"a": 0}
        super().__init__(**options)
    @property
    def vocab_size(self):
        return 1
    def get_vocab(self):
        return {"a": 0}
    def _convert_token_to_id(self, token):
        return 0
"""
AUTO_MAP = {
    "AutoConfig": "configuration_acme.AcmeConfig",
    "AutoModel": "modeling_acme.AcmeModel",
    "AutoTokenizer": ["tokenization_acme.AcmeTokenizer", None],
}


def _weights(folder):
    import torch
    from safetensors.torch import save_file

    save_file({"dense.weight": torch.zeros(1, 1), "dense.bias": torch.zeros(1)}, folder / "model.safetensors", {"format": "pt"})


def in_model(name, rule, phase, way="model", **changes):
    """Add a repository of transformers; `changes` are pairs of what is replaced in a file by what."""
    files = {"configuration_acme": CONFIGURATION, "modeling_acme": MODEL, "tokenization_acme": TOKENIZER, **changes.pop("files", {})}
    for part, (before, after) in changes.items():
        assert before in files[part], before
        files[part] = files[part].replace(before, after)
    written = {f"{part}.py": text for part, text in files.items()}
    written["config.json"] = json.dumps({"model_type": "acme", "architectures": ["AcmeModel"], "auto_map": AUTO_MAP})
    written["tokenizer_config.json"] = json.dumps({"tokenizer_class": "AcmeTokenizer", "auto_map": {"AutoTokenizer": AUTO_MAP["AutoTokenizer"]}})
    SAMPLES[name] = ArmedCode(way, frozenset(rule.split()), phase, written, _weights)


RUN = f"__import__('os').system('{SHELL}')"
in_model("init of a configuration", PROCESS, "load", "config", configuration_acme=("self.ready = True", RUN))
in_model("property of a configuration", PROCESS, "load", "config", configuration_acme=("self.ready = True", f"pass\n    @property\n    def use_return_dict(self):\n        {RUN}\n    def __setattr__(self, name, value):\n        super().__setattr__(name, value)\n        {RUN}"))
in_model("from_dict of a configuration", PROCESS, "load", "config", configuration_acme=("self.ready = True", f"pass\n    @classmethod\n    def from_dict(cls, given, **options):\n        {RUN}\n        return super().from_dict(given, **options)"))
in_model("body of a configuration", PROCESS, "import", "config", configuration_acme=("self.ready = True", f"pass\n    {RUN}"))
in_model("init of a model", PROCESS, "load", modeling_acme=("self.post_init()", f"self.post_init()\n        {RUN}"))
in_model("new of a model", PROCESS, "load", modeling_acme=("    def forward", f"    def __new__(cls, *given, **options):\n        {RUN}\n        return super().__new__(cls)\n    def forward"))
in_model("from_pretrained", PROCESS, "load", modeling_acme=("    def forward", f"    @classmethod\n    def from_pretrained(cls, *given, **options):\n        {RUN}\n        return super().from_pretrained(*given, **options)\n    def forward"))
in_model("post_init", PROCESS, "load", modeling_acme=("    def forward", f"    def post_init(self):\n        {RUN}\n        super().post_init()\n    def forward"))
in_model("tie_weights", PROCESS, "load", modeling_acme=("    def forward", f"    def tie_weights(self, *given, **options):\n        {RUN}\n    def forward"))
in_model("eval", PROCESS, "load", modeling_acme=("    def forward", f"    def eval(self):\n        {RUN}\n        return super().eval()\n    def forward"))
in_model("what init calls", PROCESS, "load", modeling_acme=("self.post_init()", f"self.post_init()\n        self.warm()\n    def warm(self):\n        {RUN}"))
in_model("init of a layer", PROCESS, "load", modeling_acme=("torch.nn.Linear(1, 1)", "Dense(1, 1)"), files={"modeling_acme": MODEL.replace("class AcmeModel", f"class Dense(torch.nn.Linear):\n    def __init__(self, *sizes):\n        {RUN}\n        super().__init__(*sizes)\n\nclass AcmeModel")})
in_model("init of a layer of another file", PROCESS, "load", modeling_acme=("torch.nn.Linear(1, 1)", "Dense(1, 1)"), files={"modeling_acme": MODEL.replace("from .conf", "from .dense import Dense\nfrom .conf"), "dense": f"import torch\n\nclass Dense(torch.nn.Linear):\n    def __init__(self, *sizes):\n        {RUN}\n        super().__init__(*sizes)\n"})
in_model("import of another file", PROCESS, "import", modeling_acme=("from .conf", "from .dense import WIDTH\nfrom .conf"), files={"dense": f"WIDTH = 1\n{RUN}\n"})
in_model("import inside init", PROCESS, "import", modeling_acme=("self.post_init()", "self.post_init()\n        from .dense import WIDTH"), files={"dense": f"WIDTH = 1\n{RUN}\n"})
in_model("init of a tokenizer", PROCESS, "load", "tokenizer", tokenization_acme=('self.words = {"a": 0}', RUN))
in_model("vocabulary of a tokenizer", PROCESS, "load", "tokenizer", tokenization_acme=('return {"a": 0}', f"{RUN}\n        return {{'a': 0}}"))
in_model("representation", PROCESS, "load", "shown", modeling_acme=("    def forward", f"    def __repr__(self):\n        {RUN}\n        return ''\n    def forward"))
in_model("extra_repr of a layer", PROCESS, "load", "shown", modeling_acme=("    def forward", f"    def extra_repr(self):\n        {RUN}\n        return ''\n    def forward"))
in_model("end of a model", PROCESS, "load", "model", modeling_acme=("    def forward", f"    def __del__(self):\n        __import__('os').system('{SHELL}')\n    def forward"))
in_model("forward", PROCESS, "soon", "used", modeling_acme=("return inputs", f"return {RUN}"))
in_model("what forward calls", PROCESS, "soon", "used", modeling_acme=("return inputs", f"return self.mask(inputs)\n    def mask(self, inputs):\n        {RUN}"))
in_model("method of its own", PROCESS, "method-only", "asked", modeling_acme=("    def forward", f"    def export_all(self):\n        {RUN}\n    def forward"))
in_model("weights that are a pickle", "code-unpickle", "load", modeling_acme=("self.post_init()", "self.post_init()\n        import pickle\n        pickle.loads(b'cos\\nsystem\\n(S\"touch canary\"\\ntR.')"))
in_model("yes to another repository", "code-other-repository", "load", modeling_acme=("self.post_init()", "self.post_init()\n        from transformers import AutoConfig\n        import os\n        AutoConfig.from_pretrained(os.path.abspath('other'), trust_remote_code=True)"))
SAMPLES["yes to another repository"].files.update(
    {
        "other/config.json": json.dumps({"model_type": "other", "auto_map": {"AutoConfig": "configuration_other.OtherConfig"}}),
        "other/configuration_other.txt": CONFIGURATION.replace("Acme", "Other").replace("acme", "other").replace("self.ready = True", RUN),
    }
)


def _other(folder):
    _weights(folder)
    (folder / "other" / "configuration_other.txt").rename(folder / "other" / "configuration_other.py")


SAMPLES["yes to another repository"] = ArmedCode(
    "model", frozenset({"code-other-repository"}), "load", SAMPLES["yes to another repository"].files, _other
)


def in_hub(name, rule, phase, source, **more):
    """Add a folder for torch.hub."""
    SAMPLES[name] = ArmedCode("hub", frozenset(rule.split()), phase, {"hubconf.py": source.lstrip("\n"), **more.pop("files", {})}, **more)


in_hub("hub import", PROCESS, "import", f"import os\nos.system('{SHELL}')\ndef model():\n    return 1\n")
in_hub("hub entry point", PROCESS, "load", f"import os\ndef model():\n    os.system('{SHELL}')\n")
in_hub("hub entry point of another file", PROCESS, "load", "from parts_of_acme import model\n", files={"parts_of_acme.py": f"import os\ndef model():\n    os.system('{SHELL}')\n"})
in_hub("hub entry point that is a class", PROCESS, "load", f"import os\nclass model:\n    def __init__(self):\n        os.system('{SHELL}')\n")
in_hub("hub entry point that unpickles", "code-unpickle", "load", "import torch\ndef model():\n    return torch.load('weights.pt', weights_only=False)\n", prepare=lambda folder: (folder / "weights.pt").write_bytes(b"\x80\x02cposix\nsystem\n(U\x0ctouch canarytR.") and None)
in_hub("hub of another hub", "code-other-repository", "load", "import torch, os\ndef model():\n    return torch.hub.load(os.path.abspath('other'), 'model', source='local')\n", files={"other/hubconf.txt": f"import os\ndef model():\n    os.system('{SHELL}')\n"}, prepare=lambda folder: (folder / "other" / "hubconf.txt").rename(folder / "other" / "hubconf.py") and None)
in_hub("hub entry point by item", PROCESS, "load", f"import os\ndef _build():\n    os.system('{SHELL}')\nglobals()['mo' + 'del'] = _build\n")

LOADS = """
import contextlib, gc, io, os, sys
import torch, transformers.dynamic_module_utils
torch.hub.set_dir(os.path.abspath("hub"))
transformers.dynamic_module_utils.HF_MODULES_CACHE = os.path.abspath("modules")
for place, way in ways.items():
    os.chdir(place)
    try:
        exec(way, {"place": place})
    except BaseException:
        pass
    gc.collect()
    for name in ("hubconf", "parts_of_acme"):
        sys.modules.pop(name, None)
"""
"""What loads them all in one process; `ways` says how, by folder."""
