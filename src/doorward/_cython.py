"""Stands in for Cython's shadow module when it is not installed: the names that ``*_cy.py`` modules use, without effect."""

from __future__ import annotations

from typing import Any, TypeVar

_T = TypeVar("_T")

compiled = False

int = object
longlong = object
Py_ssize_t = object
bint = object


def cfunc(function: _T) -> _T:
    """Mark a C-level function."""
    return function


def cclass(cls: _T) -> _T:
    """Mark an extension type."""
    return cls


def inline(function: _T) -> _T:
    """Ask the C compiler to inline."""
    return function


def declare(_type: Any = None, value: Any = None, **_names: Any) -> Any:
    """Declare a C variable."""
    return value


def exceptval(*_args: Any, **_options: Any) -> Any:
    """Declare how a C function reports an exception."""
    return lambda function: function
