"""Recognition by a network: rates against hand-worked cases, closed forms and SciPy; the study's tables; the command.

The network itself is tested in ``test_faces_found``; here a plain function takes its place.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from conftest import made_up_faces
from scipy import stats

from lib.__main__ import main
from lib.base import images
from lib.base.errors import StudyError
from lib.evaluation.recognition import deep_runs, deep_statements, recognisers, verification
from lib.evaluation.recognition.recognisers import Recogniser, embed_all
from lib.figures import deep_recognition as figures

RNG = np.random.default_rng(7)


def matrix(own, wrong):
    """Distances of n people from those of right pairs (n,) and of wrong pairs (n·(n − 1),)."""
    n = len(own)
    result = np.empty((n, n))
    result[np.eye(n, dtype=bool)] = own
    result[~np.eye(n, dtype=bool)] = wrong
    return result


def test_ranks_by_hand():
    distance = np.array([[1, 2, 3, 4], [0, 5, 9, 9], [2, 2, 2, 9], [1, 2, 3, 3]], float)
    outcome = verification.judge(distance)
    assert outcome.nearer.tolist() == [0, 1, 0, 2] and outcome.tied.tolist() == [1, 1, 3, 2]
    assert verification.within(outcome.nearer, outcome.tied, 1).tolist() == [1, 0, 1 / 3, 0]
    assert verification.within(outcome.nearer, outcome.tied, 2).tolist() == [1, 1, 2 / 3, 0]
    assert verification.within(outcome.nearer, outcome.tied, 3).tolist() == [1, 1, 1, 0.5]


def test_rates_of_two_uniform_distributions():
    """Right pairs even on (0, 1), wrong ones on (0.5, 1.5): TAR = FAR + 0.5, and equal error where FAR = 0.25."""
    n = 200
    distance = matrix(RNG.permutation((np.arange(n) + 0.5) / n),
                      RNG.permutation(0.5 + (np.arange(n * (n - 1)) + 0.5) / (n * (n - 1))))
    outcome = verification.judge(distance)
    assert outcome.accepted.mean() == pytest.approx(0.51, abs=1 / n)
    assert outcome.rejected.mean() == pytest.approx(0.25, abs=1 / n)
    grid = np.array(verification.GRID)
    np.testing.assert_allclose(outcome.roc, np.minimum(grid + 0.5, 1), atol=1.01 / n)


@pytest.mark.parametrize("levels", [5, 40, 10**6])
def test_the_roc_is_scipy_s_and_rates_agree_with_each_other(levels):
    n = 30
    own, wrong = RNG.normal(0, 1, n), RNG.normal(1, 1, n * (n - 1))
    own, wrong = (np.round(values * levels) / levels for values in (own, wrong))  # with few levels: many ties
    distance = matrix(own, wrong)
    _, far, tar = verification._rates(distance)
    area = stats.mannwhitneyu(wrong, own).statistic / (len(own) * len(wrong))
    assert np.trapezoid(tar, far) == pytest.approx(area, abs=1e-12)
    outcome = verification.judge(distance)
    assert outcome.falsely_accepted.mean() == pytest.approx(outcome.rejected.mean(), abs=1e-12)
    shifted = verification.judge(3 * distance + 1)  # only the order counts
    np.testing.assert_allclose(shifted.accepted, outcome.accepted, atol=1e-9)
    # by the definition: no threshold accepts more right pairs with at most 1 % of the wrong ones
    best = max(np.mean(own <= t) for t in [-np.inf, *own, *wrong] if np.mean(wrong <= t) <= 0.01)
    assert best - 1e-12 <= outcome.accepted.mean() <= best + 1 / n + np.mean(np.isin(own, wrong))


def test_perfect_and_blind_recognition():
    perfect = verification.judge(matrix(np.zeros(6), np.ones(30)))
    assert perfect.accepted.all() and perfect.rejected.mean() == 0 and (perfect.roc == 1).all()
    blind = verification.judge(np.ones((6, 6)))
    np.testing.assert_allclose(blind.roc, verification.GRID, atol=1e-12)
    assert blind.rejected.mean() == pytest.approx(0.5) and blind.accepted.mean() == pytest.approx(0.01)
    worst = verification.judge(matrix(np.ones(6), np.zeros(30)))
    assert not worst.accepted.any() and worst.rejected.mean() == 1
    with pytest.raises(StudyError, match="two people"):
        verification.distances(np.ones((1, 3)), np.ones((1, 3)))


def brightness(image):
    """A recogniser anybody could write: means of 4 × 4 fields."""
    grey = images.to_grey(image) if image.ndim == 3 else image
    return np.array([part.mean() for rows in np.array_split(grey.astype(float), 4)
                     for part in np.array_split(rows, 4, axis=1)])


def test_equal_images_are_embedded_once_and_kept_ones_once_for_ever(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path))
    calls = []

    def embed(image):
        calls.append(image)
        return brightness(image)

    faces = RNG.integers(0, 256, (3, 20, 16)).astype(np.uint8)
    for kept, expected in ((False, [3, 6]), (True, [9, 9])):
        recogniser = Recogniser("some", embed, kept=kept)
        for count in expected:
            vectors = embed_all(recogniser, faces[[0, 1, 0, 2]], list("abcd"))
            assert len(calls) == count
            np.testing.assert_array_equal(vectors, [brightness(face) for face in faces[[0, 1, 0, 2]]])
    embed_all(Recogniser("other", embed, kept=True), faces, list("abc"))
    assert len(calls) == 12


@pytest.mark.parametrize("embed, words", [
    (lambda image: np.ones((2, 2)), "^a: .*vector of numbers"), (lambda image: [np.nan], "NaN"),
    (lambda image: np.ones(image[0, 0]), "several lengths"),
])
def test_a_function_that_gives_no_vectors_is_refused(embed, words):
    faces = np.array([np.full((2, 2), 1), np.full((2, 2), 2)], np.uint8)
    with pytest.raises(StudyError, match=words):
        embed_all(Recogniser("some", embed), faces, ["a", "b"])


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study of 12 people: a system that copies the target twice (two seeds), one that is noise, one not here."""
    folder = tmp_path_factory.mktemp("results") / "tiny" / "made-up"
    faces = dataclasses.replace(made_up_faces(12), split="test")
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, faces.sketches.shape).astype(np.uint8)
    for system, seed, made in (("msg-sarl", 0, faces.sketches), ("msg-sarl", 1, 255 - noise), ("lle", 0, noise)):
        for name, face in zip(faces.names, made):
            images.write_png(folder / system / f"seed{seed}" / "photo-to-sketch" / f"{name}.png", face)
    (folder / "fcn" / "seed0").mkdir(parents=True)
    return folder, faces


