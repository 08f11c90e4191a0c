"""Recognition of whole studies: tables, idempotence, controls, and errors a user can mend."""

from __future__ import annotations

import dataclasses
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lib.base import files, images, labels, systems
from lib.base.errors import StudyError
from lib.databases import PairedFaces
from lib.evaluation import regions
from lib.evaluation.recognition import Protocol, nlda_curve, recognise_runs, statements
from lib.figures import recognition as figures
from lib.figures.style import COLOURS
from lib.training import run_folders

NAMES = tuple(f"person-{i:02d}" for i in range(12))


def coarse(rng, sd: float) -> np.ndarray:
    """Noise (12, 250, 200) in squares of 10 pixels: small as PNG."""
    return np.kron(rng.normal(size=(12, 25, 20)) * sd, np.ones((10, 10)))


@pytest.fixture(scope="module")
def pairs() -> PairedFaces:
    """12 pairs whose identity shows in the face region of photo and sketch, and nowhere else."""
    rng = np.random.default_rng(0)
    identity = coarse(rng, 30) * regions.mask("face")
    photos, sketches = ((125 + coarse(rng, 5) + identity).clip(0, 255).astype(np.uint8) for _ in range(2))
    return PairedFaces("portraits", "test", np.repeat(photos[..., None], 3, axis=3), sketches, NAMES,
                       ("portraits",) * 12)


def write_run(folder, pairs, system, seed, noise):
    rng = np.random.default_rng(seed)
    run = folder / system / f"seed{seed}"
    for direction, faces in (("photo-to-sketch", pairs.sketches), ("sketch-to-photo", pairs.photos)):
        grain = coarse(rng, noise)
        noisy = (faces + (grain if faces.ndim == 3 else grain[..., None])).clip(0, 255).astype(np.uint8)
        run_folders.write_synthesised(run, direction, pairs.names, noisy)
    files.write_json(run / "run.json", {"system": system, "seed": seed})
    return run


@pytest.fixture(scope="module")
def recognised(tmp_path_factory, pairs):
    """A study folder with three runs, and its tables; for tests that change nothing."""
    folder = tmp_path_factory.mktemp("study")
    write_run(folder, pairs, "msg-sarl", 0, 5)
    write_run(folder, pairs, "msg-sarl", 1, 5)
    write_run(folder, pairs, "lle", 0, 60)
    return folder, recognise_runs.recognise_runs(folder, pairs)


@pytest.fixture
def folder(tmp_path, recognised):
    """A copy of that folder, tables included, to be changed."""
    return Path(shutil.copytree(recognised[0], tmp_path / "study"))


def last(table: pd.DataFrame) -> pd.Series:
    final = table[table.dimension == table.dimension.max()]
    return final.groupby(["direction", "system"]).accuracy.mean()


def test_every_run_and_every_control_is_recognised(recognised):
    _, tables = recognised
    assert list(tables.curves.columns) == ["direction", "system", "seed", "split", "dimension", "accuracy"]
    assert tables.curves.system.drop_duplicates().tolist() == [
        "msg-sarl", "lle", "grey-input", "grey-input@background", "grey-input@face", "grey-input@hair", "mean-face",
        "random-pairing"]
    assert set(tables.curves[tables.curves.system == "msg-sarl"].seed) == {0, 1}
    assert len(tables.curves) == 9 * 2 * 20 * 4  # 5 of 12 train: 4 dimensions
    accuracy = last(tables.curves)["photo-to-sketch"]
    chance = 1 / 7
    assert accuracy["msg-sarl"] > 0.9 and accuracy["grey-input@face"] > 0.9
    assert np.isclose(accuracy["mean-face"], chance, atol=1e-5) and abs(accuracy["random-pairing"] - chance) < 0.12
    assert abs(accuracy["grey-input@background"] - chance) < 0.25
    assert "msg-sarl@face" in set(tables.identities.system)
    assert tables.identities.groupby(["direction", "system", "seed"]).tests.sum().eq(20 * 7).all()


def test_accuracy_is_that_of_nlda_curve(recognised, pairs):
    folder, tables = recognised
    faces = run_folders.read_synthesised(folder / "msg-sarl" / "seed1", "sketch-to-photo", pairs.names)
    real, synthesised = images.to_grey(pairs.photos).reshape(12, -1), images.to_grey(faces).reshape(12, -1)
    order = Protocol.for_database("portraits", 12).orders()[7]
    expected = nlda_curve(real[order[:5]], synthesised[order[:5]], synthesised[order[5:]], real[order[5:]])
    rows = tables.curves.query("direction == 'sketch-to-photo' and system == 'msg-sarl' and seed == 1 and split == 7")
    assert np.allclose(rows.accuracy, expected, atol=1e-6)


