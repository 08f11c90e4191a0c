"""Scoring: pairs, faults told at once, rows that equal single scores, and what is not computed twice."""

from __future__ import annotations

import dataclasses
import io
import os
import shutil
import subprocess
import sys
import weakref

import numpy as np
import pandas as pd
import pytest
from conftest import made_up_faces
from PIL import Image
from scipy import stats
from tqdm import tqdm

from lib import __main__
from lib.base import images as base_images
from lib.base import paths, statistics, tables_on_disk
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.base.hardware import available_cores
from lib.base.images import read_image, to_grey, write_png
from lib.commands import score as command
from lib.evaluation import scoring
from lib.evaluation.scoring import folders as folder_scores
from lib.evaluation.scoring import score_runs, sets
from lib.metrics import frechet_distance, fsim, kernel_distance, mae, perceptual_distance, psnr, scoot, ssim
from lib.training import make_run, run_folders


@pytest.fixture
def folders(tmp_path):
    """Two folders of three grey images, the second ones noisy."""
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        image = np.kron(rng.integers(30, 220, (8, 6)), np.ones((5, 5))).astype(np.uint8)
        write_png(tmp_path / "real" / f"{name}.png", image)
        noisy = np.clip(image + rng.normal(0, 20, image.shape), 0, 255)
        write_png(tmp_path / "made" / f"{name}.png", noisy.astype(np.uint8))
    return tmp_path / "real", tmp_path / "made"


@pytest.fixture
def made_up_study(tmp_path, monkeypatch):
    """A study of two runs in both directions, four made-up faces of 50×40 (fast) as the test split."""
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path / "cache"))
    faces = made_up_faces(4)
    faces = dataclasses.replace(faces, photos=faces.photos[:, ::5, ::5], sketches=faces.sketches[:, ::5, ::5])
    monkeypatch.setattr(make_run, "load_faces", lambda database, settings, split: faces)
    for system in ("mean-face", "msg-sarl+fusion=shared"):
        folder = paths.run_folder("tiny", "portraits", system, 0)
        shift = 3 if system == "mean-face" else 1
        run_folders.write_synthesised(folder, "photo-to-sketch", faces.names, np.roll(faces.sketches, shift, axis=2))
        run_folders.write_synthesised(folder, "sketch-to-photo", faces.names, np.roll(faces.photos, shift, axis=2))
    return faces


def test_two_folders_score_as_their_pairs_do(folders):
    scores = scoring.score_folders(*folders, metrics=("psnr", "ssim", "fsim", "fsimc", "scoot", "mae"))
    assert scores.names == ("a", "b", "c") and scores.identical == 0 and not scores.not_computed
    real, made = (read_image(folder / "b.png") for folder in folders)
    values = {metric: column[1] for metric, column in scores.values.items()}
    assert values["ssim"] == ssim(real, made) and values["fsim"] == values["fsimc"] == fsim(real, made)
    assert values["scoot"] == scoot(real, made)
    assert values["psnr"] == psnr(real, made) and values["mae"] == mae(real, made)
    assert list(values) == ["ssim", "fsim", "fsimc", "scoot", "psnr", "mae"]


def test_suffixes_and_colour_may_differ(folders):
    real, made = folders
    expected = list(scoring.score_folders(real, made, ("ssim", "fsim", "fsimc", "psnr")).rows())
    with Image.open(made / "a.png") as image:
        image.convert("RGB").save(made / "a.bmp")
    (made / "a.png").unlink()
    assert list(scoring.score_folders(real, made, ("ssim", "fsim", "fsimc", "psnr")).rows()) == expected


def test_all_missing_partners_are_listed(folders):
    real, made = folders
    (made / "a.png").unlink()
    (real / "c.png").unlink()
    with pytest.raises(StudyError) as caught:
        scoring.score_folders(real, made)
    assert "a.png: no partner" in str(caught.value) and "c.png: no partner" in str(caught.value)


