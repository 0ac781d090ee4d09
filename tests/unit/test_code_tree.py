"""Which Python files a repository's configurations name, and what those files import from beside them."""

import json

import pytest

from jupyter_modelguard.artifacts.code_tree import auto_map_modules, collect_code, folder_reader, mapped_modules


def reader(**files):
    content = {
        name.replace("__", "."): text if isinstance(text, bytes) else json.dumps(text).encode() for name, text in files.items()
    }
    return content.get


@pytest.mark.parametrize(
    ("auto_map", "named"),
    [
        ({"AutoModel": "modeling_acme.Acme"}, {"": ("modeling_acme.py",)}),
        ({"AutoTokenizer": ["slow.T", None]}, {"": ("slow.py",)}),
        ({"AutoImageProcessor": {"torchvision": "fast.P", "pil": "slow.P"}}, {"": ("fast.py", "slow.py")}),
        ({"AutoModel": "other/repo--modeling.M"}, {"other/repo": ("modeling.py",)}),
        ({"AutoModel": "folder/modeling.M"}, {"": ("folder/modeling.py",)}),
        ({"AutoModel": "no_class"}, {}),
        ({"AutoModel": 7, "AutoConfig": None}, {}),
        ("text", {}),
        (None, {}),
    ],
    ids=str,
)
def test_auto_map_names_files_by_the_repository_that_has_them(auto_map, named):
    assert mapped_modules(reader(config__json={"auto_map": auto_map})) == named


def test_configurations_of_parts_count_too():
    config = {
        "text_config": {"auto_map": {"AutoModel": "text.M"}},
        "vision_config": {"deeper": {"auto_map": {"AutoModel": "seeing.M"}}},
    }
    assert auto_map_modules(reader(config__json=config)) == ("text.py", "seeing.py")


def test_configurations_that_cannot_be_read_are_left_to_the_library():
    assert mapped_modules(reader(config__json=b"{", tokenizer_config__json=b"[" * 100_000, generation_config__json=[1])) == {}


def test_files_are_followed_by_their_relative_imports():
    files = {
        "modeling.py": b"from .parts import layer\nfrom . import sizes\n",
        "parts/__init__.py": b"",
        "parts/layer.py": b"from ..sizes import WIDTH\n",
        "sizes.py": b"WIDTH = (\n",
        "unused.py": b"",
    }
    found = [file.path for file in collect_code(["modeling.py"], files.get)]
    assert sorted(found) == ["modeling.py", "parts/__init__.py", "parts/layer.py", "sizes.py"]


def test_folder_gives_nothing_from_outside(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "inside.py").write_text("inside")
    (tmp_path / "outside.py").write_text("outside")
    read = folder_reader(str(tmp_path / "model"))
    assert (read("inside.py"), read("absent.py"), read("../outside.py"), read(str(tmp_path / "outside.py"))) == (
        b"inside",
        None,
        None,
        None,
    )