def test_only_what_changed_is_computed_again(folder, pairs):
    first = recognise_runs.recognise_runs(folder, pairs, force=True)
    files = {file: file.read_bytes() for file in folder.glob("recognition*")}
    assert len(files) == 4 and first.computed == 6 + 6
    again = recognise_runs.recognise_runs(folder, pairs)
    assert again.computed == 0 and again.absent == ()
    pd.testing.assert_frame_equal(again.curves, first.curves)
    pd.testing.assert_frame_equal(again.identities, first.identities)
    pd.testing.assert_frame_equal(again.ranks, first.ranks)
    write_run(folder, pairs, "lle", 0, 61)
    assert recognise_runs.recognise_runs(folder, pairs).computed == 2
    write_run(folder, pairs, "lle", 0, 60)
    recognise_runs.recognise_runs(folder, pairs)
    assert {file: file.read_bytes() for file in folder.glob("recognition*")} == files
    assert recognise_runs.recognise_runs(folder, pairs, force=True).computed == 12
    assert {file: file.read_bytes() for file in folder.glob("recognition*")} == files


def test_of_two_processes_one_computes_and_the_other_waits(folder, pairs):
    for file in folder.glob("recognition*"):
        file.unlink()
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(recognise_runs.recognise_runs, folder, pairs) for _ in range(2)]
    first, second = sorted((future.result() for future in both), key=lambda tables: tables.computed)
    assert (first.computed, second.computed) == (0, 12)
    pd.testing.assert_frame_equal(first.curves, second.curves)


def test_rows_of_runs_whose_images_are_elsewhere_stay(folder, pairs):
    first = recognise_runs.recognise_runs(folder, pairs)
    for file in (folder / "lle" / "seed0").rglob("*.png"):
        file.unlink()
    again = recognise_runs.recognise_runs(folder, pairs)
    assert again.absent == ("photo-to-sketch/lle/0", "sketch-to-photo/lle/0") and again.dropped == ()
    pd.testing.assert_frame_equal(again.curves, first.curves)
    forced = recognise_runs.recognise_runs(folder, pairs, force=True)
    assert forced.computed == 10
    pd.testing.assert_frame_equal(forced.curves, first.curves)


def test_rows_of_deleted_runs_go_and_are_named(folder, pairs):
    shutil.rmtree(folder / "lle")
    again = recognise_runs.recognise_runs(folder, pairs)
    assert again.computed == 0 and again.dropped == ("photo-to-sketch/lle/0", "sketch-to-photo/lle/0")
    for table in (again.curves, pd.read_csv(folder / "recognition.csv", encoding="utf-8")):
        assert "lle" not in set(table.system)
    assert recognise_runs.recognise_runs(folder, pairs).dropped == ()


def test_half_a_run_is_an_error_and_leaves_the_tables(folder, pairs):
    before = (folder / "recognition.csv").read_bytes()
    (folder / "lle" / "seed0" / "photo-to-sketch" / "person-03.png").unlink()
    with pytest.raises(StudyError, match="lle/seed0/photo-to-sketch: 1 of 12"):
        recognise_runs.recognise_runs(folder, pairs)
    assert (folder / "recognition.csv").read_bytes() == before


def test_an_image_of_another_size_and_a_damaged_table_are_named(folder, pairs):
    images.write_png(folder / "lle" / "seed0" / "photo-to-sketch" / "person-03.png", np.zeros((256, 256), np.uint8))
    with pytest.raises(StudyError, match="person-03.png: 256×256"):
        recognise_runs.recognise_runs(folder, pairs)
    for damage in ("", "a,b\n1,2\n", "direction,system,seed\n1,2,3\n1,2,3,4\n"):
        (folder / "recognition.csv").write_text(damage, encoding="utf-8")
        with pytest.raises(StudyError, match="recognition.csv: .*Restore it"):
            recognise_runs.recognise_runs(folder, pairs)


def test_other_faces_make_the_tables_anew(folder, pairs):
    changed = dataclasses.replace(pairs, sketches=255 - pairs.sketches)
    shutil.rmtree(folder / "lle" / "seed0" / "photo-to-sketch")
    again = recognise_runs.recognise_runs(folder, changed)
    assert again.computed == 11 and again.dropped == ("photo-to-sketch/lle/0",)


def test_missing_tables_name_what_makes_them(monkeypatch, tmp_path):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    with pytest.raises(StudyError, match="run_all.sh --profile tiny --database portraits"):
        recognise_runs.read_study("tiny", "portraits")


