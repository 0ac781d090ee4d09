"""Armed Python: files of a model's own code, each with one way to hide or to time what it does, and what a reader should be told.

All that a sample does is to make an empty file, `canary`, in the folder that it is loaded in; it leaves none unless its code ran when the
sample says. `rule` is what should be found, `phase` when.
"""

# One sample a line, to be read as a table.
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

import base64
import codecs
import importlib.util
import marshal
import py_compile
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["ANY", "CODE", "NATIVE", "NETWORK", "PROCESS", "SAMPLES", "SHELL", "WAYS", "WRITE", "ArmedCode", "at_import", "write"]

SAMPLES: dict[str, ArmedCode] = {}
WAYS = {
    "import": "import sample",
    "package": "import package.sample",
    "hub": "import torch\ntorch.hub.load(place, 'model', source='local')",
    "config": "from transformers import AutoConfig\nAutoConfig.from_pretrained(place, trust_remote_code=True)",
    "model": "from transformers import AutoModel\nAutoModel.from_pretrained(place, trust_remote_code=True)",
    "shown": "from transformers import AutoModel\nrepr(AutoModel.from_pretrained(place, trust_remote_code=True))",
    "used": "from transformers import AutoModel\nAutoModel.from_pretrained(place, trust_remote_code=True)(1)",
    "asked": "from transformers import AutoModel\nAutoModel.from_pretrained(place, trust_remote_code=True).export_all()",
    "tokenizer": "from transformers import AutoTokenizer\nAutoTokenizer.from_pretrained(place, trust_remote_code=True)",
}
"""How samples are loaded; all but the first two through the real library."""

SHELL = "touch canary"
CODE = "open('canary', 'w').close()"


@dataclass(frozen=True)
class ArmedCode:
    """One sample."""

    way: str
    rules: frozenset[str]
    phase: str
    files: dict[str, str | bytes]
    prepare: Callable[[Path], None] | None = None
    beside: bool = False  # whether what is to be found is a file that is no source
    planted: bool = False  # or one of the working directory
    entries: tuple[str, ...] = field(default=())


def write(sample: ArmedCode, folder: Path) -> dict[str, bytes]:
    """Write a sample; give its sources by path."""
    for name, text in sample.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    if sample.prepare is not None:
        sample.prepare(folder)
    return {
        name: (folder / name).read_bytes()
        for name in sample.files
        if name.endswith(".py") and (folder / name).exists() and not (sample.planted and name != "sample.py")
    }


def at_import(name, rule, source, **more):
    """Add a sample of one file that an import runs."""
    text = source if isinstance(source, bytes) else source.lstrip("\n")
    SAMPLES[name] = ArmedCode("import", frozenset(rule.split()), "import", {"sample.py": text, **more.pop("files", {})}, **more)


PROCESS, ANY, NETWORK, WRITE, NATIVE = "code-process", "code-any-code", "code-network", "code-write", "code-native"

# --- names --------------------------------------------------------------------------------------------------------------------------------

