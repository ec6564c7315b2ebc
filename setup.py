"""Builds the compiled modules. Every ``*_cy.py`` also runs uncompiled; the extension is an optimisation."""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

SOURCES = sorted(Path("src").rglob("*_cy.py"))

setup(
    ext_modules=cythonize(
        [Extension(".".join(path.with_suffix("").parts[1:]), [str(path)], extra_compile_args=["-O2"]) for path in SOURCES],
        # Bounds checks stay on where peer bytes are read; negative indices are never used there.
        compiler_directives={"language_level": "3", "boundscheck": True, "wraparound": False, "initializedcheck": False},
    ),
    # One C compiler a core.
    options={"build_ext": {"parallel": True}},
)
