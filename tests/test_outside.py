"""A folder from elsewhere beside a study: scored as a run is, paired with all of them, and no other table changes."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import made_up_faces
from made_up_databases import names

from lib import __main__
from lib.base import files, paths
from lib.base.errors import StudyError
from lib.base.images import write_png
from lib.databases import PairedFaces
from lib.evaluation import scoring
from lib.evaluation.recognition import recognise_runs
from lib.findings import outside
from lib.training import make_run, run_folders

DIRECTIONS = ("photo-to-sketch", "sketch-to-photo")
COUNT = 9


def shifted(faces, by):
    return np.roll(faces, by, axis=2)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Two runs of MSG-SARL and one of RSLCR, scored and recognised, and their targets; tests change nothing in it."""
    patch = pytest.MonkeyPatch()
    root = tmp_path_factory.mktemp("outside")
    patch.setenv("MSGSARL_RESULTS", str(root / "results"))
    patch.setenv("MSGSARL_CACHE", str(root / "cache"))
    faces = made_up_faces(COUNT)
    faces = PairedFaces("cuhk-student", "test", faces.photos, faces.sketches,
                        tuple(names("cuhk-student", "test", COUNT)), ("cuhk-student",) * COUNT)
    patch.setattr(make_run, "load_faces", lambda database, settings, split: faces)
    for system, seed, by in (("msg-sarl", 0, 1), ("msg-sarl", 1, 3), ("rslcr", 0, 6)):
        run = paths.run_folder("tiny", "cuhk-student", system, seed)
        run_folders.write_synthesised(run, "photo-to-sketch", faces.names, shifted(faces.sketches, by))
        run_folders.write_synthesised(run, "sketch-to-photo", faces.names, shifted(faces.photos, by))
        files.write_json(run / "run.json", {"system": system, "seed": seed})
    scoring.score_study("tiny", "cuhk-student")
    recognise_runs.recognise_runs(paths.study_folder("tiny", "cuhk-student"), faces)
    for direction, real in zip(DIRECTIONS, (faces.sketches, faces.photos)):
        for name, face in zip(faces.names, real):  # called as the database's sketches are
            write_png(root / direction / "real" / f"{name}-sz1.png", face)
            write_png(root / direction / "mine" / f"{name}.png", shifted(face[None], 3)[0])
    yield root
    patch.undo()


def brought(study, direction, name="mine", **options):
    return outside.bring(study / direction / "real", study / direction / "mine", "cuhk-student", name, **options)


def contents(folder):
    return {file: file.read_bytes() for file in folder.rglob("*.csv") if "outside" not in file.parts}


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_images_of_a_run_get_its_scores_and_its_recognition(study, direction):
    mine = brought(study, direction)
    assert mine.direction == direction and mine.profile == "tiny" and mine.left == 0
    theirs = scoring.read_scores("tiny", "cuhk-student").images.query(
        "system == 'msg-sarl' and seed == 1 and direction == @direction")
    rows = mine.table[mine.table.system == "mine"].set_index("metric")
    for metric, part in theirs.groupby("metric"):
        assert rows.value[metric] == pytest.approx(100 * part.value.mean(), abs=1e-9)
    assert set(rows.label) == {"mine (brought from outside)"} and rows.published.isna().all()
    curves = mine.recognition.curves[mine.recognition.curves.direction == direction].set_index(["split", "dimension"])
    own, run = (curves[(curves.system == system) & (curves.seed == seed)].accuracy
                for system, seed in (("mine", 0), ("msg-sarl", 1)))
    assert len(own) and own.equals(run)
    assert mine.recognised.set_index("system").difference["random-pairing"] > 0


def test_comparisons_are_paired_face_by_face_and_corrected(study):
    mine = brought(study, "photo-to-sketch")
    scores = scoring.read_scores("tiny", "cuhk-student").images.query("direction == 'photo-to-sketch'")
    own = scores.query("system == 'msg-sarl' and seed == 1").set_index(["metric", "image"]).value
    assert set(mine.comparisons.system) == {"msg-sarl", "rslcr"} and len(mine.comparisons) == 6
    for metric, part in mine.comparisons.groupby("metric"):
        for row in part.itertuples():
            other = scores[(scores.system == row.system) & (scores.metric == metric)].groupby("image").value.mean()
            gain = 100 * (own[metric] - other)
            assert row.difference == pytest.approx(gain.mean()) and row.low <= row.difference <= row.high
            if row.system == "rslcr":  # one training each: the paired t test over faces
                t = gain.mean() / (gain.std(ddof=1) / COUNT**0.5)
                from scipy import stats
                assert row.p_value == pytest.approx(2 * stats.t.sf(abs(t), COUNT - 1), rel=1e-3, abs=1e-9)
    in_order = mine.comparisons.sort_values("p_value")
    steps = [min(1, (6 - place) * p) for place, p in enumerate(in_order.p_value)]
    assert in_order.p_holm.tolist() == pytest.approx([max(steps[:place + 1]) for place in range(6)])  # all together


