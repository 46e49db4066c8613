"""Stand-ins for the packages that the real pod imports and never uses here: torch and its like.

This folder is put first on the path of the real software's Python, so that this module is imported at the start of
every one of its processes, children too. A stand-in gives any name that it is asked for; whatever would compute with
one fails, so that nothing of a test rests on it.
"""

from __future__ import annotations

import abc
import importlib.abc
import importlib.machinery
import sys
import types
import typing

ABSENT = frozenset(
    {
        "GPUtil", "albumentations", "asyncpg", "datadog_api_client", "imagecodecs_lite", "lightning", "monai", "onnx",
        "onnxruntime", "opacus", "oracledb", "peft", "pyodbc", "pytorch_lightning", "safetensors", "snsql",
        "statsmodels", "tensorboard", "timm", "torch", "torch_optimizer", "torchio", "torchmetrics", "torchvision",
        "totalsegmentator", "transformers",
    }
)  # fmt: skip


class _AnyClass(abc.ABCMeta):
    """The class of stand-in classes: they can be subclassed, put into unions and used as decorators."""

    def __getattr__(cls, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return _made(name)

    def __call__(cls, *given: object, **named: object) -> object:
        if "_stands_in" in cls.__dict__ and len(given) == 1 and not named and callable(given[0]):
            return given[0]
        return super().__call__(*given, **named)

    def __or__(cls, other: object) -> object:
        return typing.Union[cls, other]  # noqa: UP007  `|` would come back here

    def __ror__(cls, other: object) -> object:
        return typing.Union[other, cls]  # noqa: UP007  `|` would come back here

    def __getitem__(cls, item: object) -> object:
        return cls

    def __iter__(cls) -> typing.Iterator[object]:
        return iter(())


def _of_instance(self: object, name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)
    return _made(name)()


def _called(self: object, *given: object, **named: object) -> object:
    return given[0] if len(given) == 1 and callable(given[0]) and not named else self


def _made(name: str) -> _AnyClass:
    return _AnyClass(
        name,
        (),
        {
            "_stands_in": True,
            "__init__": lambda self, *given, **named: None,
            "__call__": _called,
            "__getattr__": _of_instance,
            "__enter__": lambda self: self,
            "__exit__": lambda self, *given: False,
            "__class_getitem__": classmethod(lambda cls, item: cls),
            "__module__": "stand_in",
        },
    )


class _Module(types.ModuleType):
    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _made(name)
        setattr(self, name, made)
        return made


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] in ABSENT:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        made = _Module(spec.name)
        made.__path__ = []
        made.__version__ = "0.0.0"
        return made

    def exec_module(self, module: types.ModuleType) -> None:
        return


sys.meta_path.insert(0, _Finder())
