"""Tables: means, intervals and spreads from known scores; floors, ceiling and published values in their places."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from made_up_scores import scores_of
from scipy import stats

from lib.base import files, labels, paths, systems
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.figures import quality
from lib.findings import learning_curves, tables

P2S, S2P = DIRECTIONS


def made_scores(*entries, sets=()):
    """Scores of (direction, system, seed, metric, values per face)."""
    rows = [("cuhk-student", direction, system, seed, f"f{i}", metric, value)
            for direction, system, seed, metric, values in entries for i, value in enumerate(values)]
    return scores_of(rows, sets)


def summed(scores):
    return tables.summary("cpu", "cuhk-student", scores)


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    names = (*systems.of_kind("control"), "lle", "msg-sarl+fusion=shared")
    entries = [(P2S, system, 0, metric, rng.uniform(0.4, 0.7, 30)) for system in names for metric in ("ssim", "fsim")]
    entries += [(P2S, "msg-sarl", seed, "ssim", 0.6 + 0.01 * seed + 0.001 * np.arange(30)) for seed in (0, 1, 2)]
    return made_scores(*entries, sets=[("cuhk-student", P2S, "msg-sarl", 0, "kid-vgg16-hed", 0.12345, 0.1, 0.15)])


def test_published_values_are_the_papers():
    table = tables.published().set_index(["table", "direction", "system", "metric"]).value
    assert len(table) == 136 and table["I", P2S, "backbone", "ssim"] == 58.84
    assert table["I", P2S, "MSG-SARL", "fsim"] == 77.11 and table["I", S2P, "MSG-SARL", "ssim"] == 66.07
    assert table["IV", P2S, "U-GAT-IT", "fid"] == 34.93 and table["VII", S2P, "MSG-SARL", "ssim"] == 61.14


def test_published_ablations_bear_our_labels():
    known = {system.label for system in systems.SYSTEMS.values()}
    assert set(tables.published().query("table in ('I', 'II', 'III')").system) <= known
    assert labels.label_of("msg-sarl+fusion=shared") == "MSG-SARL, fusion=shared"


def test_summary_averages_seeds_and_counts_them_as_a_sample(scores):
    row = summed(scores).query("system == 'msg-sarl' and metric == 'ssim'").iloc[0]
    faces = 61 + 0.1 * np.arange(30)  # seed means 60, 61, 62 + a constant, without any residual
    assert row.value == pytest.approx(faces.mean()) and row.n == 30 and row.seeds == 3
    assert row.spread == pytest.approx(1.0)
    over_faces = stats.t.ppf(0.975, 29) * faces.std(ddof=1) / np.sqrt(30)
    over_runs = stats.t.ppf(0.975, 2) * 1.0 / np.sqrt(3)
    half = np.sqrt(over_faces**2 + over_runs**2)
    assert (row.low, row.high) == pytest.approx((faces.mean() - half, faces.mean() + half))


@pytest.mark.parametrize("kind", ["images", "sets"])
def test_three_runs_show_their_own_spread_and_fewer_borrow(kind):
    """Two trained systems that spread unlike: run means 60, 61, 62 and 50, 50.2."""
    values = {("msg-sarl", seed): 60.0 + seed for seed in (0, 1, 2)} | {("backbone", 0): 50.0, ("backbone", 1): 50.2}
    if kind == "images":  # no spread over faces
        scores = made_scores(*((P2S, system, seed, "ssim", np.full(9, value / 100))
                               for (system, seed), value in values.items()))
    else:
        scores = made_scores(sets=[("cuhk-student", P2S, system, seed, "fid", v, v, v)
                                   for (system, seed), v in values.items()])
    rows = summed(scores).set_index("system")
    pooled = np.sqrt((2 * 1.0**2 + 1 * 0.02) / 3)
    for system, sd, freedom, count in (("msg-sarl", 1.0, 2, 3), ("backbone", pooled, 3, 2)):
        half = stats.t.ppf(0.975, freedom) * sd / np.sqrt(count)
        assert rows.high[system] - rows.value[system] == pytest.approx(half)


def test_a_kind_trained_once_does_not_borrow_another_kind_s_spread():
    faces = np.random.default_rng(2).uniform(0.4, 0.7, 30)
    entries = [(P2S, "msg-sarl", seed, "ssim", faces + 0.02 * seed) for seed in (0, 1)]
    rows = summed(made_scores(*entries, (P2S, "backbone", 0, "ssim", faces),
                              (P2S, "pix2pix", 0, "ssim", faces))).set_index("system")
    theirs = stats.bootstrap((100 * faces,), np.mean, method="BCa", rng=1).confidence_interval
    assert (rows.low["pix2pix"], rows.high["pix2pix"]) == pytest.approx(tuple(theirs), abs=0.15)
    over_faces = stats.t.ppf(0.975, 29) * 100 * faces.std(ddof=1) / np.sqrt(30)
    over_runs = stats.t.ppf(0.975, 1) * 2 / np.sqrt(2)  # two means 2 points apart
    assert rows.high["backbone"] - rows.value["backbone"] == pytest.approx(np.hypot(over_faces, over_runs))


def test_limits_end_where_the_metric_does():
    faces = np.random.default_rng(2).uniform(0.4, 0.7, 30)
    row = summed(made_scores(*[(P2S, "msg-sarl", seed, metric, faces + 0.2 * seed)
                               for seed in (0, 1) for metric in ("ssim", "fsim")])).set_index("metric")
    reach = stats.t.ppf(0.975, 1) * 20 / 2  # of two means 20 points apart
    assert (row.value + reach > 100).all() and (row.value - reach < 0).all()
    assert row.high.tolist() == [100, 100] and row.low["fsim"] == 0
    assert row.low["ssim"] == pytest.approx(row.value["ssim"] - reach, abs=1)  # SSIM may be negative


@pytest.mark.parametrize("kind", ["images", "sets"])
def test_deep_rivals_do_not_widen_the_limits_of_ablations(kind):
    """And the reverse: runs of MSG-SARL 1 apart, of the rival 4 apart, each with a system of its kind trained once."""
    values = {("msg-sarl", 0): 60.0, ("msg-sarl", 1): 61.0, ("backbone", 0): 50.0, ("pix2pix", 0): 48.0,
              ("pix2pix", 1): 52.0}
    if kind == "images":
        scores = made_scores(*((P2S, system, seed, "ssim", np.full(9, value / 100))
                               for (system, seed), value in values.items()))
    else:
        scores = made_scores(sets=[("cuhk-student", P2S, system, seed, "fid", v, v, v)
                                   for (system, seed), v in values.items()])
    rows = summed(scores).set_index("system")
    for system, apart, count in (("msg-sarl", 1, 2), ("backbone", 1, 1), ("pix2pix", 4, 2)):
        half = stats.t.ppf(0.975, 1) * apart / np.sqrt(2) / np.sqrt(count)
        assert rows.high[system] - rows.value[system] == pytest.approx(half)


def test_a_deep_rival_stands_beside_its_published_values():
    scores = made_scores((P2S, "pix2pix", 0, "ssim", [0.5, 0.6]), (P2S, "lle", 0, "ssim", [0.4, 0.5]),
                         (P2S, "msg-sarl", 0, "ssim", [0.5, 0.7]))
    table = tables.rivals("cpu", "cufs", P2S, summed(scores))
    printed = tables.published().query("table == 'IV' and system == 'pix2pix'").set_index("metric").value
    mine = table[table.system == "pix2pix"].set_index("metric")
    assert mine.published.to_dict() == printed[mine.index].to_dict() and mine.value["ssim"] == pytest.approx(55)
    order = list(dict.fromkeys(table.label))
    places = [order.index(label) for label in ("LLE", "FCN", "pix2pix", "DRIT", "MSG-SARL")]
    assert places == sorted(places)
    text = tables.as_text(table)
    assert text.loc["pix2pix", "SSIM % published"] == f"{printed.ssim:.2f}" and "[" in text.loc["pix2pix", "SSIM %"]
    assert "pix2pix" in set(tables.rivals("cpu", "portraits", P2S, summed(scores)).system)
    assert "pix2pix" not in set(tables.ablations("cpu", "cufs", P2S, summed(scores)).system)
    drawn = quality.standing({P2S: table})
    assert "pix2pix" in [tick.get_text() for tick in drawn.axes[0].get_yticklabels()]
    assert "deep rivals" in [text.get_text() for text in drawn.legends[0].get_texts()]
    plt.close(drawn)


def test_summary_of_one_seed_is_the_bootstrap_over_faces():
    values = np.random.default_rng(1).uniform(0.4, 0.7, 30)
    row = summed(made_scores((P2S, "lle", 0, "ssim", values))).iloc[0]
    theirs = stats.bootstrap((100 * values,), np.mean, method="BCa", rng=1).confidence_interval
    assert (row.low, row.high) == pytest.approx(tuple(theirs), abs=0.15) and np.isnan(row.spread)


def test_distances_of_sets_count_runs_as_a_sample():
    sets = [("cuhk-student", P2S, "msg-sarl", seed, "fid", 50.0 + seed, 47.0 + seed, 54.0 + seed) for seed in (0, 1, 2)]
    row = summed(made_scores(sets=sets)).iloc[0]
    over_runs = stats.t.ppf(0.975, 2) / np.sqrt(3)
    assert row.value == pytest.approx(51) and row.seeds == 3
    assert (row.low, row.high) == pytest.approx((51 - np.hypot(3, over_runs), 51 + np.hypot(4, over_runs)))
    alone = summed(made_scores(sets=sets[1:2])).iloc[0]
    assert (alone.low, alone.high) == pytest.approx((48, 55))


def test_incomplete_scores_are_refused():
    with pytest.raises(StudyError, match="seed 1: 10 of 30 images have no ssim"):
        summed(made_scores((P2S, "msg-sarl", 0, "ssim", np.full(30, 0.5)), (P2S, "msg-sarl", 1, "ssim", [0.5] * 20)))


def test_ablations_hold_floors_first_ceiling_last_and_the_published_column(scores):
    table = tables.ablations("cpu", "cuhk-student", P2S, summed(scores))
    order = list(dict.fromkeys(table.system))
    assert tuple(order[:4]) == tables.FLOORS and order[-1] == tables.CEILING
    assert not {"msg-sarl+fusion=shared", "lle"} & set(order)
    assert table.query("system == 'backbone' and metric == 'ssim'").published.item() == 58.84
    assert table.query("system in @tables.FLOORS").published.isna().all()


def test_rivals_hold_exemplars_and_the_papers_own(scores):
    ours = set(tables.rivals("cpu", "cuhk-student", P2S, summed(scores)).system)
    assert {"lle", "msg-sarl"} <= ours and "msg-sarl+fusion=shared" not in ours
    cufs = tables.rivals("cpu", "cufs", P2S, summed(scores))
    assert cufs.query("system == 'u-gat-it' and metric == 'fid'").published.item() == 34.93
    assert list(dict.fromkeys(cufs.system)).index("u-gat-it") < list(dict.fromkeys(cufs.system)).index("msg-sarl")
    back = tables.rivals("cpu", "cufs", S2P, summed(scores))
    assert back.query("system == 'cyclegan' and metric == 'ssim'").published.item() == 66.66


def test_floors_and_ceiling_stand_in_every_table_even_when_not_run():
    scores = made_scores((P2S, "msg-sarl", 0, "ssim", [0.5, 0.6, 0.7]))
    for make in (tables.ablations, tables.rivals):
        for direction in DIRECTIONS:
            table = make("cpu", "cuhk-student", direction, summed(scores))
            assert {*tables.FLOORS, tables.CEILING} <= set(table.system)
            assert tables.as_text(table).loc["input, grey", "SSIM %"] == tables.NOT_RUN


def test_text_says_interval_spread_and_what_is_missing(scores):
    text = tables.as_text(tables.ablations("cpu", "cuhk-student", P2S, summed(scores)))
    assert text.loc["MSG-SARL", "SSIM %"].endswith("± 1.00") and "[" in text.loc["MSG-SARL", "SSIM %"]
    assert text.loc["MSG-SARL", "SSIM % published"] == "61.64" and text.loc["input, grey", "SSIM % published"] == "—"
    assert text.loc["MSG-SARL", "FSIM %"] == tables.NOT_COMPUTED and text.loc["backbone", "SSIM %"] == tables.NOT_RUN
    assert text.loc["MSG-SARL", "FID"] == tables.NOT_COMPUTED
    assert text.loc["MSG-SARL", "KID (VGG16-HED)"] == "0.1235 [0.1000, 0.1500]"
    assert text.loc["MSG-SARL", "faces"] == "30" and text.loc["MSG-SARL", "seeds"] == "3"


def test_one_face_has_no_interval():
    row = tables.summary("cpu", "cuhk-student", made_scores((P2S, "lle", 0, "ssim", [0.5]))).iloc[0]
    assert np.isnan(row.low) and row.value == 50


def test_files_are_written_and_the_stand_in_is_named(scores, tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    with pytest.raises(StudyError, match="run_all.sh --profile tiny --database portraits"):
        tables.write_tables("tiny", "portraits")
    folder = paths.study_folder("tiny", "portraits")
    folder.mkdir(parents=True)
    files.write_csv(folder / "scores.csv", scores.images)
    written = tables.write_tables("tiny", "portraits")
    assert len(written) == 8 and all(file.exists() for file in written)
    text = (folder / "tables" / "ablations_photo-to-sketch.md").read_text(encoding="utf-8")
    assert "stand-in" in text and "profile tiny (32 px" in text and "| MSG-SARL |" in text
    assert "**" not in text


def test_captions_name_the_papers_table():
    assert "Table I of" in tables.caption("cpu", "cuhk-student", "ablations", P2S)
    assert "Table VII of" in tables.caption("paper", "cufsf", "rivals", S2P)
    assert "no such table" in tables.caption("cpu", "cuhk-student", "rivals", P2S)
    assert "a trained system of the same kind" in tables.caption("cpu", "cuhk-student", "rivals", P2S)


def test_captions_say_where_nobody_asked_whether_systems_had_finished_learning():
    curves = learning_curves.of_study("quick", "cuhk-student")
    assert len(curves) and "(unconverged): still learning" in tables.caption("cpu", "cuhk-student", "rivals", P2S)
    assert "is not known here" in tables.caption("quick", "portraits-wild", "rivals", S2P)
    assert "learning" not in tables.caption("cpu", "cuhk-student", "ablations", P2S)


def test_scores_by_attribute_are_those_of_its_faces(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    folder = paths.study_folder("cpu", "fs2k")
    values = np.random.default_rng(0).uniform(0.4, 0.7, (2, 13))
    table = made_scores(*((P2S, "msg-sarl", seed, "ssim", values[seed]) for seed in (0, 1)),
                        (P2S, "lle", 0, "ssim", values[0] - 0.1)).images
    files.write_csv(folder / "scores.csv", table)
    assert tables.by_attribute("cpu", "fs2k", P2S).empty
    noted = [f"f{i},style,{'style 1' if i < 5 else 'NA'}" for i in range(13)]
    noted += [f"f{i},gender,{'male' if i < 9 else 'female'}" for i in range(13)]  # four are too few
    (folder / "attributes.csv").write_text("image,attribute,value\n" + "\n".join(noted) + "\n", encoding="utf-8")
    found = tables.by_attribute("cpu", "fs2k", P2S).set_index(["attribute", "group", "system"])
    assert set(found.index) == {(*group, system) for system in ("msg-sarl", "lle")
                                for group in (("style", "style 1"), ("style", "NA"), ("gender", "male"))}
    assert found.value["style", "NA", "msg-sarl"] == pytest.approx(100 * values[:, 5:].mean())
    assert found.value["style", "style 1", "lle"] == pytest.approx(100 * values[0, :5].mean() - 10)
    assert found.n["gender", "male", "lle"] == 9 and found.seeds["gender", "male", "msg-sarl"] == 2
    assert tables.by_attribute("cpu", "fs2k", S2P).empty
    assert (folder / "tables" / f"by_attribute_{P2S}.csv") in tables.write_tables("cpu", "fs2k")