def test_a_study_is_judged_once_and_rows_outlive_their_faces(study):
    folder, faces = study
    recogniser = Recogniser("brightness", brightness)
    tables = deep_runs.recognise_runs(folder, faces, recogniser)
    assert {"photo-to-sketch/msg-sarl/1", "photo-to-sketch/colour-input/0", "sketch-to-photo/grey-input/0"} <= {
        *tables.computed}
    assert {"photo-to-sketch/fcn/0", "sketch-to-photo/lle/0"} <= {*tables.absent}
    again = deep_runs.recognise_runs(folder, faces, recogniser)
    assert again.computed == () and again.probes.equals(
        pd.read_csv(folder / "deep_recognition-brightness.csv", encoding="utf-8"))
    file = folder / "lle" / "seed0" / "photo-to-sketch" / f"{faces.names[0]}.png"
    content = file.read_bytes()
    file.unlink()
    with pytest.raises(StudyError, match="1 of 12 images missing"):
        deep_runs.recognise_runs(folder, faces, recogniser)
    images.write_png(file, faces.sketches[0])
    assert deep_runs.recognise_runs(folder, faces, recogniser).computed == ("photo-to-sketch/lle/0",)
    file.write_bytes(content)
    for picture in file.parent.iterdir():
        picture.unlink()
    kept = deep_runs.recognise_runs(folder, faces, recogniser)
    assert kept.computed == () and "lle" in set(kept.probes.system) and "photo-to-sketch/lle/0" not in kept.absent
    others = dataclasses.replace(faces, sketches=faces.sketches[::-1].copy())
    assert "lle" not in set(deep_runs.recognise_runs(folder, others, recogniser).probes.system)


def test_statements_about_a_study(study):
    folder, faces = study
    tables = deep_runs.recognise_runs(folder, faces, Recogniser("brightness", brightness), force=True)
    rows = deep_statements.summary(tables).set_index(["direction", "system"])
    ours, ceiling = (rows.loc["photo-to-sketch", name] for name in ("msg-sarl", "recompressed-target"))
    assert ceiling["rank-1"] == 1 and ceiling["eer"] == 0 and 0.7 < ceiling["rank-1_low"] < 1
    assert ceiling["rank-1_low"] == pytest.approx(1 / (1 + 1.96**2 / 12), abs=1e-3)  # Wilson's limit at 12 of 12
    assert rows.loc["photo-to-sketch", "mean-face"]["rank-1"] == pytest.approx(1 / 12)
    assert ours.seeds == 2 and 0.5 <= ours["rank-1"] < 0.8  # one training perfect, one as good as noise
    assert ours["rank-1_low"] < 0.3 and ours["rank-1_high"] == 1  # limits know that there are only two
    pairs = deep_statements.comparisons(tables, "photo-to-sketch", "mean-face").set_index("system")
    assert pairs.loc["recompressed-target"].difference == pytest.approx(11 / 12)
    assert pairs.loc["recompressed-target"].p_value == pytest.approx(2 / 2**12)  # all 12 signs alike, exact
    assert (pairs.holm >= pairs.p_value).all() and pairs.repeated.all()
    # Two trainings, one perfect: their spread alone has a t interval with one degree of freedom.
    ours = pairs.loc["msg-sarl"]
    runs = [1.0, 2 * deep_statements.summary(tables).set_index(["direction", "system"])
            .loc[("photo-to-sketch", "msg-sarl"), "rank-1"] - 1]
    assert ours.high - ours.difference > 12.7 * np.std(runs, ddof=1) / 2**0.5 and ours.p_value > 0.05
    once = deep_runs.DeepTables(tables.probes[tables.probes.seed == 0], tables.roc, 12)
    alone = deep_statements.comparisons(once, "photo-to-sketch", "mean-face").set_index("system")
    assert not alone.loc["msg-sarl"].repeated and alone.drop("msg-sarl").repeated.all()
    gains = deep_statements.gains(once).set_index(["task", "system"])
    against = deep_statements.comparisons(once, "photo-to-sketch").set_index("system").loc["msg-sarl"]
    shown = gains.loc["FP2S", "MSG-SARL"]
    assert shown.verdict == "one training" and shown.gain.startswith(f"+{100 * against.difference:.0f} [")
    assert deep_statements.gains(tables).set_index(["task", "system"]).verdict["FP2S", "MSG-SARL"] == "undecided"
    assert "input, in grey" not in gains.reset_index().system.to_list()
    drawn = figures.rates(deep_statements.summary(tables))
    assert [axis.get_title() for axis in drawn.axes] == ["photo to sketch", "sketch to photo"]
    shown = {text.get_text() for text in drawn.axes[0].get_yticklabels()}
    assert {"MSG-SARL", "input, in grey", "target, recompressed"} <= shown


