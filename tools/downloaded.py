"""An environment in which a chapter runs as it does for someone who has downloaded it.

The module is built into a wheel, and that is installed into a new environment. Of the packages that
are installed here, the environment has only those that the wheel asks for and those of a Jupyter
kernel: none of the extras, nothing of the book.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from fingerprint import BUILD, ROOT, fingerprint, read
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

SOURCES = ("lstm_from_scratch", "results", "pyproject.toml", "README.md", "LICENSE")
"""What the wheel is made of; copied first, so that building leaves nothing in the checkout."""

KERNEL = "downloaded"
"""What Jupyter calls the kernel of the new environment."""

# Stands in the new environment and is imported when its Python starts.
HIDE = """\
import sys


class Hidden:
    \"\"\"Keeps what was not asked for from being found.\"\"\"

    names = frozenset({names})

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in cls.names:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Hidden)
"""


def build_wheel(folder: Path) -> Path:
    """Build the wheel into a folder, with the setuptools that is installed here."""
    source = folder / "source"
    source.mkdir(parents=True)
    for name in SOURCES:
        if (ROOT / name).is_dir():
            unwanted = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, source / name, ignore=unwanted)
        else:
            shutil.copy(ROOT / name, source)
    pip("wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", folder, source)
    (wheel,) = folder.glob("*.whl")
    return wheel


def pip(*arguments: str | Path) -> None:
    """Run pip without a network."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*command, *arguments, "--no-index", "--quiet"], check=True)


def asked_for(requirements: Iterable[str]) -> set[str]:
    """The installed packages that fulfil requirements, and theirs, by their canonical names."""
    found: dict[str, set[str]] = {}
    waiting = [(text, {""}) for text in requirements]  # and the extras for which they are asked
    while waiting:
        text, extras = waiting.pop()
        package = Requirement(text)
        marker = package.marker
        if marker and not any(marker.evaluate({"extra": extra}) for extra in extras):
            continue
        name = canonicalize_name(package.name)
        new = {"", *package.extras} - found.setdefault(name, set())
        found[name] |= new
        if new:
            waiting += [(inner, new) for inner in metadata.requires(name) or ()]
    return set(found)


def not_asked_for(requirements: Iterable[str]) -> list[str]:
    """The modules that are installed here, and that neither we nor a requirement brings along."""
    wanted = asked_for(requirements)
    return sorted(
        module
        for module, packages in metadata.packages_distributions().items()
        if module != "lstm_from_scratch" and wanted.isdisjoint(map(canonicalize_name, packages))
    )


def make_environment(folder: Path, wheel: Path) -> Path:
    """Install a wheel into a new environment and return the path of its Python."""
    builder = venv.EnvBuilder(symlinks=os.name != "nt")
    builder.create(folder)
    place = builder.ensure_directories(folder)
    pip("--python", place.env_exe, "install", "--no-deps", wheel)
    (packages,) = folder.rglob("site-packages")
    # A folder that is named in a .pth file is looked into last, and the .pth files in it are not
    # read: so the module is that of the wheel, not the checkout's, which is installed here.
    here = dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
    (packages / "here.pth").write_text("\n".join([*here, "import hide", ""]), encoding="utf-8")
    (ours,) = metadata.distributions(name="lstm-from-scratch", path=[str(packages)])
    hidden = not_asked_for([*ours.requires, "ipykernel"])
    (packages / "hide.py").write_text(HIDE.format(names=hidden), encoding="utf-8")
    return Path(place.env_exe)


def make_kernel(folder: Path, python: Path) -> None:
    """Write for Jupyter how to start a kernel in the new environment."""
    specification = {
        "argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "A downloaded chapter",
        "language": "python",
        "env": {"PYTHONPATH": ""},
    }
    place = folder / "kernels" / KERNEL / "kernel.json"
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(specification), encoding="utf-8")


def kernel() -> tuple[Path, Path]:
    """The folder in which Jupyter finds the kernel, and the wheel that it runs with.

    Both are kept as long as the module and the packages stay what they are.
    """
    folder, now = BUILD / "downloaded", fingerprint((*SOURCES, "requirements.txt"))
    stamp = folder / "made_from.sha256"
    if read(stamp) != now:
        shutil.rmtree(folder, ignore_errors=True)
        wheel = build_wheel(folder / "wheel")
        make_kernel(folder / "jupyter", make_environment(folder / "environment", wheel))
        stamp.write_text(now, encoding="utf-8")
    (wheel,) = (folder / "wheel").glob("*.whl")
    return folder / "jupyter", wheel