at_import("plain", PROCESS, f"import os\nos.system('{SHELL}')\n")
at_import("another name", PROCESS, "from subprocess import check_call as helper\nhelper(['touch', 'canary'])\n")
at_import("assigned", PROCESS, f"import os\nrun = os.system\ngo = run\ngo('{SHELL}')\n")
at_import("unpacked", PROCESS, f"import os, math\na, (b, c) = math.sqrt, (math.sin, os.system)\nc('{SHELL}')\n")
at_import("starred", PROCESS, f"import os, math\n*rest, last = [math.sqrt, os.system]\nrest[-1] if 0 else last('{SHELL}')\n")
at_import("star import", PROCESS, f"from os import *\nsystem('{SHELL}')\n")
at_import("star import of a local file", PROCESS, f"from package.tools import *\ngo('{SHELL}')\n", files={"package/__init__.py": "", "package/tools.py": "from os import system as go\n"})
at_import("through another module", PROCESS, f"import shutil\nshutil.os.system('{SHELL}')\n")
at_import("through a private name", PROCESS, f"import random\nrandom._os.system('{SHELL}')\n")
at_import("class attribute", PROCESS, f"import os\nclass Ops:\n    run = os.system\nOps.run('{SHELL}')\n")
at_import("attribute of self", PROCESS, f"import os\nclass Ops:\n    def __init__(self):\n        self.act = os.system\n    def go(self):\n        self.act('{SHELL}')\nOps().go()\n")
at_import("inherited attribute", PROCESS, f"import os\nclass A:\n    f = staticmethod(os.system)\nclass B(A):\n    pass\nB().f('{SHELL}')\n")
at_import("dictionary", PROCESS, f"import os\ntable = {{'relu': abs, 'gelu': os.system}}\ntable['gelu']('{SHELL}')\n")
at_import("dictionary get", PROCESS, f"import os\ntable = dict(gelu=os.system)\ntable.get('gelu')('{SHELL}')\n")
at_import("loop over functions", PROCESS, f"import os\nfor function in (len, os.system):\n    function('{SHELL}')\n")
at_import("walrus", PROCESS, f"import os\nif (act := os.system) is not None:\n    act('{SHELL}')\n")
at_import("walrus in a comprehension", PROCESS, f"import os\n[act := f for f in [os.system]]\nact('{SHELL}')\n")
at_import("match capture", PROCESS, f"import os\nmatch os.system:\n    case act:\n        act('{SHELL}')\n")
at_import("match on an attribute", PROCESS, f"import os\nmatch os:\n    case object(system=act):\n        act('{SHELL}')\n")
at_import("match on a mapping", PROCESS, f"import os\nmatch {{'gelu': os.system}}:\n    case {{'gelu': act}}:\n        act('{SHELL}')\n")
at_import("conditional expression", PROCESS, f"import os\n(os.system if os.name else print)('{SHELL}')\n")
at_import("or", PROCESS, f"import os\n(None or os.system)('{SHELL}')\n")
at_import("parameter", PROCESS, f"import os\ndef apply(function, value):\n    return function(value)\napply(os.system, '{SHELL}')\n")
at_import("parameter by name", PROCESS, f"import os\ndef apply(*, act=abs, **rest):\n    return act('{SHELL}')\napply(act=os.system)\n")
at_import("rest parameters", PROCESS, f"import os\ndef apply(*given):\n    return given[0](given[1])\napply(os.system, '{SHELL}')\n")
at_import("default of a lambda", PROCESS, f"import os\nact = lambda text, run=os.system: run(text)\nact('{SHELL}')\n")
at_import("returned", PROCESS, f"import os\ndef pick():\n    return os.system\npick()('{SHELL}')\n")
at_import("lambda that returns it", ANY, f'(lambda: exec)()("{CODE}")\n')
at_import("closure", PROCESS, f"import os\ndef outer():\n    run = os.system\n    def inner():\n        run('{SHELL}')\n    return inner\nouter()()\n")
at_import("global statement", PROCESS, f"import os\ndef setup():\n    global act\n    act = os.system\nsetup()\nact('{SHELL}')\n")
at_import("globals item", PROCESS, f"import os\nglobals()['act'] = os.system\nact('{SHELL}')\n")
at_import("namespace", PROCESS, f"import os, types\nns = types.SimpleNamespace(gelu=os.system)\nns.gelu('{SHELL}')\n")
at_import("setattr", PROCESS, f"import os\nclass Ops:\n    pass\nsetattr(Ops, 'gelu', os.system)\nOps.gelu('{SHELL}')\n")

# --- names put together -------------------------------------------------------------------------------------------------------------------