def test_the_command_marks_writes_draws_and_leaves_the_study_alone(study, capsys):
    before = contents(study / "results")
    where = study / "photo-to-sketch"
    assert __main__.main(["score", str(where / "real"), str(where / "mine"), "--database", "cuhk-student", "--as",
                          "my method"]) == 0, capsys.readouterr().err
    told, steps = capsys.readouterr()
    assert [word in line for word,
            line in zip(("scoring 9", "comparing", "recognising"), steps.splitlines())] == [True] * 3
    assert "my method (brought from outside)" in told and "my method minus" in told and "Holm" in told
    assert "NLDA rank-1" in told and "not for other trainings" in told
    folder = paths.study_folder("tiny", "cuhk-student") / "outside" / "my method"
    assert {file.name for file in folder.iterdir()} == {f"{stem}_photo-to-sketch.{suffix}" for stem, suffix in (
        ("table", "csv"), ("table", "md"), ("comparisons", "csv"), ("recognition", "csv"), ("scores", "png"),
        ("recognition", "png"))}
    assert "my method" in (folder / "table_photo-to-sketch.md").read_text(encoding="utf-8")
    assert contents(study / "results") == before
    assert "my method" not in set(scoring.score_study("tiny", "cuhk-student").images.system)


def test_a_study_without_recognition_is_said_to_have_none(study, tmp_path, monkeypatch):
    shutil.copytree(study / "results", tmp_path / "results")
    (tmp_path / "results" / "tiny" / "cuhk-student" / "recognition.json").unlink()
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path / "results"))
    steps = []
    found = brought(study, "photo-to-sketch", report=steps.append)
    assert found.recognised is None and len(steps) == 3
    assert "recognising nobody" in steps[2] and "run_all.sh --profile tiny --database cuhk-student" in steps[2]


def test_other_targets_are_refused(study, tmp_path):
    for file in (study / "photo-to-sketch" / "real").iterdir():
        from lib.base.images import read_image
        face = read_image(file).copy()
        face[0, 0] ^= 1
        write_png(tmp_path / file.name, face)
    with pytest.raises(StudyError, match="not the faces that the systems of cuhk-student.*were scored against"):
        outside.bring(tmp_path, study / "photo-to-sketch" / "mine", "cuhk-student", "mine")


def test_absent_repeated_and_other_sized_images_are_refused(study, tmp_path):
    real = study / "photo-to-sketch" / "real"
    mine = tmp_path / "mine"
    mine.mkdir()
    for file in (study / "photo-to-sketch" / "mine").iterdir():
        (mine / file.name).write_bytes(file.read_bytes())
    first, second, *_ = sorted(mine.iterdir())
    content = first.read_bytes()
    first.unlink()
    with pytest.raises(StudyError, match=f"1 picture of test faces of cuhk-student missing(.|\n)*{first.stem}: not in"):
        outside.bring(real, mine, "cuhk-student", "mine")
    write_png(first, np.zeros((256, 256), np.uint8))
    with pytest.raises(StudyError, match=f"1 image is not 200×250(.|\n)*{first.name}: 256×256"):
        outside.bring(real, mine, "cuhk-student", "mine")
    first.write_bytes(content)
    (mine / f"{second.stem}-sz1.png").write_bytes(content)
    with pytest.raises(StudyError, match="several images of one face(.|\n)*-sz1.png"):
        outside.bring(real, mine, "cuhk-student", "mine")
    (mine / f"{second.stem}-sz1.png").rename(mine / "f-005-01.png")  # a training face
    assert outside.bring(real, mine, "cuhk-student", "mine").left == 1


@pytest.mark.parametrize("options, told", [
    ({"name": "msg-sarl"}, "is a system of this study"), ({"name": "../mine"}, "is made of letters"),
    ({"name": "a+b=c"}, "is made of letters"), ({"database": "cuhk"}, "Did you mean cuhk-student"),
    ({"database": "portraits"}, "no study of portraits has scores"), ({"profile": "quick"}, "scores.csv: missing")])
def test_unusable_names_are_refused(study, options, told):
    arguments = {"reference": study, "results": study, "database": "cuhk-student", "name": "mine", **options}
    with pytest.raises(StudyError) as caught:
        outside.bring(**arguments)
    assert told in str(caught.value)


def test_floors_are_told_for_faces_that_a_study_knows(study, capsys):
    """The tables of the study say what its controls reach; here they are typed."""
    table = paths.study_folder("tiny", "cuhk-student") / "tables" / "rivals_photo-to-sketch.csv"
    files.write_csv(table, pd.DataFrame({"system": ["grey-input", "msg-sarl"], "metric": ["ssim", "ssim"],
                                         "value": [56.29, 64.9]}))
    where = study / "photo-to-sketch"
    try:
        assert __main__.main(["score", str(where / "real"), str(where / "mine"), "--pattern", "(.+?)(?:-sz1)?",
                              "--metrics", "ssim"]) == 0
        told = capsys.readouterr().out
        assert "these are the test faces of cuhk-student" in told and "input, grey 56.3" in told and "64.9" not in told
        for file in list((where / "mine").iterdir())[:2]:
            (study / "two" / file.name).parent.mkdir(exist_ok=True)
            (study / "two" / file.name).write_bytes(file.read_bytes())
        assert __main__.main(["score", str(study / "two"), str(study / "two"), "--metrics", "ssim"]) == 0
        assert "test faces of" not in capsys.readouterr().out
    finally:
        table.unlink()
