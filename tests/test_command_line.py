"""The command line as a whole: options without effect, help at every width, interruptions, bad input of every kind."""

from __future__ import annotations

import pytest

from lib.__main__ import main
from lib.commands import arguments

# What cannot work together: the arguments, what is named as without effect, and a word of the remedy.
WITHOUT_EFFECT = [
    ("score A B --regions", "--regions", "--database"),
    ("score A B --sets-only --colours --force", "--colours, --force", "--database"),
    ("score A B --data D", "--data", "--database"),
    ("score A B --as mine --database cuhk-student --attributes", "--attributes", "without folders"),
    ("sketch photo.png --profile cpu", "--profile", "--system"),
    ("sketch photo.png --checkpoint x.pt --seed 0", "--seed", "--system"),
    ("try --database cufs", "--database", "--system"),
    ("recognise A B --train-identities 3 --force", "--force", "--recogniser"),
    ("recognise A B --recogniser dlib --repeats 20 --method nlda", "--repeats, --method", "leave --recogniser out"),
    ("recognise --recogniser dlib --database cufs --csv x.csv", "--csv", "two folders"),
    ("benchmark --scaling --threads 1", "--threads", "leave out"),
    ("benchmark --roofline --precision fp32 --compiled", "--precision, --compiled", "leave out"),
    ("benchmark --card 795 3.35", "--card", "--roofline"),
    ("run --check --refresh", "--refresh", "writes nothing"),
    ("train --database cufs --system lle --jobs 2", "--jobs", "--grid"),
    ("train --database cufs --grid rivals --launcher local --memory 3 --sbatch qos=low", "--memory, --sbatch", "slurm"),
    ("prepare --database portraits --exclude-broken", "--exclude-broken", "drawn"),
    ("study build --candidate A=a --photos p --sketches s --profile quick", "--profile", "run folders"),
    ("study build --database cufs --faces 3", "--faces", "--candidate"),
    ("study build --plan plan.csv --raters 30 --checks 2", "--raters, --checks", "--plan"),
    ("study build --plan plan.csv --system lle", "--system", "--plan"),
    ("study build --candidate A=a --photos p --sketches s --plan plan.csv --faces 3", "--faces", "--plan"),
]


@pytest.mark.parametrize("line, named, remedy", WITHOUT_EFFECT)
def test_an_option_without_effect_is_refused_with_the_remedy(line, named, remedy, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    assert main(line.split()) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {','.join(named.split(','))}: without effect here. ") and remedy in said
    assert not list(tmp_path.iterdir())


def test_given_is_what_stood_on_the_line_also_with_the_default_value():
    parser = arguments.Parser()
    parser.add_argument("--number", type=int, default=3)
    parser.add_argument("--several", action="append", default=[])
    parser.add_argument("--switch", action="store_true")
    inner = parser.add_subparsers(dest="command").add_parser("inner")
    inner.add_argument("--profile", default="cpu")
    inner.add_argument("file", nargs="?")
    assert parser.parse_args([]).given == set()
    assert parser.parse_args("--number 3 --several a --switch".split()).given == {"number", "several", "switch"}
    options = parser.parse_args("inner --profile cpu".split())
    assert options.given == {"profile"} and options.number == 3 and options.file is None
