"""Colours of synthesised photos: textbook values of CIELAB, the way from sketch to photo, limits, and the claim."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from conftest import made_up_faces, serve, serve_study
from scipy import stats

from lib import __main__
from lib.base import paths, tables_on_disk
from lib.base.errors import StudyError
from lib.evaluation import regions
from lib.findings import claims, colours
from lib.training import run_folders

STUDY = "tiny", "portraits"
# L, a, b of the primaries of sRGB under D65, as colour science tabulates them.
RED, BLUE = np.array([53.241, 80.092, 67.203]), np.array([32.297, 79.188, -107.860])


def plain(*colour: int) -> np.ndarray:
    """One photo of one colour, (1, 250, 200, 3)."""
    return np.broadcast_to(np.array(colour, np.uint8), (1, 250, 200, 3))


WHITE = np.full((1, 250, 200), 255, np.uint8)


def value(table: pd.DataFrame, measure: str, region: str = "whole") -> float:
    return table.set_index(["region", "measure"]).value[region, measure]


def test_chroma_is_that_of_the_textbook():
    found = colours.measure(WHITE, plain(255, 0, 0), plain(0, 0, 255))
    expected = np.hypot(*BLUE[1:]) / np.hypot(*RED[1:])
    for region in ("whole", *regions.REGIONS):
        assert value(found, "chroma", region) == pytest.approx(expected, abs=2e-4)


def test_grey_has_no_chroma_and_lies_where_its_lightness_is():
    """CIE: L* = 116 Y^⅓ − 16 of the luminance that sRGB's exponent gives."""
    level = 119
    lightness = 116 * (((level / 255 + 0.055) / 1.055) ** 2.4) ** (1 / 3) - 16
    found = colours.measure(WHITE, plain(255, 0, 0), plain(level, level, level))
    way = RED - [100, 0, 0]
    assert value(found, "chroma") == pytest.approx(0, abs=1e-3)
    assert value(found, "position") == pytest.approx((lightness - 100) * way[0] / (way @ way), abs=1e-3)


def test_sketch_and_photo_are_the_ends_of_the_way():
    faces = made_up_faces(2)
    for made, end in ((np.repeat(faces.sketches[..., None], 3, axis=3), 0), (faces.photos, 1)):
        found = colours.measure(faces.sketches, faces.photos, made).groupby("measure").value.agg(["min", "max"])
        np.testing.assert_allclose(found.loc["position"], end, atol=1e-9)
        np.testing.assert_allclose(found.loc["chroma"], end, atol=1e-3 if end == 0 else 1e-9)


def test_what_is_beside_the_line_counts_by_its_foot():
    """Blue is off the way from white to red; its foot is a dot product away."""
    found = colours.measure(WHITE, plain(255, 0, 0), plain(0, 0, 255))
    start, way = np.array([100, 0, 0]), RED - [100, 0, 0]
    assert value(found, "position") == pytest.approx((BLUE - start) @ way / (way @ way), abs=1e-3)


def test_a_region_is_measured_alone():
    half = np.where(regions.mask("face")[None, ..., None], plain(255, 0, 0), plain(255, 255, 255))
    found = colours.measure(WHITE, plain(255, 0, 0), half)
    assert value(found, "chroma", "face") == pytest.approx(1) and value(found, "chroma", "hair") < 1e-3
    assert value(found, "chroma") == pytest.approx(regions.mask("face").mean(), abs=1e-3)


@pytest.mark.parametrize("level", [0, 1, 60, 128, 200, 255])
def test_a_photo_without_colour_has_no_share(level):
    """Neither of made blue nor of made grey: the share of rounding in rounding would be 1."""
    for made in (plain(0, 0, 255), plain(level, level, level)):
        found = colours.measure(WHITE, plain(level, level, level), made)
        assert all(np.isnan(value(found, "chroma", region)) for region in ("whole", *regions.REGIONS))
        assert np.isnan(value(found, "position")) == (level == 255)


@pytest.mark.parametrize("level", [0, 60, 254])
def test_the_least_colour_has_a_share(level):
    for channel in np.eye(3, dtype=int):
        photo = plain(*(level + channel))
        assert value(colours.measure(WHITE, photo, photo), "chroma") == pytest.approx(1)


@pytest.fixture
def study(tmp_path, monkeypatch):
    """CycleGAN's photos are two thirds photo, U-GAT-IT's the photos themselves; a control's do not count."""
    faces = serve_study(tmp_path, monkeypatch, 4)
    mixed = (2 * faces.photos.astype(float) / 3 + faces.sketches[..., None] / 3).round().astype(np.uint8)
    for system, photos in (("cyclegan", mixed), ("u-gat-it", faces.photos), ("resized-target", faces.photos)):
        run_folders.write_synthesised(paths.run_folder(*STUDY, system, 0), "sketch-to-photo", faces.names, photos)
    return faces