@pytest.fixture
def folders(tmp_path):
    for i in range(6):
        face = RNG.integers(0, 256, (20, 16)).astype(np.uint8)
        images.write_png(tmp_path / "real" / f"p{i}.png", face)
        images.write_png(tmp_path / "made" / f"p{i}.png", np.repeat(face[:18, :, None], 3, axis=2))  # other size, RGB
    (tmp_path / "my_network.py").write_text(
        "import numpy as np\ndef embed(image):\n    return np.asarray(image, float).reshape(-1)[:2].repeat(2) * 0 "
        "+ [image[:9].mean(), image[:9].std(), image[9:18].mean(), image[9:18].std()]\n", encoding="utf-8")
    return [str(tmp_path / "real"), str(tmp_path / "made")]


def test_command_takes_anybody_s_function(folders, tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(tmp_path))
    arguments = ["recognise", *folders, "--recogniser", "my_network:embed", "--csv", str(tmp_path / "probes.csv")]
    for direction in ("photo-to-sketch", "sketch-to-photo"):
        assert main([*arguments, "--direction", direction]) == 0
        printed = capsys.readouterr().out
        assert "6 people" in printed and "rank 1               100.00%" in printed and "rank 10" not in printed
    table = pd.read_csv(tmp_path / "probes.csv", encoding="utf-8")
    assert (table.nearer == 0).all() and len(table) == 6
    (tmp_path / "made" / "p3.png").unlink()
    assert main(arguments) == 2 and "p3.png: no partner" in capsys.readouterr().err


@pytest.mark.parametrize("arguments, words", [
    (["--recogniser", "facenet"], "module:function"), (["--recogniser", "no_such_module:embed"], "no_such_module"),
    (["--recogniser", "numpy:no_such_function"], "no_such_function"), ([], "--train-identities"),
    (["--recogniser", "dlib", "--database", "cufs"], "without folders"),
])
def test_command_refuses_what_is_no_recogniser(folders, capsys, arguments, words):
    assert main(["recognise", *folders, *arguments]) == 2
    assert words in capsys.readouterr().err


def test_command_without_folders_needs_a_study(capsys):
    assert main(["recognise", "--recogniser", "numpy:mean"]) == 2 and "two folders" in capsys.readouterr().err
    assert main(["recognise", "--database", "cufs"]) == 2 and "--recogniser" in capsys.readouterr().err
    assert main(["recognise", "--recogniser", "numpy:mean", "--database", "cuf"]) == 2
    assert "Did you mean cufs" in capsys.readouterr().err


def test_command_judges_a_study_and_says_what_is_not_computed(tmp_path, monkeypatch, folders, capsys):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path / "results"))
    monkeypatch.syspath_prepend(str(tmp_path))
    study = tmp_path / "results" / "tiny" / "portraits"
    (study / "drit" / "seed2").mkdir(parents=True)
    arguments = ["recognise", "--recogniser", "my_network:embed", "--database", "portraits", "--profile", "tiny"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "7 runs computed; 24 people" in printed and "target, recompressed" in printed
    assert "drit, seed 2: not computed" in printed and "--system drit --seed 2 --force" in printed
    assert (study / "deep_recognition-my_network.embed_roc.csv").exists()
    assert main(arguments) == 0 and "0 runs computed" in capsys.readouterr().out


def test_reading_a_study_without_tables_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    with pytest.raises(StudyError, match="recognise --recogniser dlib --database cufs --profile cpu"):
        deep_runs.read_study("cpu", "cufs")
    assert recognisers.named("numpy:mean").name == "numpy:mean"