at_import("getattr", PROCESS, f"import os\ngetattr(os, 'system')('{SHELL}')\n")
at_import("getattr of pieces", PROCESS, f"import os\ngetattr(os, 'sys' + 'tem')('{SHELL}')\n")
at_import("getattr chain", PROCESS, f"getattr(getattr(__import__('shutil'), 'o' 's'), ''.join(['sys', 'tem']))('{SHELL}')\n")
at_import("import by name", PROCESS, f"__import__('os').system('{SHELL}')\n")
at_import("import module by name", PROCESS, f"import importlib\nimportlib.import_module('o' + 's').system('{SHELL}')\n")
at_import("import module of a reversed name", PROCESS, f"from importlib import import_module as load\nload('so'[::-1]).system('{SHELL}')\n")
at_import("sys.modules", PROCESS, f"import sys\nsys.modules['os'].system('{SHELL}')\n")
at_import("sys.modules get", PROCESS, f"import sys\nsys.modules.get('p' 'osix').system('{SHELL}')\n")
at_import("f-string", PROCESS, f"import os\na = 'sys'\ngetattr(os, f'{{a}}tem')('{SHELL}')\n")
at_import("format", PROCESS, f"import os\ngetattr(os, '{{}}{{}}'.format('sys', 'tem'))('{SHELL}')\n")
at_import("percent", PROCESS, f"import os\ngetattr(os, '%stem' % 'sys')('{SHELL}')\n")
at_import("characters", PROCESS, f"import os\nname = ''.join(chr(one) for one in [115, 121, 115, 116, 101, 109])\ngetattr(os, name)('{SHELL}')\n")
at_import("characters xored", PROCESS, f"import os\nname = ''.join(chr(one ^ 7) for one in {[ord(one) ^ 7 for one in 'system']})\ngetattr(os, name)('{SHELL}')\n")
at_import("map of chr", PROCESS, f"import os\ngetattr(os, ''.join(map(chr, (115, 121, 115, 116, 101, 109))))('{SHELL}')\n")
at_import("base64 name", PROCESS, f"import os, base64\ngetattr(os, base64.b64decode('c3lzdGVt').decode())('{SHELL}')\n")
at_import("rot13 name", PROCESS, f"import os, codecs\ngetattr(os, codecs.decode('{codecs.encode('system', 'rot13')}', 'rot13'))('{SHELL}')\n")
at_import("hex name", PROCESS, f"import os\ngetattr(os, bytes.fromhex('{b'system'.hex()}').decode())('{SHELL}')\n")
at_import("name in a loop", PROCESS, f"import os\nname = ''\nfor one in 'sXyXsXtXeXm'.split('X'):\n    name += one\ngetattr(os, name)('{SHELL}')\n")
at_import("list that grows", PROCESS, f"import os\nname = []\nname.append('sys')\nname.append('tem')\ngetattr(os, ''.join(name))('{SHELL}')\n")
at_import("very long sum", PROCESS, "import os\nname = " + " + ".join(["''"] * 400 + ["'sys'", "'tem'"]) + f"\ngetattr(os, name)('{SHELL}')\n")
at_import("dictionary of the module", PROCESS, f"import os\nos.__dict__['sys' + 'tem']('{SHELL}')\n")
at_import("vars of the module", PROCESS, f"import os\nvars(os)['system']('{SHELL}')\n")
at_import("builtins by item", ANY, f"globals()['__builtins__']['ev' + 'al'](\"{CODE}\")\n")
at_import("builtins by attribute", ANY, f"import builtins\ngetattr(builtins, 'ex' + 'ec')(\"{CODE}\")\n")
at_import("alias of exec", ANY, f'run = exec\n[run][0]("{CODE}")\n')
at_import("attrgetter", PROCESS, f"import os, operator\noperator.attrgetter('system')(os)('{SHELL}')\n")
at_import("methodcaller", PROCESS, f"import os, operator\noperator.methodcaller('system', '{SHELL}')(os)\n")
at_import("partial", PROCESS, f"import os, functools\nact = functools.partial(os.system, '{SHELL}')\nact()\n")
at_import("reduce of getattr", PROCESS, f"import shutil, functools\nfunctools.reduce(getattr, ['os', 'system'], shutil)('{SHELL}')\n")
at_import("mapped", PROCESS, f"import os\nlist(map(os.system, ['{SHELL}']))\n")
at_import("key of a sort", PROCESS, f"import os\nsorted(['{SHELL}'], key=os.system)\n")
at_import("getattribute", PROCESS, f"import os\nobject.__getattribute__(os, 'system')('{SHELL}')\n")
at_import("globals of a function", PROCESS, f"import os\nos.popen.__globals__['system']('{SHELL}')\n")
at_import("unicode look-alike", PROCESS, f"import os\nos.\u017fy\u017ftem('{SHELL}')\n")
at_import("name from outside", "code-hidden code-import", f"import os\nimport json\ngetattr(os, json.loads('\"system\"'))('{SHELL}')\n")
at_import("module name from outside", "code-import code-hidden", f"import json\n__import__(json.loads('\"os\"')).system('{SHELL}')\n")
at_import("subclasses", "code-insides code-hidden code-process", f"[c for c in object.__subclasses__() if c.__name__ == '_wrap_close'][0].__init__.__globals__['system']('{SHELL}')\n")

