"""Pages that are one HTML file: style and scripts inside, under a security policy that names these by their hashes.

Whatever a title contains, nothing else runs or is fetched.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path


def filled(folder: Path, scripts: Sequence[str], allowed: Sequence[str], parts: Mapping[str, str]) -> str:
    """``page.html`` of a folder with its ``page.css`` and ``scripts`` inside.

    allowed: what the policy permits besides them, such as ``img-src data:``.  parts: what stands for ``%%NAME%%`` in
    the template, as HTML; POLICY, STYLE and SCRIPT are filled in here.
    """
    style = (folder / "page.css").read_text(encoding="utf-8")
    script = "\n".join((folder / name).read_text(encoding="utf-8") for name in scripts)
    policy = "; ".join(("default-src 'none'", *allowed, f"style-src {_source(style)}", f"script-src {_source(script)}",
                        "base-uri 'none'", "form-action 'none'"))
    parts = {**parts, "POLICY": html.escape(policy), "STYLE": style, "SCRIPT": script}
    template = (folder / "page.html").read_text(encoding="utf-8")
    return re.sub(r"%%([A-Z]+)%%", lambda match: parts[match[1]], template)


def _source(text: str) -> str:
    """How a policy names a style or a script."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
