"""Documents that say what they have called in another spelling than most, and pickles behind ones that nobody would call a pickle."""

import json
import pickle
import warnings

import pytest

from jupyter_modelguard.engines.scanner import scan_file
from jupyter_modelguard.policy.evaluate import evaluate


def level(path):
    return evaluate(scan_file(str(path))).level


APPLY = '!!python/object/apply:os.mkdir ["CANARY"]'
TAGS = {
    "behind a colon": f'{{"a":{APPLY}}}',
    "behind a question mark": f"{{?{APPLY} : 1}}",
    "by a handle for the middle of a word": '%TAG ! tag:yaml.org,2002:python\n---\n!/object/apply:os.mkdir ["CANARY"]',
    "behind a separator of lines": f"# comment\u2028{APPLY}",
    "behind a next line": f"# comment\x85{APPLY}",
    "behind a template": f"# {{% for message in messages %}}{{% endfor %}}\n{APPLY}",
    "behind marks of the encoding": f"\ufeff\ufeff{APPLY}",
    "behind a mark of the encoding inside": f"# comment\n\ufeff{APPLY}",
}


@pytest.mark.parametrize("spelling", TAGS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_tags_of_python_wherever_yaml_takes_them(tmp_path, canary, spelling, encoding):
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    path = tmp_path / "config.yaml"
    path.write_bytes(TAGS[spelling].replace("CANARY", str(canary)).encode(encoding))
    for loader in {yaml.UnsafeLoader, getattr(yaml, "CUnsafeLoader", yaml.UnsafeLoader)}:
        try:
            yaml.load(path.read_bytes(), Loader=loader)
        except (yaml.YAMLError, FileExistsError):
            continue  # only the other one takes it, or did
    if encoding == "utf-8":
        assert canary.exists(), "the file is not armed"
    assert level(path).asks


CALL = {"py/reduce": [{"py/function": "os.mkdir"}, {"py/tuple": ["{}"]}]}
PICKLED = {
    "slashes escaped": json.dumps(CALL).replace("py/", "py\\/"),
    "letters escaped": json.dumps(CALL).replace('"py/', '"\\u0070y/'),
    "far behind": " " * (1 << 20) + json.dumps(CALL),
    "on the second line": "{}\n" + json.dumps(CALL),
}


@pytest.mark.parametrize("spelling", PICKLED)
def test_documents_of_jsonpickle_however_they_are_written(tmp_path, canary, spelling):
    jsonpickle = pytest.importorskip("jsonpickle", reason="jsonpickle is not installed")
    path = tmp_path / "state.json"
    path.write_text(PICKLED[spelling].replace('"{}"', f'"{canary}"'))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for line in path.read_text().splitlines():
            jsonpickle.decode(line)
    assert canary.exists(), "the file is not armed"
    assert level(path).asks


def test_pickle_that_breaks_off_behind_one_of_text(tmp_path, canary):
    """Programs load until nothing is left, and what broke off had called something by then."""
    path = tmp_path / "log.txt"
    path.write_bytes(f"I1\n.cos\nmkdir\n(S'{canary}'\ntR".encode())
    with path.open("rb") as file:
        assert pickle.load(file) == 1
        with pytest.raises(EOFError):
            pickle.load(file)
    assert canary.exists(), "the file is not armed"
    assert level(path).asks


@pytest.mark.parametrize(
    "text",
    [
        "# Model\n\n![logo](https://example.org/python.png)\n\n```\n!python train.py: now\n```\nHello: [you!\n",
        "",
        '{"a": 1}\n{"name": "caf\\u00e9"}\n',
        "{% TAG %}\nHello!\n",
    ],
)
def test_text_stays_text(tmp_path, text):
    path = tmp_path / "README.md"
    path.write_text(text)
    assert not level(path).asks


def test_configuration_of_keras_far_behind_the_beginning(tmp_path):
    """Nothing but space stands before it, which no reader of JSON minds; the same without the space runs code, too."""
    layer = {"class_name": "Lambda", "config": {"function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}}}
    model = json.dumps({"class_name": "Sequential", "config": {"name": "m", "layers": [layer]}})
    path = tmp_path / "config.json"
    for before in ("", " " * 5_000):
        path.write_text(before + model)
        assert level(path).asks