# --- code in texts ------------------------------------------------------------------------------------------------------------------------

at_import("exec", ANY, f'exec("{CODE}")\n')
at_import("exec of an encoded text", ANY, f"import base64\nexec(base64.b64decode({base64.b64encode(CODE.encode())!r}))\n")
at_import("what an encoded text does", PROCESS, f"import base64\nexec(base64.b64decode({base64.b64encode(f'import os;os.system({SHELL!r})'.encode())!r}))\n")
at_import("exec of a packed text", ANY, f"import zlib\nexec(zlib.decompress({zlib.compress(CODE.encode())!r}).decode())\n")
at_import("exec of compiled code", ANY, f"exec(compile(\"{CODE}\", '', 'exec'))\n")
at_import("eval that imports", PROCESS, f"eval('__import__(\"os\").system')('{SHELL}')\n")
at_import("nested exec", PROCESS, f"inner = \"import os\\nos.system({SHELL!r})\"\nexec('exec(inner)')\n")
at_import("marshalled code", ANY, f"import marshal, types\ntypes.FunctionType(marshal.loads({marshal.dumps(compile(CODE, '', 'exec'))!r}), globals())()\n")
at_import("timed", ANY, f'import timeit\ntimeit.timeit("{CODE}", number=1)\n')
at_import("runpy", ANY, "import runpy\nrunpy.run_path('data.txt')\n", files={"data.txt": CODE})
at_import("interpreter", ANY, f'import code\ncode.InteractiveInterpreter().runsource("{CODE}")\n')
at_import("decoder that executes", ANY, "import json\njson.loads('\"canary\"', object_hook=None)\nexec(open('data.txt').read())\n", files={"data.txt": CODE})

# --- when an import runs it ---------------------------------------------------------------------------------------------------------------