def test_regions_do_not_overlap_and_follow_the_eyes():
    masks = [regions.mask(region) for region in regions.REGIONS]
    assert np.sum(masks, axis=0).max() == 1
    assert masks[0][125, 75] and masks[0][125, 125]
    masks += (features := [regions.mask(region) for region in regions.FEATURES])
    assert np.sum(features, axis=0).max() == 1
    assert all(np.array_equal(mask[:, 1:], mask[:, :0:-1]) for mask in masks)  # symmetric about column 100
    assert regions.pixels_of(np.zeros((3, 250, 200), np.uint8), "hair").shape == (3, masks[1].sum())
    with pytest.raises(StudyError, match="Did you mean hair"):
        regions.mask("hairs")
    with pytest.raises(StudyError, match="200×250"):
        regions.pixels_of(np.zeros((3, 256, 256), np.uint8), "face")


def test_summary_gives_each_number_its_name(recognised):
    _, tables = recognised
    rows = statements.summary(tables).set_index(["direction", "system"])
    row, curves = rows.loc["photo-to-sketch", "lle"], tables.curves.query("direction == 'photo-to-sketch'")
    grid = curves[curves.system == "lle"].accuracy.to_numpy().reshape(20, 4)
    assert np.isclose(row.accuracy, grid[:, -1].mean(), atol=1e-5) and row.low <= row.accuracy <= row.high
    assert np.isclose(row.mean_of_best, grid.max(axis=1).mean()) and np.isclose(row.spread, grid[:, -1].std(ddof=1))
    assert np.isclose(row.best_of_mean, grid.mean(axis=0).max())
    assert row.best_dimension == 1 + grid.mean(axis=0).argmax()
    assert rows.loc["photo-to-sketch", "msg-sarl"].seeds == 2
    assert 0 < row.face_only <= 1 and np.isnan(rows.loc["photo-to-sketch", "mean-face"].face_only)


def test_curves_of_one_kind_share_a_name_when_they_are_many(recognised):
    _, tables = recognised
    def names(tables):
        return [text.get_text() for text in figures.accuracy_curves(tables).legends[0].get_texts()]
    assert names(tables) == ["MSG-SARL", "LLE", "input, grey", "one face for all,\nrandom pairing"]
    more = {part: pd.concat([rows := getattr(tables, part), rows.query("system == 'lle'").assign(system="mrf")])
            for part in ("curves", "ranks")}
    assert "exemplar rivals (2)" in names(dataclasses.replace(tables, **more))


def test_findings_compare_the_inner_face_with_the_untranslated_input(recognised):
    _, tables = recognised
    told = [sentence for sentence in statements.findings(tables) if "inner face alone" in sentence]
    pair = statements.comparisons(tables, "photo-to-sketch", "msg-sarl@face", ["grey-input@face"]).iloc[0]
    assert labels.signed(100 * pair.difference, 1) in told[0] and "of 1 other systems" in told[0]


def test_comparisons_are_paired_by_person_and_corrected(recognised):
    _, tables = recognised
    table = statements.comparisons(tables, "photo-to-sketch", "msg-sarl").set_index("system")
    assert list(table.index) == ["lle", "grey-input", "mean-face", "random-pairing"]
    rows = statements.summary(tables).query("direction == 'photo-to-sketch'").set_index("system").accuracy
    assert np.allclose(table.difference, rows["msg-sarl"] - rows[table.index])
    assert np.all(table.low <= table.difference) and np.all(table.difference <= table.high)
    assert table.p_value["mean-face"] < 0.01 and np.all(table.holm >= table.p_value)
    assert statements.comparisons(tables, "photo-to-sketch", "msg-sarl", []).empty
    with pytest.raises(StudyError, match="Did you mean msg-sarl"):
        statements.comparisons(tables, "photo-to-sketch", "msg-sarls")


def test_intervals_over_people_match_the_bootstrap_of_their_means():
    shares = np.random.default_rng(1).beta(8, 2, size=80)
    interval = statements.accuracy_interval(np.full(80, 9), shares)
    plain = stats.bootstrap((shares,), np.mean, method="percentile", rng=1).confidence_interval
    assert np.allclose(interval, (shares.mean(), *plain), atol=0.006)
    untested = statements.accuracy_interval(np.r_[np.full(80, 9), 0], np.r_[shares, np.nan])
    assert np.allclose(untested, interval)


