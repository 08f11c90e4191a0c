"""The ambiguity ledger's entries: every choice has one, bad files are named, the numbers they state are true."""

from __future__ import annotations

import dataclasses
import math

import pandas as pd
import pytest
import torch
import yaml

from lib.base import systems
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.findings import ledger, tables
from lib.model import losses
from lib.model.attention import PositionAttention
from lib.model.discriminator import Discriminator
from lib.model.generator import Generator
from lib.model.settings import MsgSarlSettings
from lib.training.plans import plan

P2S, S2P = DIRECTIONS
ENTRIES = {entry.id: entry for entry in ledger.entries()}
ORDER = (
    "position_softmax=double", "channel_logits=raw", "channel_logits=danet", "perceptual_pools=1-2", "fusion=shared",
    "tap=before-skip", "tv_reduction=mean", "schedule=steps", "real_pyramid=bilinear", "real_pyramid=bicubic",
    "output_resampling=bilinear", "output_resampling=lanczos", "output_resampling=area", "norm_after_5x5=false",
    "padding=zeros", "upsampling=bilinear", "initialisation=kaiming", "widths=1-2-4-4", "learning_rate=2e-4",
    "resampling=area", "precision=fp32")


TAP = {"id": "tap", "part": "architecture", "kind": "choice", "where": "Eq. 1", "open": "Where?", "chosen": "after",
       "setting": "tap"}


# The entries

def test_every_named_choice_of_the_settings_has_an_entry():
    choices = {field.name for field in dataclasses.fields(MsgSarlSettings) if "choices" in field.metadata}
    assert choices - {entry.setting for entry in ledger.entries()} == set()


def test_no_setting_has_two_entries():
    settings = [entry.setting for entry in ledger.entries() if entry.setting]
    assert len(settings) == len(set(settings))


def test_alternatives_are_systems_in_order_of_priority():
    assert ledger.tested_systems() == tuple(f"msg-sarl+{alternative}" for alternative in ORDER)
    for system in ledger.tested_systems():
        assert plan("cpu", system).settings != plan("cpu", "msg-sarl").settings


def test_a_profile_is_not_compared_with_itself():
    assert "msg-sarl+schedule=smooth" in ledger.tested_systems("paper")  # it steps, cpu does not
    assert "msg-sarl+schedule=steps" not in ledger.tested_systems("paper")
    assert "msg-sarl+schedule=smooth" not in ledger.tested_systems("cpu")


def test_defaults_come_from_the_settings():
    assert ENTRIES["position-softmax"].setting_text == "`position_softmax=single` (or double)"
    assert "quick smooth" in ENTRIES["schedule"].setting_text and "paper" not in ENTRIES["schedule"].setting_text
    assert ENTRIES["norm-after-5x5"].setting_text == "`norm_after_5x5=true`"
    assert ENTRIES["depth"].setting_text == ""


@pytest.mark.parametrize("change, message", [
    ({"part": "loss"}, "entry tap, field part: 'loss' is none of"),
    ({"kind": "slip"}, "entry tap, field kind: 'slip' is none of"),
    ({"id": "Tap here"}, "entry Tap here, field id: must be lower-case"),
    ({"where": ""}, "entry tap, field where: must be a text"),
    ({"open": None}, "entry tap, field open: must be a text"),
    ({"readings": "before, after"}, "entry tap, field readings: must be a list"),
    ({"readings": ["after", 2]}, "entry tap, field readings: must be a list of texts"),
    ({"reasons": "because"}, "entry tap, field reasons: no such field"),
    ({"setting": "tapp"}, "entry tap, field setting: Unknown setting 'tapp'. Did you mean tap"),
    ({"alternatives": ["tap=inside"]}, "entry tap, field alternatives: Unknown value of tap 'inside'"),
    ({"alternatives": ["fusion=shared"]}, "entry tap, field alternatives: 'fusion=shared' does not change"),
    ({"priority": "first"}, "entry tap, field priority: must be a whole number"),
    ({"alternatives": None}, "entry tap, field alternatives: must be a list"),
])
def test_wrong_fields_are_named_with_their_entry(tmp_path, change, message):
    record = {**TAP, "alternatives": ["tap=before-skip"], "priority": 1} | change
    with pytest.raises(StudyError) as raised:
        ledger.entries(_file(tmp_path, [record]))
    assert message in str(raised.value)


