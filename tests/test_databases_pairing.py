"""The pairing check: finds mis-sorted copies, keeps quiet about right ones, and can be overruled."""

import numpy as np
import pytest
from made_up_databases import cuhk_as_distributed, field
from PIL import Image
from scipy.ndimage import map_coordinates

from lib import __main__, databases
from lib.base.errors import StudyError
from lib.databases import pairing


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path / "cache"))


def made_up(count, noise=0.0, seed=0):
    """Photos and sketches that share a field; ``noise``: share of the sketch that is another field."""
    shared = np.stack([field(f"{seed}/{k}") for k in range(count)]).astype(float)
    alien = np.stack([field(f"{seed}/alien/{k}") for k in range(count)])
    photos = np.repeat(shared.astype(np.uint8)[..., None], 3, axis=-1)
    return photos, ((1 - noise) * shared + noise * alien).astype(np.uint8)


def judge(photos, sketches):
    return pairing.check(photos, sketches, ("group",) * len(photos))[0]


def missorted(count, share, seed=0):
    """An order in which ``share`` of the elements have moved, by one place, within a random selection."""
    order = np.arange(count)
    moved = np.random.default_rng(seed).permutation(count)[: round(share * count)]
    order[moved] = np.roll(moved, 1)
    return order


def test_correlations_against_a_second_computation():
    photos, sketches = made_up(5, noise=0.4)
    ours = pairing.correlations(photos, sketches)
    # Block means by reshaping (250 = 25 × 10, 200 = 20 × 10) instead of Pillow; NumPy's corrcoef without
    # its centring would differ, so both sides are centred per image, then over the set.
    def rows(faces):
        small = faces.reshape(5, 25, 10, 20, 10).mean(axis=(2, 4)).reshape(5, -1)
        small = (small - small.mean(1, keepdims=True)) / small.std(1, keepdims=True)
        return small - small.mean(0)
    expected = [[np.dot(s, p) / np.linalg.norm(s) / np.linalg.norm(p) for p in rows(photos[..., 0])]
                for s in rows(sketches)]
    assert np.allclose(ours, expected, atol=0.01)  # Pillow rounds the thumbnails to 8 bits
    assert np.abs(ours).max() <= 1 + 1e-12


@pytest.mark.parametrize("count", [8, 30, 100])
@pytest.mark.parametrize("noise", [0.0, 0.3, 0.5])
def test_right_pairs_pass_and_mis_sorted_ones_do_not(count, noise):
    photos, sketches = made_up(count, noise)
    right = judge(photos, sketches)
    wrong = judge(photos, sketches[missorted(count, 0.54)])
    assert not right.mis_paired
    assert wrong.mis_paired
    assert wrong.rank_1 < right.rank_1 and wrong.suspect.sum() >= 0.3 * count


def test_a_swap_of_two_is_found_where_the_method_sees_well():
    photos, sketches = made_up(60)
    order = np.arange(60)
    order[[7, 30]] = 30, 7
    result = judge(photos, sketches[order])
    assert np.flatnonzero(result.suspect).tolist() == [7, 30] and result.mis_paired
    assert result.best[7] == 30 and result.best[30] == 7


def test_distorted_pairs_of_the_cufsf_kind_pass():
    """Warped by 10 px and lit from the side, as exaggerating artists and FERET's light do."""
    photos, sketches = made_up(100, noise=0.3)
    down, across = np.mgrid[0:250, 0:200].astype(float)
    rng = np.random.default_rng(0)
    for k in range(100):
        phase = rng.uniform(0, 6.28, 2)
        at = [down + 10 * np.sin(across / 40 + phase[0]), across + 10 * np.sin(down / 40 + phase[1])]
        sketches[k] = map_coordinates(sketches[k], at, order=1, mode="nearest")
        photos[k] = photos[k] * (0.4 + 0.6 * across / 200)[..., None]
    assert not judge(photos, sketches).mis_paired


@pytest.mark.parametrize("count", [8, 100])
def test_images_that_say_nothing_are_not_judged(count):
    """Pure noise and blank images hold no evidence of mis-pairing, so there is no error."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (2, count, 250, 200), dtype=np.uint8)
    assert not judge(np.repeat(noise[0][..., None], 3, -1), noise[1]).mis_paired
    blank = np.full((count, 250, 200), 200, np.uint8)
    assert not judge(np.repeat(blank[..., None], 3, -1), blank).mis_paired


def test_sub_databases_are_judged_apart():
    photos, sketches = made_up(40)
    groups = ("ar",) * 20 + ("xm2vts",) * 20
    order = np.concatenate([np.arange(20), 20 + missorted(20, 0.6)])
    results = pairing.check(photos, sketches[order], groups)
    assert [(r.group, r.mis_paired) for r in results] == [("ar", False), ("xm2vts", True)]


def rename_in_wrong_order(folder):
    """Give test sketches each other's names, so that 54 of 100 lie with the wrong photo."""
    files = sorted(folder.iterdir())
    contents = [file.read_bytes() for file in files]
    for file, k in zip(files, missorted(len(files), 0.54), strict=True):
        file.write_bytes(contents[k])


def test_a_mis_sorted_copy_is_refused_and_can_be_accepted(tmp_path, capsys):
    copy = cuhk_as_distributed(tmp_path, 8, None)
    rename_in_wrong_order(copy / "Testing sketch")
    with pytest.raises(StudyError) as error:
        databases.load("cuhk-student", "test", copy)
    message = str(error.value)
    assert "sorted wrongly" in message and "--accept-pairing" in message
    assert message.count("  - Testing sketch/") == 54
    with pytest.raises(StudyError):
        databases.load("cuhk-student", "test", copy, limit=2)  # the whole split is judged whatever the limit
    assert len(databases.load("cuhk-student", "train", copy)) == 8

    command = ["prepare", "--database", "cuhk-student", "--data", str(copy)]
    assert __main__.main(command) == 2
    assert __main__.main([*command, "--accept-pairing"]) == 0
    assert len(databases.load("cuhk-student", "test", copy)) == 100
    # Another file in the copy, and the acceptance no longer holds.
    changed = next((copy / "Testing photo").iterdir())
    changed.write_bytes(changed.read_bytes() + b"\0")
    with pytest.raises(StudyError, match="sorted wrongly"):
        databases.load("cuhk-student", "test", copy)


def test_an_acceptance_is_of_bytes_and_can_be_withdrawn(tmp_path):
    """Files without compression all have one size: exchanged contents must be judged again."""
    copy = cuhk_as_distributed(tmp_path, 8, 12)
    for file in sorted((copy / "Testing sketch").iterdir()):
        Image.open(file).convert("L").save(file.with_suffix(".bmp"))
        file.unlink()
    rename_in_wrong_order(copy / "Testing sketch")
    assert __main__.main(["prepare", "--database", "cuhk-student", "--data", str(copy), "--accept-pairing"]) == 0
    assert len(databases.load("cuhk-student", "test", copy)) == 12
    files = sorted((copy / "Testing sketch").iterdir())
    contents = [file.read_bytes() for file in files]
    assert len(set(map(len, contents))) == 1
    for file, content in zip(files, contents[1:] + contents[:1], strict=True):
        file.write_bytes(content)
    with pytest.raises(StudyError, match="sorted wrongly"):
        databases.load("cuhk-student", "test", copy)
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    assert len(databases.load("cuhk-student", "test", copy)) == 12
    (copy / "pairing-accepted.csv").unlink()  # the cache does not outlive what it rests on
    with pytest.raises(StudyError, match="sorted wrongly"):
        databases.load("cuhk-student", "test", copy)
