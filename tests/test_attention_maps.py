"""Attention made visible: observations against the equations in numpy, measures against closed forms and scipy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import made_up_faces
from scipy import special, stats

from lib import __main__
from lib.base import files, paths
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.evaluation import attention as attention_maps
from lib.evaluation.attention import measures, observing
from lib.figures import attention as figures
from lib.findings import attention_on_real_faces
from lib.model.settings import MsgSarlSettings
from lib.training import checkpoints, make_run, plans
from lib.training.plans import plan
from lib.training.tensors import to_tensor
from lib.training.translate import Translator

pytestmark = pytest.mark.trains

P2S, S2P = DIRECTIONS


def write_checkpoint(path, system="msg-sarl", seed=0, finished=True, profile="tiny", scale=0.5):
    """A network with random weights, α and β drawn from ±scale."""
    torch.manual_seed(seed)
    settings = plan(profile, system).settings
    method = plans.create(system, settings, torch.device("cpu"), training=False)
    for name, parameter in method.generators.named_parameters():
        if name.endswith(("alpha", "beta")):
            parameter.copy_(scale * (2 * torch.rand(()) - 1))
        elif name.endswith(("query.weight", "key.weight")):
            parameter.mul_(50)  # logits of some units, so that one softmax is far from uniform
    path.parent.mkdir(parents=True, exist_ok=True)
    checkpoints.save(path, {"system": system, "settings": dataclasses.asdict(settings), "seed": seed,
                            "finished": finished, "method": method.state(training=False)})


@pytest.fixture(scope="module")
def translator(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "checkpoint.pt"
    write_checkpoint(path)
    return Translator(path)


@pytest.fixture(scope="module")
def photo():
    return made_up_faces(1).photos[0]


def test_observation_obeys_the_equations(translator, photo):
    seen = attention_maps.observe(translator, P2S, photo)
    before = None
    for block, sarb in zip(seen.blocks, translator.trainable.generators[P2S].sarm, strict=True):
        channels, side, _ = block.entering.shape
        assert (channels, side) == (64, 4)
        M = block.entering.reshape(channels, -1).astype(float)
        value = sarb.attention.position.value
        values = value.weight[:, :, 0, 0].double().numpy() @ M + value.bias.double().numpy()[:, None]
        assert np.ptp(block.weights()) > 0.01  # otherwise the check below could not tell μ from its transpose
        np.testing.assert_allclose(block.position_added.reshape(channels, -1),
                                   block.alpha * values @ block.weights().T, atol=2e-5)
        np.testing.assert_allclose(block.channel_added.reshape(channels, -1),
                                   block.beta * block.channel_weights @ M, atol=2e-5)
        np.testing.assert_allclose(block.weights("double"), special.softmax(block.weights("single"), axis=1), atol=1e-6)
        if before is not None:  # the global skip of Eq. 5
            np.testing.assert_allclose(block.features, before + block.unit, atol=1e-5)
        before = block.features


def test_looking_changes_nothing(translator, photo):
    plain = translator(P2S, photo[None])[0]
    seen = attention_maps.observe(translator, P2S, photo)
    assert np.array_equal(seen.output, plain) and np.array_equal(translator(P2S, photo[None])[0], plain)
    assert not any(module._forward_hooks for module in translator.trainable.generators.modules())
    assert not any(sarb.attention.position.double for sarb in translator.trainable.generators[P2S].sarm)


def test_a_network_trained_with_two_softmaxes_shows_them(tmp_path, photo):
    write_checkpoint(tmp_path / "checkpoint.pt", "msg-sarl+position_softmax=double")
    block = attention_maps.observe(Translator(tmp_path / "checkpoint.pt"), P2S, photo).blocks[0]
    assert block.softmax == "double" and np.array_equal(block.weights(), block.weights("double"))
    assert block.weights("single").max() > block.weights().max()
    with pytest.raises(StudyError, match="softmax 'triple'"):
        block.weights("triple")


@pytest.mark.parametrize("fit", ["resize", "pad"])
def test_pixels_belong_to_the_cells_that_arithmetic_gives(fit):
    settings = dataclasses.replace(MsgSarlSettings.at("tiny"), size=64, fit=fit)
    cells = observing.cells_of(settings, 8, 250, 200)
    width, left = (64, 0) if fit == "resize" else (51, 6)  # 200 pixels at the scale 64/250, centred
    x, y = np.arange(200), np.arange(250)
    columns = (left + ((x + 0.5) * width / 200).astype(int)) // 8
    rows = ((y + 0.5) * 64 / 250).astype(int) // 8
    assert np.array_equal(cells, rows[:, None] * 8 + columns[None])
    assert cells[125, 75] == 4 * 8 + 3  # the left eye, either way


def test_row_and_picture_of_a_chosen_pixel(translator, photo):
    seen = attention_maps.observe(translator, P2S, photo)
    assert np.array_equal(seen.row(2, (75, 125)), seen.blocks[1].weights()[2 * 4 + 1])
    assert np.array_equal(seen.row(2, (199, 0)), seen.blocks[1].weights()[3])
    picture = seen.on_face(np.arange(16.0))
    assert picture.shape == (250, 200) and picture[0, 0] == 0 and picture[249, 199] == 15 and picture[0, 199] == 3
    with pytest.raises(StudyError, match="outside the face of 200×250"):
        seen.row(1, (200, 10))


def test_pictures_of_channels(translator, photo):
    block = attention_maps.observe(translator, P2S, photo).blocks[0]
    constant = dataclasses.replace(block, features=np.stack([np.full((4, 4), -3.0), np.full((4, 4), 4.0)]))
    assert np.allclose(constant.map(), 3.5) and np.allclose(constant.map("norm"), 5)
    assert constant.map(part="unit").shape == (4, 4)
    with pytest.raises(StudyError, match="picture"):
        constant.map("maximum")


def test_attention_is_off_inside_and_back_afterwards(translator, photo, tmp_path):
    write_checkpoint(tmp_path / "checkpoint.pt", scale=0.0)  # the same network, never scaled up
    never = Translator(tmp_path / "checkpoint.pt")(P2S, photo[None])
    trained = translator(P2S, photo[None])
    assert not np.array_equal(trained, never)
    with pytest.raises(KeyboardInterrupt), attention_maps.attention_off(translator, P2S):
        assert np.array_equal(translator(P2S, photo[None]), never)
        raise KeyboardInterrupt
    assert np.array_equal(translator(P2S, photo[None]), trained)
    with attention_maps.attention_off(translator, P2S, beta=False, sarbs=(1, 3)):
        scales = [(s.attention.position.alpha.item() == 0, s.attention.channel.beta.item() == 0)
                  for s in translator.trainable.generators[P2S].sarm]
    assert scales == [(True, False), (False, False), (True, False), (False, False)]


def test_networks_without_attention_are_refused(tmp_path, photo):
    write_checkpoint(tmp_path / "checkpoint.pt", "msg-sarl-no-attention")
    with pytest.raises(StudyError, match="no self-attention"):
        attention_maps.observe(Translator(tmp_path / "checkpoint.pt"), P2S, photo)


def test_entropy_is_scipys_and_exact_at_both_ends():
    weights = np.random.default_rng(0).dirichlet(np.full(30, 0.2), 50)
    np.testing.assert_allclose(measures.entropy(weights), stats.entropy(weights, base=2, axis=1))
    thirds = np.repeat([[1 / 3, 0.0]], 3, axis=1)
    assert measures.effective_number(thirds) == pytest.approx(3)
    assert measures.normalised_entropy(np.full(16, 1 / 16)) == pytest.approx(1)
    assert measures.normalised_entropy(np.eye(16)) == pytest.approx(0)


def test_dependence_tells_pooling_from_attention():
    rng = np.random.default_rng(0)
    row = rng.dirichlet(np.full(16, 0.1))
    assert measures.dependence(np.tile(row, (16, 1))) == pytest.approx(0, abs=1e-12)
    assert measures.dependence(np.eye(16)[rng.permutation(16)]) == pytest.approx(1)
    halves = np.repeat(np.eye(2), 8, axis=0) @ np.kron(np.eye(2), np.full((1, 8), 1 / 8))  # two groups, one bit
    assert measures.dependence(halves) == pytest.approx(1 / 4)


def test_quantities_of_faces(translator):
    faces = made_up_faces(2).photos
    table = attention_maps.measure(translator, P2S, faces)
    assert set(table.quantity) == set(attention_maps.QUANTITIES) and set(table.sarb) == {"1", "2", "3", "4", "all"}
    values = table.set_index(["face", "sarb", "quantity"]).value
    attention = translator.trainable.generators[P2S].sarm[2].attention
    assert values[0, "3", "alpha"] == pytest.approx(attention.position.alpha)
    source = to_tensor(faces[1:], translator.settings)
    trained = translator.trainable.translate(P2S, source)
    with attention_maps.attention_off(translator, P2S):
        change = (translator.trainable.translate(P2S, source) - trained).abs().mean().item()
    assert values[1, "all", "off"] == pytest.approx(127.5 * change, rel=1e-4) and change > 1e-4
    summary = attention_maps.summarise(table).set_index(["sarb", "quantity"])
    both = values.xs(("1", "position_share"), level=("sarb", "quantity"))
    assert summary.loc[("1", "position_share"), "mean"] == pytest.approx(both.mean())
    assert summary.loc[("1", "position_share"), "sd"] == pytest.approx(abs(both[0] - both[1]) / np.sqrt(2))
    assert summary.loc[("1", "alpha"), "sd"] == 0 and set(summary.faces) == {2}


def test_shares_follow_the_scales(translator, tmp_path, photo):
    """In the first SARB M does not depend on α and β, so what is added is proportional to them."""
    write_checkpoint(tmp_path / "checkpoint.pt", scale=0.25)
    half = Translator(tmp_path / "checkpoint.pt")
    first, second = (attention_maps.measure(t, P2S, photo[None]).set_index(["sarb", "quantity"]).value
                     for t in (translator, half))
    for quantity in ("position_share", "position_varying_share", "channel_share"):
        assert first["1", quantity] == pytest.approx(2 * second["1", quantity], rel=1e-4)
    assert first["1", "position_varying_share"] < first["1", "position_share"]


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    monkeypatch.setattr(make_run, "load_faces", lambda database, settings, split: made_up_faces(2))
    for system, seed in (("msg-sarl", 0), ("msg-sarl", 1), ("msg-sarl-no-attention", 0), ("backbone-attention", 0)):
        write_checkpoint(paths.run_folder("tiny", "portraits", system, seed) / "checkpoint.pt", system, seed)
    return lambda system, seed: paths.run_folder("tiny", "portraits", system, seed) / "checkpoint.pt"


def test_a_study_is_measured_once_and_keeps_rows_of_absent_checkpoints(study):
    first = attention_maps.measure_study("tiny", "portraits", faces=1)
    assert first.measured == ("backbone-attention/seed0", "msg-sarl/seed0", "msg-sarl/seed1") and not first.left_out
    assert list(first.rows.columns) == ["system", "seed", "direction", "sarb", "quantity", "mean", "sd", "faces"]
    assert not attention_maps.measure_study("tiny", "portraits", faces=1).measured
    study("msg-sarl", 0).unlink()
    write_checkpoint(study("msg-sarl", 1), seed=7)
    write_checkpoint(study("backbone-attention", 0), "backbone-attention", 7, finished=False)
    second = attention_maps.measure_study("tiny", "portraits", faces=1)
    assert second.measured == ("msg-sarl/seed1",)
    assert set(second.left_out) == {"msg-sarl/seed0", "backbone-attention/seed0"}
    read = attention_maps.read_attention("tiny", "portraits")
    parts = {key: part.reset_index(drop=True) for key, part in read.groupby(["system", "seed"])}
    earlier = first.rows.query("system == 'msg-sarl' and seed == 0").reset_index(drop=True)
    pd.testing.assert_frame_equal(parts["msg-sarl", 0], earlier, rtol=1e-5)
    changed = first.rows.query("system == 'msg-sarl' and seed == 1").reset_index(drop=True)
    assert len(parts["msg-sarl", 1]) == len(changed) and not np.allclose(parts["msg-sarl", 1]["mean"], changed["mean"])
    wide = attention_maps.overview(read, ["alpha", "off"])
    assert wide.loc[("msg-sarl", 1, S2P, "2"), "alpha"] == pytest.approx(
        Translator(study("msg-sarl", 1)).trainable.generators[S2P].sarm[1].attention.position.alpha.item(), rel=1e-5)


def test_what_cannot_be_used_is_told(study, capsys):
    study("msg-sarl", 1).write_bytes(b"no checkpoint")
    write_checkpoint(study("backbone-attention", 0), "backbone-attention+epochs=2")
    assert __main__.main(["attention", "--profile", "tiny", "--database", "portraits", "--faces", "1"]) == 0
    printed = capsys.readouterr().out
    assert "msg-sarl/seed1: left out" in printed and "backbone-attention/seed0: left out" in printed
    assert "other settings" in printed and "runs measured now: 1" in printed
    table = paths.study_folder("tiny", "portraits") / "attention.csv"
    table.write_text("system,value\nmsg-sarl,1\n", encoding="utf-8")
    assert __main__.main(["attention", "--profile", "tiny", "--database", "portraits"]) == 2
    assert "has the columns system, value" in capsys.readouterr().err
    assert __main__.main(["attention", "--profile", "tiny", "--database", "portrait"]) == 2
    assert __main__.main(["attention", "--profile", "tiny", "--database", "cufs"]) == 2
    assert "python -m lib train --database cufs" in capsys.readouterr().err
    with pytest.raises(StudyError, match="python -m lib attention --profile tiny --database cufs"):
        attention_maps.read_attention("tiny", "cufs")


def test_scales_are_read_from_every_seed(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    for seed in (0, 1):
        log = pd.DataFrame({"epoch": [1, 2]})
        names = [f"{d}/{s}{i}" for d in (P2S, S2P) for i in (1, 2, 3, 4) for s in ("alpha", "beta")]
        for place, name in enumerate(names):
            log[name] = [place + 100 * seed, place + 100 * seed + 0.5]
        folder = paths.run_folder("tiny", "portraits", "msg-sarl", seed)
        folder.mkdir(parents=True)
        files.write_csv(folder / "log.csv", log)
    table = attention_maps.read_scales("tiny", "portraits", "msg-sarl")
    values = table.set_index(["seed", "direction", "sarb", "scale", "epoch"]).value
    assert len(values) == 2 * 2 * 4 * 2 * 3
    assert values[1, S2P, 3, "beta", 2] == 113.5 and values[0, P2S, 1, "beta", 1] == 1
    assert (table[table.epoch == 0].value == 0).all()
    figure = figures.scales(table)
    assert all(len(axis.lines) == 2 * 2 + 1 for axis in figure.axes)  # seeds × directions and the line at 0
    assert 113.5 in [line.get_ydata()[-1] for line in figure.axes[4 + 2].lines], "β of SARB 3"
    with pytest.raises(StudyError, match="--system backbone-attention --profile tiny"):
        attention_maps.read_scales("tiny", "portraits", "backbone-attention")


def test_figures_show_the_values_they_claim(translator, photo, study):
    seen = attention_maps.observe(translator, P2S, photo)
    figure = figures.rows(seen, {"eye": (75, 125)})
    shown = figure.axes[2].images[1].get_array()  # SARB 2
    expected = np.log2(np.clip(seen.row(2, (75, 125)) * 16, 1 / 16, 16))
    np.testing.assert_allclose([shown[0, 199], shown[130, 80]], expected[[3, 9]], atol=1e-5)
    maps = figures.feature_maps({"photo to sketch": seen}).axes
    strength = seen.blocks[3].map()
    assert len(maps) == 7 and np.allclose(maps[4].images[1].get_array()[0, 0], strength[0, 0] / strength.max())
    plain = np.full_like(seen.output, 40)
    shown = [axis.images[0].get_array() for axis in figures.without({"FP2S": seen}, {"FP2S": plain}, factor=2).axes]
    np.testing.assert_array_equal(shown[0], seen.output)
    np.testing.assert_array_equal(shown[2], np.clip(255 - 2 * np.abs(seen.output.astype(int) - 40), 0, 255))


def test_measures_of_trained_networks_are_means_over_trainings(study):
    rows = attention_maps.measure_study("tiny", "portraits", faces=1).rows
    table = attention_on_real_faces.by_sarb("tiny", "portraits")
    wanted = rows.query("system == 'msg-sarl' and direction == @P2S and quantity == 'position_entropy' and sarb == '2'")
    assert table.position_entropy["FP2S", "2"] == pytest.approx(wanted["mean"].mean())
    assert table.channel_self_raw.isna().all()  # no network of that reading
    texts = [text.get_text() for text in figures.measures(table, attention_on_real_faces.TITLES).axes[0].texts]
    assert f"{table.position_entropy['FP2S', '2']:.2f}" in texts and texts.count("–") == 8
    off = rows.query("system == 'msg-sarl' and direction == @P2S and quantity == 'off' and sarb == 'all'")["mean"]
    assert attention_on_real_faces.without("tiny", "portraits").loc["msg-sarl", "FP2S max"] == pytest.approx(
        off.max(), rel=1e-4)  # as the table rounds