def test_all_offenders_are_reported_at_once(tmp_path):
    choice = {"id": "a", "part": "data", "kind": "choice", "where": "here", "open": "?", "chosen": "x", "reason": "y"}
    records = [choice, {**choice, "readings": ["x", "z"]}, {"id": "b"}, {"part": "data"}]
    with pytest.raises(StudyError) as raised:
        ledger.entries(_file(tmp_path, records))
    text = str(raised.value)
    assert "entry a, field readings: a choice has at least two" in text and "'a' is in 2 entries" in text
    assert "entry b, field open: missing" in text and "entry number 4, field id: missing" in text


@pytest.mark.parametrize("text, message", [
    ("- id: [", "cannot be read"), ("id: a", "must be a list"), ("", "must be a list")])
def test_a_file_that_is_no_list_is_refused(tmp_path, text, message):
    file = tmp_path / "ledger.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match=message):
        ledger.entries(file)


def test_a_setting_lends_its_reason(tmp_path):
    (entry,) = ledger.entries(_file(tmp_path, [TAP]))
    assert entry.reason == {f.name: f.metadata["why"] for f in dataclasses.fields(MsgSarlSettings)}["tap"]


def _file(folder, records):
    file = folder / "ledger.yaml"
    file.write_text(yaml.safe_dump(records), encoding="utf-8")
    return file


# Numbers that entries state

def test_stated_sizes_are_those_of_the_networks():
    from lib.model.discriminator import Discriminator
    from lib.model.generator import Generator

    paper = plan("paper", "msg-sarl").settings
    with torch.device("meta"):
        generator = Generator(3, 1, paper)
    small = Generator(3, 1, dataclasses.replace(paper, width=2))(torch.zeros(1, 3, 256, 256))[0]
    count = sum(parameter.numel() for parameter in generator.parameters())
    sarm = sum(parameter.numel() for parameter in generator.sarm.parameters())
    assert f"{count / 1e6:.1f} million" in ENTRIES["channel-multiples"].consequence and sarm / count > 0.9
    assert small.shape[2] == 32 and "32×32" in ENTRIES["depth"].consequence
    # Receptive field: what 3×3 convolutions and 2×2 pooling between four stages and the last convolution add up to.
    seen, step = 1, 1
    for stage in range(len(Discriminator(1, dataclasses.replace(paper, width=2)).stages) + 1):
        seen += 2 * step  # a 3×3 convolution
        if stage < 3:
            seen, step = seen + step, 2 * step  # pooling
    assert f"{seen}×{seen} pixels" in ENTRIES["discriminator-pooling"].consequence


def test_stated_factor_between_sum_and_mean_of_total_variation():
    for channels, domain in ((1, "sketches"), (3, "photos")):
        image = torch.rand(1, channels, 256, 256, dtype=torch.float64)
        factor = losses.total_variation_loss(image) / losses.total_variation_loss(image, "mean")
        stated = ENTRIES["tv-reduction"].consequence
        assert f"{factor:,.0f} times" in stated.split(domain)[0], domain


def test_stated_ends_of_the_smooth_schedule():
    text = ENTRIES["schedule"].consequence
    for profile, epochs in (("quick", 8), ("cpu", 24)):
        rate = 1e-3 * 0.01 ** ((((epochs - 1) / epochs) - 0.25) / 0.75)  # of the last epoch's beginning
        assert MsgSarlSettings.at(profile).learning_rate_at(epochs - 1) == pytest.approx(rate)
        assert f"{rate:.2e}".replace("e-05", "e-5") + f" after {epochs}" in text


def test_stated_shares_of_weights_are_those_of_the_networks():
    def count(network):
        return sum(parameter.numel() for parameter in network.parameters())

    full, bare = (MsgSarlSettings(width=32, msg=on, attention=on) for on in (True, False))
    assert 1 - count(Discriminator(1, bare)) / count(Discriminator(1, full)) == pytest.approx(1 / 3, abs=0.01)
    assert 1 - count(Generator(3, 1, bare)) / count(Generator(3, 1, full)) == pytest.approx(0.3, abs=0.01)