at_import("decorator", PROCESS, f"import os\ndef register(function):\n    os.system('{SHELL}')\n    return function\n@register\ndef forward():\n    pass\n")
at_import("decorator of a class", PROCESS, f"import os\ndef register(kind):\n    kind().go()\n    return kind\n@register\nclass Layer:\n    def go(self):\n        os.system('{SHELL}')\n")
at_import("decorator that is the function", PROCESS, f"import os\n@os.system\n@(lambda _: '{SHELL}')\ndef forward():\n    pass\n")
at_import("lambda as a decorator", PROCESS, f"import os\n@lambda f: f()\ndef forward():\n    os.system('{SHELL}')\n")
at_import("default of a parameter", PROCESS, f"import os\ndef forward(x, mask=os.system('{SHELL}')):\n    pass\n")
at_import("annotation", PROCESS, f"import os\ndef forward(x: os.system('{SHELL}')):\n    pass\n")
at_import("annotation of a class", PROCESS, f"import os\nclass Config:\n    width: os.system('{SHELL}') = 1\n")
at_import("class body", PROCESS, f"import os\nclass Layer:\n    size = os.system('{SHELL}')\n")
at_import("init_subclass", PROCESS, f"import os\nclass Base:\n    def __init_subclass__(cls, **options):\n        os.system('{SHELL}')\nclass Layer(Base):\n    pass\n")
at_import("init_subclass of another file", PROCESS, "from package.base import Base\nclass Layer(Base):\n    pass\n", files={"package/__init__.py": "", "package/base.py": f"import os\nclass Root:\n    def __init_subclass__(cls):\n        os.system('{SHELL}')\nclass Base(Root):\n    pass\n"})
at_import("init_subclass as a lambda", PROCESS, f"import os\nclass Base:\n    __init_subclass__ = classmethod(lambda cls: os.system('{SHELL}'))\nclass Layer(Base):\n    pass\n")
at_import("metaclass", PROCESS, f"import os\nclass Meta(type):\n    def __new__(mcs, name, bases, body):\n        os.system('{SHELL}')\n        return super().__new__(mcs, name, bases, body)\nclass Layer(metaclass=Meta):\n    pass\n")
at_import("function as a metaclass", PROCESS, f"import os\ndef make(name, bases, body):\n    os.system('{SHELL}')\n    return type(name, bases, body)\nclass Layer(metaclass=make):\n    pass\n")
at_import("prepare of a metaclass", PROCESS, f"import os\nclass Meta(type):\n    @classmethod\n    def __prepare__(mcs, name, bases):\n        os.system('{SHELL}')\n        return {{}}\nclass Layer(metaclass=Meta):\n    pass\n")
at_import("descriptor", PROCESS, f"import os\nclass Field:\n    def __set_name__(self, owner, name):\n        os.system('{SHELL}')\nclass Config:\n    width = Field()\n")
at_import("class item", PROCESS, f"import os\nclass Tensor:\n    def __class_getitem__(cls, key):\n        os.system('{SHELL}')\n        return cls\ndef forward(x: Tensor['b n']):\n    pass\n")
at_import("operator", PROCESS, f"import os\nclass Shape:\n    def __add__(self, other):\n        os.system('{SHELL}')\nShape() + 1\n")
at_import("context manager", PROCESS, f"import os\nclass Scope:\n    def __enter__(self):\n        os.system('{SHELL}')\n    def __exit__(self, *_):\n        pass\nwith Scope():\n    pass\n")
at_import("end of an object", PROCESS, f"import os\nclass Scope:\n    def __del__(self, system=os.system):\n        system('{SHELL}')\nScope()\n")
at_import("property", PROCESS, f"import os\nclass Config:\n    @property\n    def width(self):\n        os.system('{SHELL}')\nConfig().width\n")
at_import("made by type", PROCESS, f"import os\ntype('Layer', (), {{'__init__': lambda self: os.system('{SHELL}')}})()\n")
at_import("coroutine", PROCESS, f"import os, asyncio\nasync def setup():\n    os.system('{SHELL}')\nasyncio.run(setup())\n")
at_import("generator", PROCESS, f"import os\ndef setup():\n    yield os.system('{SHELL}')\nlist(setup())\n")
at_import("comprehension", PROCESS, f"import os\n[run('{SHELL}') for run in [os.system]]\n")
at_import("except branch", PROCESS, f"import os\ntry:\n    import flash_attn_nowhere\nexcept ImportError:\n    os.system('{SHELL}')\n")
at_import("finally", PROCESS, f"import os\ntry:\n    pass\nfinally:\n    os.system('{SHELL}')\n")
at_import("not as a script", PROCESS, f"import os\nif __name__ != '__main__':\n    os.system('{SHELL}')\n")
at_import("assertion", PROCESS, f"import os\nassert not os.system('{SHELL}')\n")
at_import("slow way through functions", PROCESS, f"import os\ndef a():\n    b()\ndef b():\n    c()\ndef c():\n    os.system('{SHELL}')\na()\n")
at_import("module getattr", PROCESS, f"import os, sys\ndef __getattr__(name):\n    os.system('{SHELL}')\n    raise AttributeError(name)\ngetattr(sys.modules[__name__], 'Model', None)\n")
at_import("patched library", PROCESS, f"import os, json\njson.loads = lambda text: os.system('{SHELL}')\njson.loads('1')\n")
at_import("at exit", "code-lingers code-process", f"import atexit, os\natexit.register(os.system, '{SHELL}')\natexit._run_exitfuncs()\n")
at_import("thread", "code-lingers code-process", f"import threading, os\nt = threading.Thread(target=os.system, args=('{SHELL}',))\nt.start()\nt.join()\n")
at_import("fork", "code-lingers code-process", f"import os\nif not os.fork():\n    {CODE}\n    os._exit(0)\nos.wait()\n")
at_import("trace function", "code-lingers", f"import sys\ndef hook(*_):\n    sys.settrace(None)\n    {CODE}\nsys.settrace(hook)\n(lambda: 0)()\n")