def test_the_command_writes_means_and_limits_and_rows_of_photos_that_are_elsewhere_stay(study, capsys):
    assert __main__.main(["score", "--profile", STUDY[0], "--database", STUDY[1], "--colours"]) == 0
    said = capsys.readouterr().out
    assert str(paths.study_folder(*STUDY) / "colours.csv") in said and "0 of 4" in said
    table = colours.read(*STUDY)
    assert table.system.unique().tolist() == ["cyclegan", "u-gat-it"]
    exact = table[table.system == "u-gat-it"]
    np.testing.assert_allclose(exact[["mean", "low", "high"]], 1)
    assert not exact.between.any()
    row = table[(table.system == "cyclegan") & (table.region == "whole") & (table.measure == "chroma")].iloc[0]
    photos = run_folders.read_synthesised(paths.run_folder(*STUDY, "cyclegan", 0), "sketch-to-photo", study.names)
    each = colours.measure(study.sketches, study.photos, photos).query("region == 'whole' and measure == 'chroma'")
    expected = stats.ttest_1samp(each.value, 0).confidence_interval()
    np.testing.assert_allclose([row.low, row.high], expected, rtol=1e-3)
    assert 0.5 < row["mean"] < 0.8 and row.faces == 4

    for file in (paths.run_folder(*STUDY, "cyclegan", 0) / "sketch-to-photo").iterdir():
        file.unlink()
    pd.testing.assert_frame_equal(colours.write(*STUDY), table)


def test_grey_photos_have_no_row_of_chroma(study, monkeypatch, capsys):
    grey = study.photos.mean(axis=3).astype(np.uint8)[..., None].repeat(3, axis=3)
    serve(monkeypatch, {"test": dataclasses.replace(study, photos=grey)})
    assert __main__.main(["score", "--profile", STUDY[0], "--database", STUDY[1], "--colours"]) == 0
    assert set(colours.read(*STUDY).measure) == {"position"} and "of 2" in capsys.readouterr().out


def test_without_photos_it_is_said_what_makes_them(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    with pytest.raises(StudyError, match="--system cyclegan"):
        colours.write(*STUDY)
    assert colours.read(*STUDY).empty


def test_the_overview_has_a_row_for_each_system_and_counts_what_is_in_between():
    """Made-up values: both seeds of one system, and a region that does not decide."""
    rows = [("cyclegan", seed, region, measure, value + seed / 10, value > 0.2)
            for seed in (0, 1) for region, measure, value in (
                ("whole", "chroma", 0.1), ("whole", "position", 0.3), ("face", "chroma", 0.2),
                ("face", "position", 0.4), ("hair", "chroma", 9.0))]
    rows += [("drit", 0, "whole", "chroma", 1.0, False)]
    found = colours.overview(pd.DataFrame(rows, columns=["system", "seed", "region", "measure", "mean", "between"]))
    assert found.index.tolist() == ["cyclegan", "drit"] and found.trainings.tolist() == [2, 1]
    assert found.loc["cyclegan", "chroma, whole"] == pytest.approx(0.15)
    assert found.loc["cyclegan", "position, face"] == pytest.approx(0.45)
    assert found["in between"].tolist() == ["4 of 8", "0 of 1"]


@pytest.mark.parametrize("means, verdict", [((0.5, 0.5, 0.5, 0.5), claims.SEEN), ((0.5, 0.97, 0.5, 0.5), claims.MIXED),
                                            ((0.97, 1.2, 0.95, 0.05), claims.NOT_SEEN)])
def test_the_claim_is_computed_from_the_table(tmp_path, monkeypatch, means, verdict):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    outcome = next(claim.outcome for claim in claims.CLAIMS if "CycleGAN's colours" in claim.text)
    assert outcome().verdict == claims.NOT_EXAMINED
    places = [(region, measure) for region in ("whole", "face") for measure in ("chroma", "position")]
    rows = [("cyclegan", 0, region, measure, mean, 0.1, 100) for (region, measure), mean in zip(places, means)]
    rows += [("pix2pix", 0, region, measure, 0.8, 0.1, 100) for region, measure in places]
    rows += [("cyclegan", 0, "hair", measure, 3.0, 0.1, 100) for _, measure in places[:2]]
    table = pd.DataFrame(rows, columns=["system", "seed", "region", "measure", "mean", "sd", "faces"])
    tables_on_disk.write(paths.study_folder(*claims.STUDY) / colours.NAME, table)
    found = outcome()
    assert found.verdict == verdict and found.rests_on.startswith("1 training on cuhk-student")
    assert f"{100 * means[0]:.0f} % [{100 * means[0] - 2:.0f}, {100 * means[0] + 2:.0f}] (pix2pix 80 %)" in found.text
    assert "hold for other faces and not for other trainings" in found.text
