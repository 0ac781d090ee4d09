"""A small model with Python files of its own, each of which says when it runs: the repository of tests about remote code."""

import json

__all__ = ["CANARY", "CONFIG", "FILES", "model_files"]

CANARY = "from pathlib import Path\nwith open({canaries!r}, 'a') as file: print(__name__.rpartition('.')[2], file=file)\n"
FILES = {
    "sizes.py": "WIDTH = 5\n",
    "configuration_acme.py": """
from transformers import PretrainedConfig
from .sizes import WIDTH

class AcmeConfig(PretrainedConfig):
    model_type = "acme"
    def __init__(self, width=WIDTH, **options):
        self.width = width
        super().__init__(**options)
""",
    "modeling_acme.py": """
import torch
from transformers import PreTrainedModel
from .configuration_acme import AcmeConfig
from .dense import Dense

class AcmeModel(PreTrainedModel):
    config_class = AcmeConfig
    def __init__(self, config):
        super().__init__(config)
        self.dense = Dense(config.width)
        self.post_init()
    def forward(self, inputs):
        return self.dense(inputs)
""",
    "dense.py": """
import torch

class Dense(torch.nn.Linear):
    def __init__(self, width):
        super().__init__(width, 1)
""",
    "tokenization_acme.py": """
from transformers import PreTrainedTokenizer

class AcmeTokenizer(PreTrainedTokenizer):
    @property
    def vocab_size(self):
        return 3
    def get_vocab(self):
        return {"a": 0, "b": 1, "c": 2}
    def _tokenize(self, text):
        return list(text)
    def _convert_token_to_id(self, token):
        return self.get_vocab().get(token, 0)
    def _convert_id_to_token(self, index):
        return "abc"[index]
    def save_vocabulary(self, folder, filename_prefix=None):
        return ()
""",
}
CONFIG = {
    "model_type": "acme",
    "architectures": ["AcmeModel"],
    "auto_map": {
        "AutoConfig": "configuration_acme.AcmeConfig",
        "AutoModel": "modeling_acme.AcmeModel",
        "AutoTokenizer": ["tokenization_acme.AcmeTokenizer", None],
    },
}


def model_files(canaries, names=tuple(FILES)):
    """Give all files of the repository, whose code writes its name into a file when it runs."""
    import torch
    from safetensors.torch import save

    weights = {"dense.weight": torch.full((1, 5), 2.0), "dense.bias": torch.ones(1)}
    return {
        "config.json": json.dumps(CONFIG),
        "tokenizer_config.json": json.dumps({"auto_map": CONFIG["auto_map"]}),
        "model.safetensors": save(weights, {"format": "pt"}),
        **{name: CANARY.format(canaries=str(canaries)) + FILES[name] for name in names},
    }