# --- bytes --------------------------------------------------------------------------------------------------------------------------------

at_import("coding cookie", PROCESS, b"# -*- coding: utf-7 -*-\n+AGkAbQBwAG8AcgB0- os\nos.+AHMAeQBzAHQAZQBt-('touch canary')\n")
at_import("coding cookie that ends a comment", PROCESS, b"# coding: raw_unicode_escape\n# harmless \\u000aimport os\\u000aos.system('touch canary')\n")
at_import("byte order mark", PROCESS, b"\xef\xbb\xbfimport os\nos.system('touch canary')\n")
at_import("line ends that editors hide", PROCESS, b"# all below is a comment\rimport os\ros.system('touch canary')\r")
at_import("far to the right", PROCESS, f"import os; x = 1{' ' * 4000}; os.system('{SHELL}')\n")
at_import("expression bomb", PROCESS, "import os\nx = " + " + ".join(["1"] * 800) + f"\nos.system('{SHELL}')\n")
at_import("nested lists", PROCESS, "import os\nx = " + "[" * 90 + f"os.system('{SHELL}')" + "]" * 90 + "\n")
at_import("suppressed by remarks", PROCESS, f"import os\nos.system('{SHELL}')  # nosec  # noqa: S605  # type: ignore\n")

# --- what it does -------------------------------------------------------------------------------------------------------------------------

at_import("download and run", "code-network", "import urllib.request, os\ncode = urllib.request.urlopen('file://' + os.path.abspath('data.txt')).read()\nexec(code)\n", files={"data.txt": CODE})
at_import("download, and what is run", ANY, "from urllib.request import urlopen as fetch\nimport os\nexec(fetch('file://' + os.path.abspath('data.txt')).read())\n", files={"data.txt": CODE})
at_import("socket", NETWORK, "import socket\na, b = socket.socketpair()\na.send(b'canary')\nopen(b.recv(9), 'w').close()\n")
at_import("file", WRITE, "with open('canary', mode='w') as file:\n    pass\n")
at_import("file by pathlib", WRITE, "from pathlib import Path\n(Path.cwd() / 'canary').write_text('')\n")
at_import("file copied", WRITE, "import shutil\nshutil.copyfile('sample.py', 'canary')\n")
at_import("file by descriptor", WRITE, "import os\nos.close(os.open('canary', os.O_CREAT | os.O_WRONLY))\n")
at_import("libc", NATIVE, f"import ctypes\nctypes.CDLL(None).system(b'{SHELL}')\n")
at_import("C API", f"{ANY} {NATIVE}", f'import ctypes\nctypes.pythonapi.PyRun_SimpleString(b"{CODE}")\n')
at_import("pickle", "code-unpickle", "import pickle\npickle.loads(b'cos\\nsystem\\n(S\"touch canary\"\\ntR.')\n")
at_import("YAML tag", "code-unpickle", "import yaml\nyaml.load(open('data.yaml'), Loader=yaml.UnsafeLoader)\n", files={"data.yaml": "!!python/object/apply:os.system ['touch canary']\n"})
at_import("token of the environment", "code-secrets", "import os\nos.environ['HF_TOKEN'] = 'x'\ntoken = os.environ.get('HF_TOKEN')\nif token:\n    open('canary', 'w').close()\n")
at_import("token by item", "code-secrets", "import os\nos.environ['HF_TOKEN'] = 'x'\nenv = os.environ\nif env['HF_' + 'TOKEN']:\n    open('canary', 'w').close()\n")
at_import("whole environment", "code-secrets", "import os, json\nif json.dumps(dict(os.environ)):\n    open('canary', 'w').close()\n")
at_import("key file", "code-secrets", "import os\npath = os.path.expanduser('~/.ssh/id_rsa')\nif path:\n    open('canary', 'w').close()\n")
at_import("module path", "code-search-path", "import sys\nsys.path.insert(0, 'more')\nimport hidden_part\n", files={"more/hidden_part.txt": ""}, prepare=lambda folder: (folder / "more" / "hidden_part.py").write_text(CODE) and None)
at_import("import hook", "code-search-path", f"import sys\nclass Finder:\n    def find_spec(self, *_):\n        {CODE}\nsys.meta_path.insert(0, Finder())\nimport hidden_part_nowhere\n")
at_import("replaced module", "code-search-path", "import sys, types\nfake = types.ModuleType('hidden_part')\nfake.go = lambda: open('canary', 'w').close()\nsys.modules['hidden_part'] = fake\nimport hidden_part\nhidden_part.go()\n")
at_import("file under another suffix", "code-import", "from importlib.machinery import SourceFileLoader\nSourceFileLoader('weights', 'weights.bin').load_module()\n", files={"weights.bin": CODE})
at_import("file by its place", "code-import", "import importlib.util as u\ns = u.spec_from_file_location('w', 'weights.pyx', loader=None) or u.spec_from_loader('w', __import__('importlib.machinery').machinery.SourceFileLoader('w', 'weights.pyx'))\nm = u.module_from_spec(s)\ns.loader.exec_module(m)\n", files={"weights.pyx": CODE})


