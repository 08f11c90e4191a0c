"""Assignment, record and pictures of a study: balance, repetition, refusals, what the page may not say."""

import dataclasses
import json
import re

import numpy as np
import pandas as pd
import pytest
from study_material import SYSTEMS, drawing, small_study, stimuli

from lib.base import files, images
from lib.base.errors import StudyError
from lib.evaluation.user_study import definition as studies
from lib.evaluation.user_study import page
from lib.evaluation.user_study import plan as plans
from lib.evaluation.user_study import stimuli as sources

PAPER = {"portraits": [f"p{i:03d}" for i in range(100)], "portraits-wild": [f"w{i:03d}" for i in range(100)]}


def paper_plan(seed=0):
    chosen, spare = plans.choose_faces(PAPER, {"portraits": 20, "portraits-wild": 30}, seed)
    return plans.assign(chosen, SYSTEMS, spare=spare, seed=seed)


def test_the_paper_s_study_is_exactly_balanced():
    plan = paper_plan()
    votes, checks = plan[plan.kind == "vote"], plan[plan.kind == "check"]
    assert len(votes) == 300 and len(checks) == 60 and plan.rater.nunique() == 30
    assert set(votes.groupby(["database", "face"]).size()) == {6}
    by_database = votes.groupby(["rater", "database"]).size().unstack()
    assert set(by_database["portraits"]) == {4} and set(by_database["portraits-wild"]) == {6}
    for column in plans.position_columns(plan):
        assert set(votes[column].value_counts()) == {75}
        assert checks[column].eq(plans.CORRECT).sum() == 15
    assert not votes.duplicated(["rater", "database", "face"]).any()
    assert not (checks.trial == 1).any()
    voted = set(votes[["database", "face"]].itertuples(index=False, name=None))
    assert not voted & set(checks[["database", "face"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("faces, raters, per_rater, systems",
                         [(24, 13, 5, 3), (5, 3, 2, 2), (24, 11, 7, 5), (6, 7, 6, 4)])
def test_other_numbers_are_balanced_within_one(faces, raters, per_rater, systems):
    names = [("a" if i % 3 else "b", str(i)) for i in range(faces)]
    plan = plans.assign(names, [f"s{i}" for i in range(systems)], raters=raters, per_rater=per_rater, checks=1, seed=3)
    spread = plans.balance(plan)
    for row in ("faces per rater", "raters per face", "system at a position", "right answer of a check at a position"):
        assert spread.loc[row, "most"] - spread.loc[row, "fewest"] <= 1, row
    assert not plan[plan.kind == "vote"].duplicated(["rater", "face"]).any()


def test_a_seed_repeats_the_plan_and_another_changes_it(tmp_path):
    assert plans.plan_digest(paper_plan()) == plans.plan_digest(paper_plan())
    assert plans.plan_digest(paper_plan()) != plans.plan_digest(paper_plan(1))
    plans.write_plan(tmp_path / "plan.csv", paper_plan())
    pd.testing.assert_frame_equal(plans.read_plan(tmp_path / "plan.csv"), paper_plan(), check_dtype=False)
    text = (tmp_path / "plan.csv").read_text(encoding="utf-8")
    (tmp_path / "excel.csv").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert plans.plan_digest(plans.read_plan(tmp_path / "excel.csv")) == plans.plan_digest(paper_plan())


def test_one_slip_in_a_code_is_nobody_else_s_code():
    codes = plans.rater_codes(400)
    assert all(set(code) <= set(plans.CODE_LETTERS) and len(code) == plans.CODE_LENGTH for code in codes)
    letters = np.array([list(code) for code in codes])
    different = (letters[:, None] != letters[None]).sum(axis=2)
    assert different[np.triu_indices(400, 1)].min() >= 2


def test_impossible_numbers_are_refused_together():
    with pytest.raises(StudyError, match="(?s)7 systems.*named twice.*9 faces per rater.*0 raters.*reserved"):
        plans.assign([("a", "1")], ["x", "x", "artist", "b", "c", "d", "e"], raters=0, per_rater=9)
    with pytest.raises(StudyError, match="(?s)portraits: 200 faces.*100 at hand.*=NUMBER of a database"):
        plans.choose_faces(PAPER, {"portraits": 200})


def test_a_damaged_plan_names_every_line(tmp_path):
    plan = paper_plan()
    plan.loc[0, "position_1"] = plan.loc[0, "position_2"]
    plan.loc[3, "kind"] = "veto"
    plan.loc[5, "trial"] = 77
    files.write_csv(tmp_path / "plan.csv", plan)
    with pytest.raises(StudyError, match="(?s)line 2.*line 5.*trials are not numbered"):
        plans.read_plan(tmp_path / "plan.csv")
    for text in ("", "a,b\n1,2\n", "\x00\x01"):
        (tmp_path / "plan.csv").write_text(text, encoding="utf-8")
        with pytest.raises(StudyError, match="plan.csv"):
            plans.read_plan(tmp_path / "plan.csv")


def test_a_study_survives_writing_and_notices_changes(tmp_path):
    pictures = stimuli()
    study = small_study(pictures, title="Trial")
    studies.write(tmp_path, study)
    assert studies.read(tmp_path).id == study.id
    assert small_study(pictures, title="Trial").id == study.id
    assert small_study(pictures, title="Other").id != study.id
    assert small_study(pictures, seed=1, title="Trial").id != study.id
    pictures.candidates["dark"][("plain", "face01")][0, 0] ^= 1  # one bit of one picture
    assert small_study(pictures, title="Trial").id != study.id
    record = json.loads((tmp_path / "study.json").read_text(encoding="utf-8"))
    record["rules"]["median_seconds"] = 0.1  # rules may not be changed after the fact
    (tmp_path / "study.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(StudyError, match="changed after the study was built"):
        studies.read(tmp_path)
    for damage in ("[]", "{", '{"rules": {"nonsense": 1}}', '{"rules": {}, "pictures": 3}'):
        (tmp_path / "study.json").write_text(damage, encoding="utf-8")
        with pytest.raises(StudyError, match="study.json"):
            studies.read(tmp_path)


def test_the_page_is_repeatable_self_contained_and_blind():
    pictures = stimuli()
    study = small_study(pictures)
    text = page.page_html(study, pictures)
    assert text == page.page_html(small_study(pictures), pictures)
    written = "".join(re.findall(r'<script type="application/json".*?</script>', text, re.S))
    for word in (*SYSTEMS, *plans.DAMAGES, "face01", "plain", "wild", study.digest):
        assert word not in written, word  # neither systems nor checks nor faces can be read from the source
    assert not re.search(r"""(src|href|url|import|fetch|XMLHttpRequest)\s*[=(]\s*["']?(https?:)?//""", text)
    stored = json.loads(re.search(r'id="images">(.*?)</script>', text, re.S)[1])
    assert list(stored) == sorted(stored)
    face, system = ("wild", "face00"), "coarse"
    judged = stored[study.token(face, system)]
    decoded = images.read_image(_write(judged))
    np.testing.assert_array_equal(decoded, pictures.candidates[system][face])  # what is judged lost nothing


def _write(uri):
    import base64
    import tempfile
    from pathlib import Path

    file = Path(tempfile.mkdtemp()) / "picture.png"
    file.write_bytes(base64.b64decode(uri.split(",", 1)[1]))
    return file


@pytest.mark.parametrize("kind", plans.DAMAGES)
def test_damage_is_plain_to_see_and_repeatable(kind):
    for picture in (drawing(1), np.stack([drawing(1)] * 3, axis=-1)):
        spoilt = sources.damage(picture, kind, ("a", "1"))
        assert spoilt.shape == picture.shape and spoilt.dtype == np.uint8
        np.testing.assert_array_equal(spoilt, sources.damage(picture, kind, ("a", "1")))
        assert np.abs(spoilt.astype(float) - picture).mean() > 4


def folders(tmp_path, faces=5):
    for number in range(faces):
        picture = drawing(number)
        images.write_png(tmp_path / "photos" / f"f{number}.png", np.stack([picture] * 3, axis=-1))
        images.write_png(tmp_path / "sketches" / f"f{number}.png", picture)
        for system in ("one", "two"):
            images.write_png(tmp_path / system / f"f{number}.png", picture // (2 if system == "two" else 1))
    return {system: tmp_path / system for system in ("one", "two")}, tmp_path / "photos", tmp_path / "sketches"


def test_any_folders_will_do_and_what_is_missing_is_listed(tmp_path):
    where = folders(tmp_path)
    images.write_png(tmp_path / "one" / "f0.png", np.stack([drawing(0)] * 3, axis=-1))  # colour would give it away
    gathered = sources.from_folders(*where)
    assert gathered.candidates["one"][("folder", "f0")].ndim == 2
    assert sources.from_folders(*where, "sketch-to-photo").candidates["two"][("folder", "f0")].shape == (125, 100, 3)
    (tmp_path / "two" / "f1.png").unlink()
    (tmp_path / "photos" / "f2.png").unlink()
    with pytest.raises(StudyError, match="(?s)one/f1.png: no partner in .*/two\n.*one/f2.png: no partner in .*/photos"):
        sources.from_folders(*where)


def test_a_picture_of_another_size_is_refused(tmp_path):
    where = folders(tmp_path)
    images.write_png(tmp_path / "two" / "f3.png", drawing(3, 60, 50))
    with pytest.raises(StudyError, match="two, f3: 50×60, but the sketch is 100×125"):
        sources.from_folders(*where)


def test_a_plan_for_other_pictures_is_refused():
    pictures = stimuli()
    fewer = dataclasses.replace(pictures, candidates={k: v for k, v in pictures.candidates.items() if k != "dark"})
    with pytest.raises(StudyError, match="'dark'"):
        studies.create(small_study(pictures).plan, fewer)


@pytest.mark.parametrize("name", ["input", "target", "artist", *plans.DAMAGES])
def test_no_system_may_bear_the_name_of_another_picture(tmp_path, name):
    """Its pictures would never be seen: the page shows the study's own of that name."""
    with pytest.raises(StudyError, match=f"system name '{name}' is reserved"):
        plans.assign([("a", "1"), ("a", "2")], ["one", name], raters=2, per_rater=2, checks=0)
    plan = plans.assign([("a", "1"), ("a", "2")], ["one", "two"], raters=2, per_rater=2, checks=0)
    plans.write_plan(tmp_path / "plan.csv", plan.replace("two", name))
    with pytest.raises(StudyError, match=f"system name '{name}' is reserved"):
        plans.read_plan(tmp_path / "plan.csv")


def test_another_run_stands_in_only_for_systems_without_training(tmp_path, monkeypatch):
    from conftest import made_up_faces

    from lib.base import paths
    from lib.training import run_folders

    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    faces = made_up_faces(2)
    voted = [("portraits", name) for name in faces.names]
    for system in ("lle", "mean-face", "msg-sarl", "drit"):
        run_folders.write_synthesised(paths.run_folder("tiny", "portraits", system, 0), "photo-to-sketch", faces.names,
                               faces.sketches)

    def gather(*systems):
        return sources.from_runs(voted, voted, {"portraits": faces}, systems, profile="tiny", seed=1)

    assert set(gather("lle", "mean-face").candidates) == {"lle", "mean-face"}
    with pytest.raises(sources.MissingPictures, match="msg-sarl/seed1") as error:
        gather("lle", "msg-sarl", "drit")
    assert "--system msg-sarl --profile tiny --seed 1" in str(error.value)
    assert "drit/seed1" in str(error.value)
