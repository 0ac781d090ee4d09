"""Ways to run the Python in a file: by an import, in a thread, from bytecode, and past the import system."""

from __future__ import annotations

import concurrent.futures
import importlib
import importlib.machinery
import importlib.util
import marshal
import pkgutil
import py_compile
import runpy
import shutil
import sys
import threading
import zipfile

__all__ = ["FROM_SOURCE", "WAYS", "exec_its_text", "import_it"]


def import_it(path):
    spec = importlib.util.spec_from_file_location("evil", path)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def import_other_suffix(path):
    text = str(shutil.copy(path, path.with_suffix(".txt")))
    loader = importlib.machinery.SourceFileLoader("evil", text)
    spec = importlib.util.spec_from_loader("evil", loader)
    loader.exec_module(importlib.util.module_from_spec(spec))


class OwnLoader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname):
        return compile(self.get_data(self.path), "<made here>", "exec")


def import_with_own_loader(path):
    loader = OwnLoader("evil", str(path))
    spec = importlib.util.spec_from_loader("evil", loader)
    loader.exec_module(importlib.util.module_from_spec(spec))


def import_bytecode(path):
    bytecode = py_compile.compile(str(path), str(path.with_suffix(".pyc")))
    loader = importlib.machinery.SourcelessFileLoader("evil", bytecode)
    spec = importlib.util.spec_from_loader("evil", loader)
    loader.exec_module(importlib.util.module_from_spec(spec))


def import_from_archive(path):
    archive = path.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as file:
        file.write(path, "evil.py")
    importer = importlib.import_module("zipimport").zipimporter(str(archive))
    spec = importer.find_spec("evil")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def exec_its_text(path):
    with open(path) as file:
        exec(file.read(), {})


def exec_its_text_without_futures(path):
    with open(path) as file:
        exec(compile(file.read(), "", "exec", dont_inherit=True), {})


def exec_its_text_without_docstrings(path):
    with open(path) as file:
        exec(compile(file.read(), "", "exec", optimize=2), {})


def exec_its_tree(path):
    import ast

    exec(compile(ast.parse(path.read_text()), "", "exec"), {})


def run_its_path(path):
    runpy.run_path(str(path))


def run_its_bytecode(path):
    bytecode = py_compile.compile(str(path), str(path.with_suffix(".pyc")))
    with open(bytecode, "rb") as file:
        exec(pkgutil.read_code(file), {})


def unmarshal_it(path):
    bytecode = py_compile.compile(str(path), str(path.with_suffix(".pyc")))
    with open(bytecode, "rb") as file:
        exec(marshal.loads(file.read()[16:]), {})


def import_namespace_package(path):
    sys.path.insert(0, str(path.parent.parent))
    try:
        importlib.import_module("repository.evil")
    finally:
        sys.path.remove(str(path.parent.parent))
        for name in ("repository", "repository.evil"):
            sys.modules.pop(name, None)


def import_by_a_finder_of_its_own(path):
    class Finder:
        @staticmethod
        def find_spec(name, _path=None, _target=None):
            return importlib.util.spec_from_file_location(name, path) if name == "evil_by_finder" else None

    sys.meta_path.insert(0, Finder)
    try:
        importlib.import_module("evil_by_finder")
    finally:
        sys.meta_path.remove(Finder)
        sys.modules.pop("evil_by_finder", None)


def import_in_a_thread(path):
    errors = []

    def work():
        try:
            import_it(path)
        except BaseException as error:  # noqa: BLE001 raised again where it is looked for
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def import_in_a_pool(path):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(import_it, path).result()


WAYS = [
    import_it,
    import_other_suffix,
    import_with_own_loader,
    import_bytecode,
    import_from_archive,
    exec_its_text,  # with the future of this module
    exec_its_text_without_futures,
    exec_its_text_without_docstrings,
    exec_its_tree,
    run_its_path,
    run_its_bytecode,
    unmarshal_it,
    import_namespace_package,
    import_by_a_finder_of_its_own,
    import_in_a_thread,
    import_in_a_pool,
]


FROM_SOURCE = [import_it, import_other_suffix, exec_its_text, exec_its_tree, run_its_path, import_namespace_package]