def test_a_pattern_says_which_part_of_a_name_counts(folders, capsys):
    real, made = folders
    expected = list(scoring.score_folders(real, made).rows())
    for file in made.iterdir():
        file.rename(made / f"{file.stem}_fake_B.png")
    assert __main__.main(["score", str(real), str(made)]) == 2
    assert "(.+?)(?:_fake_B)?" in capsys.readouterr().err
    assert list(scoring.score_folders(real, made, pattern="(.+?)(?:_fake_B)?").rows()) == expected
    assert __main__.main(["score", str(real), str(made), "--pattern", "(.)(?:_fake_B)?"]) == 0


def test_all_unreadable_and_odd_sized_images_are_listed(folders):
    real, made = folders
    (made / "a.png").write_bytes(b"no image")
    write_png(made / "b.png", np.zeros((20, 20), np.uint8))
    for folder in folders:
        write_png(folder / "d.png", np.zeros((8, 8), np.uint8))
    (real / "c.png").write_bytes(b"")
    with pytest.raises(StudyError) as caught:
        scoring.score_folders(real, made)
    message = str(caught.value)
    assert "a.png: cannot be read" in message and "b.png: 20×20" in message and "30×40" in message
    assert "c.png: cannot be read" in message


def test_an_image_too_small_to_score_is_named(folders):
    for folder in folders:
        write_png(folder / "b.png", np.zeros((8, 8), np.uint8))
    with pytest.raises(StudyError, match="made/b.png: .*too small"):
        scoring.score_folders(*folders)


def many(tmp_path, count):
    """Two folders of small images."""
    rng = np.random.default_rng(1)
    for number in range(count):
        face = rng.integers(0, 256, (12, 12), dtype=np.uint8)
        write_png(tmp_path / "first" / f"{number:04d}.png", face)
        write_png(tmp_path / "second" / f"{number:04d}.png", face // 2)
    return tmp_path / "first", tmp_path / "second"


def test_every_folder_is_listed_and_every_image_read_once(tmp_path, monkeypatch):
    where, seen = many(tmp_path, 90), []
    for name in ("list_images", "read_image"):
        function = getattr(base_images, name)
        monkeypatch.setattr(base_images, name, lambda path, f=function: (seen.append(path), f(path))[1])
    monkeypatch.setattr(sets, "_load", lambda name: lambda faces: faces.reshape(len(faces), -1)[:, :5].astype(float))
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path / "cache"))
    scoring.score_folders(*where, metrics=("ssim", "fsim", "kid-vgg16-hed", "fid"))
    assert len(seen) == len(set(seen)) == 2 + 2 * 90


@pytest.mark.parametrize("metrics", [("ssim",), ("mae", "kid-vgg16-hed")])
def test_few_images_are_held_at_a_time(tmp_path, monkeypatch, metrics):
    """Arrays of images that were read and are still alive, counted by weak references at every read."""
    where, alive, most = many(tmp_path, 300), weakref.WeakSet(), 0
    read = base_images.read_image

    class Counted(np.ndarray):
        pass

    def counted(path):
        nonlocal most
        image = read(path).view(Counted)
        alive.add(_Handle(image))
        most = max(most, len(alive))
        return image

    class _Handle:
        """Dies with its image: a set of weak references cannot hold arrays, which have no hash."""

        def __init__(self, image):
            image.handle = self

    monkeypatch.setattr(base_images, "read_image", counted)
    monkeypatch.setattr(sets, "_load", lambda name: lambda faces: faces.reshape(len(faces), -1)[:, :5].astype(float))
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path / "cache"))
    scoring.score_folders(*where, metrics=metrics)
    assert 2 <= most <= 2 * 64 + 2 * available_cores() + 2


