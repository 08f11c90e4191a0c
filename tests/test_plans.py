"""Plans: a name is read once, two spellings are one plan, tables of names and constructors agree."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from lib.base import paths, systems
from lib.base import settings as reading
from lib.base.errors import StudyError
from lib.base.settings import RunSettings
from lib.rivals import deep
from lib.training import plans
from lib.training.plans import CONSTRUCTORS, plan


def test_every_system_that_trains_has_a_constructor_and_no_other():
    assert set(CONSTRUCTORS) == {name for name in systems.SYSTEMS if systems.is_trained(name)}


@pytest.mark.parametrize("system", sorted(CONSTRUCTORS))
def test_settings_of_a_system_do_not_hide_each_other_and_give_reasons(system):
    fields = dataclasses.fields(CONSTRUCTORS[system].settings())
    assert all(field.metadata.get("why") for field in fields), system
    for profile in reading.PROFILES:
        settings = plan(profile, system).settings
        assert settings.learning_rate_at(0, 0, 10) >= settings.learning_rate_at(settings.epochs - 1, 9, 10) >= 0


def test_two_spellings_are_one_plan_with_one_folder():
    first = plan("quick", "msg-sarl+fusion=shared+learning_rate=0.0002+epochs=2")
    second = plan("quick", "msg-sarl+epochs=2+learning_rate=2e-4+fusion=shared")
    assert first == second and first.name == "msg-sarl+epochs=2+fusion=shared+learning_rate=2e-4"
    assert first.folder("portraits", 3) == second.folder("portraits", 3)


def test_a_name_says_all_that_differs_from_the_profile():
    changed = plan("quick", "msg-sarl+norm_after_5x5=false+tv_weight=0.5")
    assert plan("quick", changed.name) == changed
    base = plan("quick", "msg-sarl").settings
    assert dataclasses.replace(base, norm_after_5x5=False, tv_weight=0.5) == changed.settings != base


def test_long_names_get_short_folders_that_differ(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    long = "msg-sarl+epochs=1+norm_after_5x5=false+channel_logits=raw+attention_precision="
    folders = [plan("probe", f"{long}{value}").folder("portraits", 0) for value in ("fp32", "bf16")]
    names = [folder.parent.name for folder in folders]
    assert len(set(names)) == 2 and all(len(name) < 20 and paths.is_shortened(name) for name in names)
    assert not paths.is_shortened("msg-sarl+fusion=shared") and not paths.is_shortened("msg-sarl")


def test_auto_accepts_either_precision_and_an_explicit_one_does_not():
    auto, exact = plan("quick", "msg-sarl"), plan("quick", "msg-sarl+precision=fp32")
    for precision in ("bf16", "fp32"):
        recorded = dataclasses.replace(auto.settings, precision=precision)
        assert auto.accepts(recorded) and exact.accepts(recorded) == (precision == "fp32")
    assert not auto.accepts(dataclasses.replace(auto.settings, precision="fp32", epochs=9))


def test_a_setting_that_came_later_has_the_value_from_before():
    settings = plan("quick", "msg-sarl").settings
    recorded = dataclasses.asdict(dataclasses.replace(settings, precision="bf16"))
    early = {name: value for name, value in recorded.items() if name not in ("augmentation", "pairing")}
    assert plan("quick", "msg-sarl").counts({"settings": early})
    assert plans.restore("msg-sarl", early).augmentation == "none"
    for broken in ({**recorded, "strange": 1}, {k: v for k, v in recorded.items() if k != "fusion"}):
        with pytest.raises(StudyError, match="another version of the study .settings: (strange|fusion)"):
            plans.restore("msg-sarl", broken)
        assert not plan("quick", "msg-sarl").counts({"settings": broken})


def test_a_changed_default_rewrites_no_history():
    """A record from before a setting existed keeps that time's value, whatever today's default is."""

    @dataclasses.dataclass(frozen=True)
    class Later(RunSettings):
        polish: str = reading.choice("fine", ("none",), "a new and better default", before="none")

    early = dataclasses.asdict(RunSettings.at("quick"))
    assert Later.restore(early).polish == "none" and Later.at("quick").polish == "fine"


def test_interpolation_of_results_shares_the_network():
    changed = plan("quick", "msg-sarl+fusion=shared+output_resampling=area")
    assert changed.network == plan("quick", "msg-sarl+fusion=shared") != changed
    assert changed.network.network is changed.network


# A deep rival's networks, by a name

def weights(system: str, **said) -> dict[str, list[tuple[int, ...]]]:
    with torch.device("meta"):
        made = deep.networks(system, **{"width": 8, "size": 64, **said})
    return {name: [tuple(weight.shape) for weight in network.parameters()] for name, network in made.items()}


@pytest.mark.parametrize("system, said, plain, plainly", [
    ("drit+augmentation=none", {}, "drit", {}),
    ("drit+augmentation=none", {"augmentation": "none"}, "drit", {}),
    ("drit+augmentation=crop-flip", {}, "drit", {"augmentation": "crop-flip"}),
    ("pix2pix+width=8+size=64", {}, "pix2pix", {}),
    ("u-gat-it-full+form=full", {"form": "full"}, "u-gat-it+form=full", {}),
    ("ps2man-described", {"form": "described"}, "ps2man", {"form": "described"}),
    ("pix2pix+dropout=0.25", {"dropout": 0.25}, "pix2pix", {}), ("drit", {"mode_seeking": False}, "drit", {})])
def test_a_setting_may_be_said_twice_alike(system, said, plain, plainly):
    assert weights(system, **said) == weights(plain, **plainly)


def test_what_a_name_says_of_training_reaches_the_networks():
    """At 52 pixels, the crop of 64, DRIT's discriminators have fewer layers; the full form reads every position."""
    assert weights("drit+augmentation=crop-flip") != weights("drit")
    assert weights("u-gat-it-full") == weights("u-gat-it+form=full") != weights("u-gat-it+form=light")


@pytest.mark.parametrize("system, said, words", [
    ("pix2pix+width=8", {"width": 16}, "width is to be 16 and 8"), ("pix2pix+size=128", {}, "size is to be 64 and 128"),
    ("u-gat-it-full+form=light", {}, "form is to be full and light"),
    ("u-gat-it-full", {"form": "light"}, "form is to be full and light"),
    ("ps2man+form=described", {"form": "released"}, "form is to be described and released"),
    ("drit+augmentation=none", {"augmentation": "crop-flip"}, "augmentation is to be none and crop-flip"),
    ("pix2pix+dropout=0.25", {"dropout": 0.5}, "dropout is to be 0.25 and 0.5"),
    ("pix2pix+dropout=0.25+dropout=0.5", {}, "dropout is to be 0.25 and 0.5"),
    ("pix2pix", {"form": "full"}, "Unknown setting 'form'"), ("drit", {"agumentation": "none"}, "mean augmentation"),
    ("drit", {"mode_seeking": 3}, "neither true nor false"), ("u-gat-it", {"form": "heavy"}, "Unknown value of form")])
def test_networks_that_are_said_twice_differently_are_not_made(system, said, words):
    with pytest.raises(StudyError, match=words):
        weights(system, **said)


def test_a_plan_does_not_choose_between_two_values():
    with pytest.raises(StudyError, match="fusion is to be shared and separate"):
        plan("quick", "msg-sarl+fusion=shared+fusion=separate")