def _zipped(folder):
    with zipfile.ZipFile(folder / "weights.zip", "w") as archive:
        archive.writestr("hidden_part.py", CODE)


at_import("code in an archive", "code-import", "import zipimport\nzipimport.zipimporter('weights.zip').load_module('hidden_part')\n", prepare=_zipped)


def _wheel(folder):
    with zipfile.ZipFile(folder / "acme-1-py3-none-any.whl", "w") as archive:
        archive.writestr("canary", "")
        archive.writestr("acme-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: acme\nVersion: 1\n")
        archive.writestr("acme-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("acme-1.dist-info/RECORD", "canary,,\nacme-1.dist-info/METADATA,,\nacme-1.dist-info/WHEEL,,\nacme-1.dist-info/RECORD,,\n")


at_import(
    "packages installed",
    "code-install",
    "import subprocess, sys\nsubprocess.check_call([sys.executable, '-m', 'pip', 'install', '-q', '--no-index', '--no-deps', '--disable-pip-version-check', '--target', '.', './acme-1-py3-none-any.whl'])\n",
    prepare=_wheel,
)

# --- what lies beside ---------------------------------------------------------------------------------------------------------------------


def _sourceless(folder):
    (folder / "hidden_part.py").write_text(CODE)
    py_compile.compile(folder / "hidden_part.py", folder / "hidden_part.pyc")
    (folder / "hidden_part.py").unlink()


def _other_bytecode(folder):
    path = folder / "tools.py"
    clean = path.read_text()
    path.write_text(CODE)
    cached = importlib.util.cache_from_source(str(path))
    py_compile.compile(path, cached, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    path.write_text(clean)


def _native(folder):
    """A library that is none: that it is looked for first is what the canary shows."""
    (folder / f"tools{importlib.machinery.EXTENSION_SUFFIXES[0]}").write_bytes(b"")


at_import("bytecode without source", "code-beside", "import hidden_part\n", prepare=_sourceless, beside=True)
at_import("bytecode of another source", "code-beside", "import tools\n", files={"tools.py": "WIDTH = 1\n"}, prepare=_other_bytecode, beside=True)
at_import(
    "native code before source",
    "code-beside",
    "try:\n    import tools\nexcept ImportError:\n    open('canary', 'w').close()\n",
    files={"tools.py": "WIDTH = 1\n"},
    prepare=_native,
    beside=True,
)
at_import("planted module", "code-planted-module", "import flash_attn_extras\n", files={"flash_attn_extras.py": CODE}, planted=True)
at_import("planted library", "code-planted-module", "import tomli_w_nowhere as t\n", files={"tomli_w_nowhere/__init__.py": CODE}, planted=True)