def test_a_bar_is_shown_for_many_pairs_on_a_terminal_only(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for total, stream, shown in ((20, Terminal(), False), (210, Terminal(), True), (210, io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        with folder_scores._progress(total) as bar:
            assert isinstance(bar, tqdm) == shown


def test_distances_of_folders_are_those_of_their_stacks(tmp_path, monkeypatch):
    where = many(tmp_path, 70)  # more than are embedded at once
    monkeypatch.setattr(sets, "_load", lambda name: lambda faces: faces.reshape(len(faces), -1)[:, :20:3].astype(float))
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path / "cache"))
    scores = scoring.score_folders(*where, metrics=("kid-vgg16-hed", "fid"))
    features = [np.stack([np.repeat(read_image(file).reshape(-1), 3)[:20:3] for file in sorted(folder.iterdir())])
                for folder in where]
    assert scores.sets["kid-vgg16-hed"].estimate == pytest.approx(kernel_distance(*features))
    assert scores.sets["fid"].estimate == pytest.approx(frechet_distance(*features))


def test_sets_of_few_pairs_or_several_sizes_are_refused_with_the_reason(folders, capsys):
    assert __main__.main(["score", *map(str, folders), "--metrics", "ssim", "fid"]) == 0
    printed = capsys.readouterr().out
    assert "fid (colour, at least 4 pairs)" in printed.splitlines()[0]
    assert "not computed: needs at least 4 pairs, not 3" in printed
    for folder in folders:
        write_png(folder / "d.png", np.zeros((20, 20), np.uint8))
    with pytest.raises(StudyError, match="one size throughout"):
        scoring.score_folders(*folders, metrics=["fid"])


def test_a_stack_scores_as_its_images_one_by_one():
    faces = made_up_faces(3)
    images = np.roll(faces.photos, 2, axis=1)
    batch = scoring.score_images(faces.photos, images, ("ssim", "fsim", "fsimc"))
    for i in range(3):
        one = scoring.score_images(faces.photos[i:i + 1], images[i:i + 1], ("ssim", "fsim", "fsimc"))
        assert all(batch[metric][i] == one[metric][0] for metric in batch)


def test_a_study_is_scored_once(made_up_study):
    first = scoring.score_study("tiny", "portraits")
    assert len(first.scored) == 4 and len(first.images) == 2 * 2 * 3 * 4
    assert list(first.images.columns) == ["database", "direction", "system", "seed", "image", "metric", "value"]
    row = first.images.query("system == 'mean-face' and direction == 'photo-to-sketch' and metric == 'ssim'").iloc[1]
    sketch = made_up_study.sketches[1]
    assert row.image == "face-01" and row.value == pytest.approx(ssim(sketch, np.roll(sketch, 3, axis=1)))
    written = (paths.study_folder("tiny", "portraits") / "scores.csv").read_bytes()
    again = scoring.score_study("tiny", "portraits")
    assert not again.scored and len(scoring.score_study("tiny", "portraits", force=True).scored) == 4
    assert (paths.study_folder("tiny", "portraits") / "scores.csv").read_bytes() == written


def test_only_a_changed_run_is_scored_again(made_up_study):
    scoring.score_study("tiny", "portraits")
    folder = paths.run_folder("tiny", "portraits", "mean-face", 0)
    run_folders.write_synthesised(folder, "photo-to-sketch", made_up_study.names, made_up_study.sketches)
    scores = scoring.score_study("tiny", "portraits")
    assert scores.scored == ("photo-to-sketch/mean-face/seed0",)
    mine = scores.images.query("system == 'mean-face' and direction == 'photo-to-sketch'")
    assert len(mine) == 12 and mine.value[mine.metric != "scoot"].tolist() == pytest.approx([1] * 8)


def test_rows_that_are_of_other_faces_are_scored_again(made_up_study, tmp_path, monkeypatch):
    """A run that was copied, stamps and all, beside the table of another study; a table that somebody edited."""
    right = scoring.score_study("tiny", "portraits").images
    file = paths.study_folder("tiny", "portraits") / "scores.csv"
    other = right.assign(value=right.value.where(right.system != "mean-face", right.value / 2))
    tables_on_disk.write(file, other)
    again = scoring.score_study("tiny", "portraits")
    assert again.scored == tuple(f"{direction}/mean-face/seed0" for direction in DIRECTIONS)
    pd.testing.assert_frame_equal(scoring.read_scores("tiny", "portraits").images.round(6), right.round(6))
    assert not scoring.score_study("tiny", "portraits").scored


def test_a_new_version_of_the_metrics_scores_again(made_up_study, monkeypatch):
    scoring.score_study("tiny", "portraits")
    monkeypatch.setattr(score_runs, "VERSION", score_runs.VERSION + 1)
    assert len(scoring.score_study("tiny", "portraits").scored) == 4


def test_rows_of_runs_without_images_stay(made_up_study):
    earlier = scoring.score_study("tiny", "portraits")
    folder = paths.run_folder("tiny", "portraits", "mean-face", 0)
    for image in folder.rglob("*.png"):
        image.unlink()
    scores = scoring.score_study("tiny", "portraits", force=True)
    assert scores.absent == ("photo-to-sketch/mean-face/seed0", "sketch-to-photo/mean-face/seed0")
    assert not scores.unfinished
    pd.testing.assert_frame_equal(scores.images, earlier.images, check_dtype=False, rtol=1e-6)


def test_a_run_that_ended_before_its_faces_is_told_apart_from_one_that_is_elsewhere(made_up_study, capsys):
    """It has no rows that could stay."""
    (paths.run_folder("tiny", "portraits", "lle", 0) / "private").mkdir(parents=True)
    assert __main__.main(["score", "--profile", "tiny", "--database", "portraits"]) == 0
    said = capsys.readouterr().out
    assert "rows stay as they are" not in said
    assert said.partition("not finished")[2].count("/lle/seed0") == 2
    scores = scoring.score_study("tiny", "portraits")
    assert scores.unfinished == tuple(f"{direction}/lle/seed0" for direction in DIRECTIONS) and not scores.absent


def test_part_of_the_images_is_an_error_and_loses_nothing(made_up_study):
    scoring.score_study("tiny", "portraits")
    table = paths.study_folder("tiny", "portraits") / "scores.csv"
    written = table.read_bytes()
    (paths.run_folder("tiny", "portraits", "mean-face", 0) / "photo-to-sketch" / "face-02.png").unlink()
    with pytest.raises(StudyError, match="face-02.png"):
        scoring.score_study("tiny", "portraits")
    assert table.read_bytes() == written


def test_faces_of_another_size_are_refused(made_up_study):
    folder = paths.run_folder("tiny", "portraits", "mean-face", 0) / "sketch-to-photo"
    for size in ((20, 20, 3), (50, 40)):
        write_png(folder / "face-01.png", np.zeros(size, np.uint8))
        with pytest.raises(StudyError, match="mean-face.*40×50"):
            scoring.score_study("tiny", "portraits")


def test_chosen_systems_and_unknown_ones(made_up_study):
    assert len(scoring.score_study("tiny", "portraits", systems=["mean-face"]).scored) == 2
    with pytest.raises(StudyError, match="--system grey-input"):
        scoring.score_study("tiny", "portraits", systems=["grey-input"])
    with pytest.raises(StudyError, match="mean-face"):
        scoring.score_study("tiny", "portraits", systems=["mean-fase"])
    with pytest.raises(StudyError, match="tiny"):
        scoring.score_study("tinny", "portraits")
    with pytest.raises(StudyError, match="no runs to score.*--database portraits-wild"):
        scoring.score_study("tiny", "portraits-wild")


def test_runs_are_listed_in_table_order_and_strangers_passed_over(made_up_study):
    (paths.study_folder("tiny", "portraits") / "tables" / "seed0").mkdir(parents=True)
    found = run_folders.list_runs(paths.study_folder("tiny", "portraits"))
    assert [(run.system, run.seed) for run in found] == [("msg-sarl+fusion=shared", 0), ("mean-face", 0)]
    assert found[0].directions == DIRECTIONS


def test_distances_of_sets_and_what_is_not_computed(made_up_study, monkeypatch):
    def load(name):
        if name == "fid-inception":
            raise StudyError("no internet")
        return lambda faces: faces.reshape(len(faces), -1)[:, :300:30].astype(float)

    monkeypatch.setattr(sets, "_load", load)
    scores = scoring.score_study("tiny", "portraits", sets=True)
    assert set(scores.sets.metric) == {"frechet-vgg16-hed", "kid-vgg16-hed"} and len(scores.sets) == 8
    assert (scores.sets.low <= scores.sets.value).all() and (scores.sets.value <= scores.sets.high).all()
    assert scores.not_computed == {"fid": "no internet"}
    monkeypatch.setattr(sets, "_load", lambda name: pytest.fail("embedded twice") if "vgg" in name else load(name))
    again = scoring.score_study("tiny", "portraits", sets=True, force=True)
    pd.testing.assert_frame_equal(again.sets, scores.sets, check_dtype=False, rtol=1e-6)


def test_a_damaged_table_is_not_overwritten(made_up_study):
    table = paths.study_folder("tiny", "portraits") / "scores.csv"
    table.write_text("something,else\n1,2\n", encoding="utf-8")
    with pytest.raises(StudyError, match="columns something, else"):
        scoring.score_study("tiny", "portraits")
    assert table.read_text(encoding="utf-8").startswith("something")


def test_the_command_prints_and_writes(folders, tmp_path, capsys):
    assert __main__.main(["score", *map(str, folders), "--csv", str(tmp_path / "out.csv")]) == 0
    first, second, *printed = capsys.readouterr().out.splitlines()
    assert "ssim (grey, at least 1 pair), fsim (grey, at least 1 pair)" in first and second == "3 pairs"
    assert "ssim" in printed[0] and "95 % interval" in printed[0]
    table = pd.read_csv(tmp_path / "out.csv", encoding="utf-8")
    assert list(table.columns) == ["image", "metric", "value"] and len(table) == 6
    real, made = (read_image(folder / "a.png") for folder in folders)
    assert table.value[0] == float(f"{ssim(real, made):.7g}")


@pytest.mark.parametrize("metric", [name for name in scoring.IMAGE_METRICS if name not in perceptual_distance.NAMES])
def test_the_channel_stated_is_the_one_that_is_scored(metric):
    """Other colours of one grey change what sees colours, and nothing else."""
    stated = scoring.IMAGE_METRICS[metric]
    faces = made_up_faces(1)
    reference, image = faces.photos[0], np.roll(faces.photos[0], 3, axis=0)
    score = lambda other: stated.load()(stated.analyse(reference), stated.analyse(other))  # noqa: E731
    grey = to_grey(image)
    assert (score(image) == score(grey)) == (stated.channel == "grey")
    assert score(grey) == score(np.repeat(grey[..., None], 3, axis=-1))


def test_identical_folders_are_remarked(folders, capsys):
    real, made = folders
    assert __main__.main(["score", str(real), str(real), "--metrics", "ssim", "psnr"]) == 0
    printed = capsys.readouterr().out
    assert "All pairs are equal pixel by pixel" in printed and "infinite for 3 of 3 pairs" in printed
    (made / "a.png").write_bytes((real / "a.png").read_bytes())
    assert __main__.main(["score", str(real), str(made)]) == 0
    assert "pairs is equal pixel by pixel" in capsys.readouterr().out


def test_limits_of_a_mean_stay_in_the_metric_s_range(folders, capsys):
    """Student's t of two far values leaves the range and is refused; of two near ones it is printed."""
    far, near = [0.05, -0.14], [0.5, 0.501]
    low, high = stats.t.interval(0.95, 1, np.mean(far), stats.sem(far))
    assert low < -1 and high > 1
    assert f"reaches from {low:.2f} to {high:.2f}, ssim from -1 to 1" in command._limits("ssim", np.array(far))
    assert "95 % interval" in command._limits("ssim", np.array(near))
    assert "95 % interval" in command._limits("mae", np.array([100, 101.0]))
    assert "no interval" in command._limits("fsim", np.array([0.9, 0.99]))


def test_a_kid_below_zero_for_certain_is_explained():
    assert "every face has its counterpart" in command._distance("kid-vgg16-hed", statistics.Interval(-0.2, -0.3, -0.1))
    assert "counterpart" not in command._distance("kid-vgg16-hed", statistics.Interval(-0.2, -0.5, 0.1))


def test_the_command_refuses_with_status_2(folders, tmp_path, capsys):
    for arguments in ([], [str(folders[0])], [*map(str, folders), "--metrics", "sim"],
                      [str(tmp_path / "nowhere"), str(folders[1])], ["--profile", "tiny"]):
        assert __main__.main(["score", *arguments]) == 2
        assert "error:" in capsys.readouterr().err


def test_scoring_waits_only_for_what_it_needs(folders):
    code = ("import sys, lib.evaluation.scoring, lib.commands.score, lib.findings.tables; "
            "sys.exit('torch' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    for folder in folders:
        for number in range(10):
            (folder / f"{number}.png").write_bytes((folder / "a.png").read_bytes())
    code = ("import sys; from lib.__main__ import main; main(['score', *sys.argv[1:]]); "
            "sys.exit(bool({'torch', 'pandas', 'scipy.stats', 'tqdm', 'lib.databases'} & set(sys.modules)))")
    assert subprocess.run([sys.executable, "-c", code, *map(str, folders)]).returncode == 0


@pytest.mark.parametrize("more", [0, 7])
def test_means_have_student_s_interval(folders, capsys, more):
    for folder in folders:
        for number in range(more):
            image = read_image(folder / "a.png").astype(int) + 5 * number * (folder.name == "made")
            write_png(folder / f"{number}.png", np.clip(image, 0, 255).astype(np.uint8))
    assert __main__.main(["score", *map(str, folders), "--metrics", "ssim"]) == 0
    values = [ssim(*(read_image(folder / f"{name}.png") for folder in folders)) for name in (*"abc", *range(more))]
    low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    assert f"{np.mean(values):9.4f}   95 % interval {low:.4f} to {high:.4f}\n" in capsys.readouterr().out


def test_one_pair_has_no_interval(folders, capsys):
    for folder in folders:
        for name in "bc":
            (folder / f"{name}.png").unlink()
    assert __main__.main(["score", *map(str, folders), "--metrics", "ssim"]) == 0
    assert "no interval: one pair" in capsys.readouterr().out


def test_the_printed_limits_of_a_frechet_distance_are_not_negative():
    interval = statistics.Interval(0.5, -0.25, 1.25)
    for name in ("frechet-vgg16-hed", "fid"):
        assert "95 % interval 0.0000 to 1.2500" in command._distance(name, interval)
    assert "95 % interval -0.2500 to" in command._distance("kid-vgg16-hed", interval)  # this one may be


def test_the_metric_that_an_image_does_not_allow_is_named(folders, capsys):
    rng = np.random.default_rng(0)
    for folder in folders:
        write_png(folder / "b.png", rng.integers(0, 256, (12, 12), dtype=np.uint8))
    assert __main__.main(["score", *map(str, folders), "--metrics", "ssim", "scoot"]) == 2
    assert "made/b.png: no scoot: Images of 12×12 pixels are too small; 16" in capsys.readouterr().err
    assert __main__.main(["score", *map(str, folders), "--metrics", "ssim"]) == 0


def test_a_score_that_is_no_number_is_named(folders, monkeypatch):
    broken = scoring.IMAGE_METRICS["ssim"]._replace(load=lambda: lambda reference, image: float("nan"))
    monkeypatch.setitem(scoring.IMAGE_METRICS, "ssim", broken)
    with pytest.raises(StudyError, match="(?s)3 images.*made/a.png: ssim is not defined.*made/c.png"):
        scoring.score_folders(*folders)


def test_a_metric_without_its_weights_says_so_and_the_others_go_on(folders, capsys, monkeypatch):
    def refuse():
        raise StudyError("no internet")

    monkeypatch.setitem(scoring.IMAGE_METRICS, "lpips", scoring.IMAGE_METRICS["lpips"]._replace(load=refuse))
    assert __main__.main(["score", *map(str, folders), "--metrics", "lpips", "ssim"]) == 0
    printed = capsys.readouterr().out
    assert "not computed: no internet" in printed and "95 % interval" in printed


def test_images_beside_the_scored_ones_are_not_passed_over(folders, capsys):
    for folder in folders:
        (folder / "d.webp").write_bytes(b"")
    assert __main__.main(["score", *map(str, folders)]) == 2
    assert "d.webp" in capsys.readouterr().err


def test_file_names_of_another_encoding_are_written(folders, tmp_path):
    for folder in folders:
        os.rename(os.fsencode(folder / "b.png"), os.fsencode(folder) + b"/M\xfcller.png")  # Latin-1
    assert __main__.main(["score", *map(str, folders), "--csv", str(tmp_path / "out.csv")]) == 0
    assert list(pd.read_csv(tmp_path / "out.csv", encoding="utf-8").image.unique()) == ["M\\udcfcller", "a", "c"]


def test_options_before_the_folders_are_explained(folders, capsys):
    assert __main__.main(["score", "--metrics", "ssim", "fsim", *map(str, folders)]) == 2
    assert "--metrics takes all words that follow it" in capsys.readouterr().err


def test_a_results_folder_that_is_none_is_named(made_up_study, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    for place in ("file", "file/deeper"):
        monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path / place))
        folder = paths.run_folder("tiny", "portraits", "mean-face", 0)
        with pytest.raises(StudyError, match="this folder cannot be made"), run_folders.claimed(folder):
            raise AssertionError("nothing can be claimed there")
        with pytest.raises(StudyError, match="this folder cannot be made"):
            score_runs._score_runs("tiny", "portraits", [], False, False)


def test_a_distance_of_few_pairs_is_said_to_be_too_large_and_to_be_in_no_table_of_images(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    monkeypatch.setattr(sets, "_load", lambda name: lambda faces: faces.reshape(len(faces), -1)[:, :20:3].astype(float))
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path / "cache"))
    for folder in "ab":
        for row in range(12):
            write_png(tmp_path / folder / f"{row}.png", rng.integers(0, 256, (9, 7, 3), np.uint8))
    command_line = ["score", str(tmp_path / "a"), str(tmp_path / "b"), "--csv", str(tmp_path / "x.csv"), "--metrics"]
    for metrics, too_large, left_out in ((["mae", "fid", "kid"], True, "but for fid, kid"),
                                         (["mae", "kid"], False, "but for kid"), (["mae"], False, "")):
        assert __main__.main([*command_line, *metrics]) == 0
        told = capsys.readouterr().out
        assert ("fewer than 2048 images are too large" in told) == too_large
        assert ("but for" in told) == bool(left_out) and left_out in told
        assert set(pd.read_csv(tmp_path / "x.csv", encoding="utf-8").metric) == {"mae"}