def test_two_softmaxes_bound_the_ratio_of_weights_by_e():
    torch.manual_seed(0)
    unit = PositionAttention(16, softmax="double")
    with torch.no_grad():
        weights = unit.weights(30 * torch.randn(2, 16, 12, 12))
    ratio = weights.amax(dim=-1) / weights.amin(dim=-1)
    assert 2.5 < ratio.max() <= math.e + 1e-5 and "more than e times" in ENTRIES["position-softmax"].consequence


def test_stated_gains_are_those_of_the_published_tables():
    """Pairs of rows of Tables I-III that differ in one part."""
    cells = _published_cells()
    pairs = {part: _pairs(cells, part) for part in ("msg", "attention", "cycle")}

    msg = pairs["msg"]
    falling = msg[(msg.metric == "ssim") & (msg.gain < 0)].set_index("database").gain
    assert {name: round(-value, 2) for name, value in falling.items()} == \
        {"cuhk-student": 0.66, "cufs": 1.05, "cufsf": 2.34}
    kept = msg[~(msg.attention & ~msg.cycle)]  # all but those beside attention without the cycle
    for metric, stated in (("ssim", "0.17 to 0.87"), ("fsim", "0.15 to 0.38")):
        gains = kept.gain[kept.metric == metric]
        assert f"{gains.min():.2f} to {gains.max():.2f}" == stated and stated in ENTRIES["claim-msg"].open

    for part, falls, id_ in (("attention", 5, "claim-attention"), ("cycle", 3, "claim-cycle")):
        sketches = pairs[part].query("direction == @P2S")
        assert (sketches.gain[sketches.metric == "ssim"] > 0).all()
        assert (sketches.gain[sketches.metric == "fsim"] < 0).sum() == falls
        assert f"{falls} of {(sketches.metric == 'fsim').sum()}" in ENTRIES[id_].open


def _published_cells() -> pd.DataFrame:
    names = {system.label: system.name for system in systems.SYSTEMS.values()}
    cells = tables.published().query("table in ('I', 'II', 'III')").copy()
    settings = [plan("paper", names[label]).settings for label in cells.system]
    return cells.assign(**{part: [getattr(s, part) for s in settings] for part in ("msg", "attention", "cycle")})


def _pairs(cells: pd.DataFrame, part: str) -> pd.DataFrame:
    key = ["database", "direction", "metric", *({"msg", "attention", "cycle"} - {part})]
    pairs = cells[cells[part]].merge(cells[~cells[part]], on=key, suffixes=("", "_without"))
    return pairs.assign(gain=pairs.value - pairs.value_without)


def test_stated_ranks_are_those_of_the_published_tables():
    printed = tables.published()
    fid = {t: printed.query("table == @t and metric == 'fid'").set_index("system").value
           for t in ("IV", "V", "VI", "VII")}
    ranks = [("first", "second", "third", "fourth", "fifth")[int(values.rank()["MSG-SARL"]) - 1]
             for values in fid.values()]
    assert ("{} and {} of seven for sketches, {} and {} of five for photos".format(*ranks)
            in ENTRIES["state-of-the-art"].open) and [len(values) for values in fid.values()] == [7, 7, 5, 5]
    assert all(values["U-GAT-IT"] < values["MSG-SARL"] for values in fid.values())
    assert f"worst of Table IV ({fid['IV'].max()})" in ENTRIES["pix2pix-row"].open
    assert fid["IV"].idxmax() == "pix2pix" and fid["V"].rank()["pix2pix"] == 3
    assert f"({fid['V']['pix2pix']})" in ENTRIES["pix2pix-row"].open
    third = printed.query("table == 'III' and direction == @P2S and metric == 'fsim'").set_index("system").value
    assert (third > third["MSG-SARL"]).sum() == 5 and len(third) == 7
    assert f"({third['MSG-SARL']}) than five of its six" in ENTRIES["table-iii-fsim"].open
    ssim = {t: printed.query("table == @t and metric == 'ssim'").set_index("system").value for t in ("IV", "V")}
    change = ssim["V"] - ssim["IV"]
    assert list(change.index[change > 0]) == ["pix2pix"]
    least, most = -change[change < 0].max(), -change.min()
    assert f"({ssim['V']['pix2pix']} after {ssim['IV']['pix2pix']}; " in ENTRIES["pix2pix-row"].open
    assert f"fall by {math.floor(least)} to {math.ceil(most)} points" in ENTRIES["pix2pix-row"].open