def test_everybody_and_nobody_recognised_have_wilson_s_limits():
    tests = np.r_[np.full(40, 9), 0]
    shares = np.column_stack([np.ones(41), np.zeros(41), np.r_[np.zeros(20), np.ones(21)]])
    accuracy, low, high = statements.accuracy_interval(tests, shares)
    everybody, nobody = (stats.binomtest(k, 40).proportion_ci(method="wilson") for k in (40, 0))
    assert np.allclose((accuracy[0], low[0], high[0]), (1, everybody.low, 1))
    assert np.allclose((accuracy[1], low[1], high[1]), (0, 0, nobody.high))
    plain = stats.bootstrap((shares[:40, 2],), np.mean, method="percentile", rng=1).confidence_interval
    assert np.allclose((accuracy[2], low[2], high[2]), (0.5, *plain), atol=0.03)  # others keep their resampled limits
    assert statements.accuracy_interval(tests, shares[:, 0]) == pytest.approx((1, everybody.low, 1))


def test_a_deep_rival_needs_no_more_than_its_name(folder, pairs, monkeypatch):
    """One registered for this test only: recognised, named and drawn as its kind without another edit."""
    monkeypatch.setitem(systems.SYSTEMS, "pix2pix", systems.System("pix2pix", "Pix2Pix", "deep"))
    write_run(folder, pairs, "pix2pix", 0, 40)
    tables = recognise_runs.recognise_runs(folder, pairs)
    assert tables.computed == 2
    summary = statements.summary(tables)
    assert "Pix2Pix" in set(summary.label)
    assert "worse than 0 of 1 other systems (1 more was trained once, which decides nothing)" in " ".join(
        statements.findings(tables))
    lines = {line.get_label(): line.get_color() for line in figures.accuracy_curves(tables).axes[0].lines}
    assert lines["Pix2Pix"] == COLOURS["deep"] != lines["LLE"]
    panel = figures.whole_and_face(summary).axes[0]
    names = [text.get_text() for text in panel.get_yticklabels()]
    crosses = [line for line in panel.lines if line.get_marker() == "x"]
    row = summary.set_index(["direction", "label"]).loc["photo-to-sketch", "Pix2Pix"]
    assert crosses[names.index("Pix2Pix")].get_xdata()[0] == 100 * row.face_only
    plt.close("all")


def test_equal_systems_differ_by_nothing(recognised):
    """A difference of zero is no accuracy of zero: it has no limits of Wilson's."""
    _, tables = recognised
    rows = tables.identities
    twin = rows[rows.system == "msg-sarl"].assign(system="lle")
    tables = dataclasses.replace(tables, identities=pd.concat([rows[rows.system != "lle"], twin]))
    table = statements.comparisons(tables, "photo-to-sketch", "msg-sarl", ["lle"]).iloc[0]
    assert (table.difference, table.p_value) == (0, 1) and table.low == -table.high


@pytest.mark.parametrize("seeds", [2, 1])
def test_differences_take_people_and_trainings_as_samples(recognised, seeds):
    """By hand: people's part as Cochran's variance of a weighted mean, trainings' as that of their accuracies."""
    _, tables = recognised
    rows = tables.identities[(tables.identities.direction == "photo-to-sketch") & (tables.identities.seed < seeds)]
    people = np.array(sorted(rows.image.unique()))
    shares = np.random.default_rng(3).beta(6, 3, (seeds, len(people)))
    tests = np.arange(4, 4 + len(people))
    made = [pd.DataFrame({"direction": "photo-to-sketch", "system": system, "seed": seed, "image": people,
                          "tests": tests, "recognised": shares[seed] - gap})
            for system, gap, runs in (("msg-sarl", 0.0, seeds), ("lle", 0.2, 1)) for seed in range(runs)]
    row = statements.comparisons(dataclasses.replace(tables, identities=pd.concat(made)), "photo-to-sketch", "msg-sarl",
                                 ["lle"]).iloc[0]
    w, n = tests / tests.sum(), len(people)
    gains = shares.mean(axis=0) - shares[0] + 0.2
    mean = w @ gains
    half = (stats.t.ppf(0.975, n - 1) ** 2 * n / (n - 1) * np.sum((w * (gains - mean)) ** 2))
    if seeds == 2:
        half += stats.t.ppf(0.975, 1) ** 2 * np.var(shares @ w, ddof=1) / 2
    assert (row.difference, row.high - row.difference) == pytest.approx((mean, np.sqrt(half)))
    assert row.repeated == (seeds == 2), "a single training decides nothing"


def test_labels_say_what_was_changed():
    assert statements.label("grey-input@hair") == "input, grey: hair only"
    assert statements.label("msg-sarl+fusion=shared") == "MSG-SARL, fusion=shared"
    assert statements.label("random-pairing") == "random pairing"
    assert [statements.kind(name) for name in ("msg-sarl+fusion=shared", "lle", "random-pairing")] == [
        "ablation", "exemplar", "control"]