def test_folders_as_sets_need_no_names_and_no_equal_numbers(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    monkeypatch.setattr(sets, "_load", lambda name: lambda faces: faces.reshape(len(faces), -1)[:, :20:3].astype(float))
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path / "cache"))
    stacks = {"a": rng.integers(0, 256, (70, 9, 7, 3), np.uint8), "b": rng.integers(0, 99, (12, 9, 7, 3), np.uint8)}
    for folder, stack in stacks.items():
        for row, image in enumerate(stack):
            write_png(tmp_path / folder / f"{folder}{row:03d}.png", image)
    assert __main__.main(["score", str(tmp_path / "a"), str(tmp_path / "b"), "--sets-only"]) == 0
    told = capsys.readouterr().out
    assert "(12 images)" in told and "(70)" in told and "fewer than 2048" in told
    first, second = (stack.reshape(len(stack), -1)[:, :20:3] for stack in stacks.values())
    assert f"fid                {frechet_distance(first, second):9.4f}" in told
    assert f"kid                {kernel_distance(first, second):9.4f}" in told
    for options, reason in ((["--csv", "x.csv"], "looks at no names"), (["--metrics", "ssim"], "metric of whole sets"),
                            (["--metrics", "fid", "--pattern", "(.)"], "looks at no names")):
        assert __main__.main(["score", str(tmp_path / "a"), str(tmp_path / "b"), "--sets-only", *options]) == 2
        assert reason in capsys.readouterr().err
    for file in sorted((tmp_path / "b").iterdir())[3:]:
        file.unlink()
    assert __main__.main(["score", str(tmp_path / "a"), str(tmp_path / "b"), "--sets-only"]) == 2
    assert "holds 3 images; distances of sets need 4" in capsys.readouterr().err


def test_images_that_come_twice_are_counted(tmp_path, capsys):
    for row, image in enumerate(np.random.default_rng(0).integers(0, 256, (6, 30, 24), dtype=np.uint8)):
        write_png(tmp_path / "real" / f"{row}.png", image)
        write_png(tmp_path / "made" / f"{row}.png", np.zeros((30, 24), np.uint8) + (0 if row < 4 else row))
    shutil.copy(tmp_path / "real" / "0.png", tmp_path / "real" / "5.png")
    assert __main__.main(["score", str(tmp_path / "real"), str(tmp_path / "made"), "--metrics", "mae"]) == 0
    told = capsys.readouterr().out
    assert "2 of 6 real images are equal to another" in told and "4 of 6 synthesised images" in told
