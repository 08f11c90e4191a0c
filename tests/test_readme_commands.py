"""What README tells to run or to open is there: its commands, their options, settings, notebooks, links and files."""

from __future__ import annotations

import importlib
import re
import shlex

import numpy as np
import pytest

from lib import __main__, databases
from lib.base import paths, systems
from lib.base.settings import PROFILES
from lib.training import plans

README = (paths.ROOT / "README.md").read_text(encoding="utf-8")


def test_every_notebook_is_listed():
    listed = set(re.findall(r"\(notebooks/(\w+\.ipynb)\)", README))
    assert listed == {notebook.name for notebook in (paths.ROOT / "notebooks").glob("*.ipynb")}


def commands_shown() -> list[str]:
    """The lines of README's code that call this project."""
    code = "\n".join(re.findall(r"```\n(.*?)```", README, flags=re.DOTALL))
    return [line for line in code.splitlines() if line.startswith(("python -m lib", "./run_all.sh"))]


@pytest.mark.parametrize("line", commands_shown())
def test_every_command_that_readme_shows_is_understood(line, monkeypatch):
    words = shlex.split(line, comments=True)
    arguments = ["run", *words[1:]] if words[0] == "./run_all.sh" else words[3:]
    seen = []
    monkeypatch.setattr(importlib.import_module(f"lib.commands.{arguments[0]}"), "run", seen.append)
    assert __main__.main(arguments) == 0
    given = vars(seen[0])
    assert set(np.ravel(given.get("database") or [])) <= set(databases.NAMES)
    for system in np.ravel(given.get("system") or []):
        assert systems.kind_of(str(system)) in ("ablation", "deep", "exemplar"), system
    assert (given.get("profile") or "cpu") in PROFILES


def test_commands_and_options_in_prose_exist(capsys):
    said = ""
    for name in __main__.COMMANDS:
        with pytest.raises(SystemExit):
            __main__.main([name, "--help"])
        said += capsys.readouterr().out
    assert set(re.findall(r"python -m lib ([a-z]+)", README)) <= set(__main__.COMMANDS)
    assert set(re.findall(r"`([a-z]+) --help`", README)) <= set(__main__.COMMANDS)
    options = set(re.findall(r"(?<=[ `])--[a-z][a-z-]+", README)) - {"--help"}
    assert options and options <= set(re.findall(r"--[a-z][a-z-]+", said)), options
    for name in re.findall(r"[a-z][a-z0-9-]+(?:\+[a-z_]+=[a-z0-9.-]+)+", README + said):
        plans.plan("cpu", name)  # raises for a setting or value that does not exist


def test_links_lead_somewhere():
    headings = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
                for heading in re.findall(r"^#+ (.+)$", README, flags=re.MULTILINE)}
    targets = re.findall(r"\]\(([^()\s]+)\)", README)
    assert len(targets) > 30
    for target in targets:
        if target.startswith("#"):
            assert target[1:] in headings, target
        elif not re.match(r"[a-z]+:", target):
            assert (paths.ROOT / target).exists(), target
    for number, file in re.findall(r"\[notebook (\d+)\]\(notebooks/(\d\d)_", README):
        assert int(number) == int(file)
    for file in re.findall(r"`((?:lib|tests|notebooks|results|pretrained)/[\w./-]*)`", README):
        assert (paths.ROOT / file).exists(), file
