"""Settings: the published schedule, overrides, and messages for misspelt names."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lib.base.errors import StudyError
from lib.model.settings import MsgSarlSettings
from lib.training.plans import plan


def test_published_schedule_at_400_epochs():
    paper = MsgSarlSettings.at("paper")
    rates = [paper.learning_rate_at(epoch) for epoch in (0, 99, 100, 199, 200, 399)]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5])


@pytest.mark.parametrize("epochs", [8, 24, 400])
def test_schedules_keep_their_shape_at_any_length(epochs):
    """Steps: a tenth after each quarter.  Smooth: from the end of the first quarter down by a constant factor."""
    quarter = epochs // 4
    steps, smooth = ([MsgSarlSettings(epochs=epochs, schedule=schedule).learning_rate_at(epoch)
                      for epoch in range(epochs)] for schedule in ("steps", "smooth"))
    assert steps == pytest.approx(np.repeat([1e-3, 1e-4, 1e-5, 1e-5], quarter))
    assert smooth[:quarter + 1] == pytest.approx([1e-3] * (quarter + 1))
    assert np.diff(np.log(smooth[quarter:])) == pytest.approx(np.log(1e-5 / 1e-3) / (3 * quarter))


def test_paper_profile_holds_the_papers_numbers():
    s = MsgSarlSettings.at("paper")
    assert (s.size, s.epochs, s.batch, s.learning_rate, s.final_rate) == (256, 400, 1, 1e-3, 1e-5)
    assert (s.adversarial_weight, s.perceptual_weight, s.tv_weight, s.cycle_weight) == (1, 10, 1e-4, 10)
    assert (s.beta1, s.beta2, s.features, s.perceptual_pools) == (0.5, 0.999, "vgg19", "2-5")


def test_overrides_change_one_setting_each():
    s = plan("quick", "backbone-msg+learning_rate=2e-4+fusion=shared+epochs=2+cycle=true").settings
    assert (s.learning_rate, s.fusion, s.epochs, s.cycle, s.msg, s.attention) == (2e-4, "shared", 2, True, True, False)


@pytest.mark.parametrize("system, hint", [
    ("msg-sral", "msg-sarl"), ("msg-sarl+fusoin=shared", "fusion"), ("msg-sarl+fusion=sharde", "shared"),
    ("msg-sarl+epochs=many", "not a whole number"), ("msg-sarl+msg=maybe", "neither true nor false"),
    ("msg-sarl+fusion", "name=value"), ("lle+epochs=2", "belong to trained systems"),
    ("grey-input+fusion=shared", "belong to trained systems")])
def test_misspelt_names_are_refused_with_a_hint(system, hint):
    with pytest.raises(StudyError, match=hint):
        plan("quick", system).settings


@pytest.mark.parametrize("system", ["msg-sarl+without_msg=own-pyramid", "backbone-msg+without_msg=own-pyramid",
                                    "backbone-attention+without_attention=residual"])
def test_a_stand_in_for_a_part_that_is_there_is_refused(system):
    with pytest.raises(StudyError, match="changes nothing"):
        plan("quick", system)


def test_records_from_before_the_stand_ins_count_as_they_were():
    recorded = dataclasses.asdict(plan("quick", "backbone").settings)
    for name in ("without_msg", "without_attention", "discriminator_rate"):
        del recorded[name]
    assert plan("quick", "backbone").counts({"settings": recorded})
    assert not plan("quick", "backbone+discriminator_rate=0.2").counts({"settings": recorded})


def test_unknown_profile_suggests_the_near_one():
    with pytest.raises(StudyError, match="Did you mean quick"):
        MsgSarlSettings.at("quikc")


def test_every_choice_has_alternatives_and_every_setting_a_reason():
    for setting in dataclasses.fields(MsgSarlSettings):
        assert setting.metadata["why"], setting.name
        if "choices" in setting.metadata:
            assert setting.default in setting.metadata["choices"] and len(setting.metadata["choices"]) > 1


@pytest.mark.parametrize("override, cause", [
    ("size=30", "a multiple of 8"), ("size=8", "at least 16"), ("batch=0", "at least 1"), ("epochs=0", "at least 1"),
    ("width=-4", "at least 1"), ("learning_rate=-1", "at least 0"), ("tv_weight=nan", "at least 0"),
    ("holdout=-5", "at least 0")])
def test_impossible_numbers_are_refused(override, cause):
    with pytest.raises(StudyError, match=cause):
        plan("quick", f"msg-sarl+{override}").settings
