"""DRIT's steps and translations against a plain transcription (``plain_drit``), in double precision."""

from __future__ import annotations

import copy
import dataclasses

import deep_checks as checks
import plain_drit
import pytest
import torch
from plain_drit import PlainDrit
from torch import nn

from lib.rivals.deep import drit_losses
from lib.rivals.deep.drit import Drit, DritSettings
from lib.rivals.deep.drit_networks import DOMAINS

CPU = torch.device("cpu")
ROWS = torch.tensor([0, 1])
SMALL = DritSettings(size=32, width=4, augmentation="none", precision="fp32")


def make_drit(settings: DritSettings) -> Drit:
    """DRIT in double precision with six training pairs."""
    torch.manual_seed(settings.batch)
    drit = Drit(settings, CPU)
    drit.generators.double()
    drit.discriminators.double()
    drit.prepare(*(images.double() for images in checks.material(settings, 6)))
    return drit


def all_networks(drit: Drit) -> dict[str, nn.Module]:
    return {**drit.generators, **drit.discriminators}


@pytest.fixture
def recorded(monkeypatch):
    """What a step draws: attributes, and the content codes' noise in the order of use."""
    seen = {"draws": [], "noises": []}
    new, content = drit_losses.Draws.new, drit_losses.content

    def record_draws(like, random):
        seen["draws"].append(new(like, random))
        return seen["draws"][-1]

    def record_noise(encoder, domain, image, *, noise):
        code = content(encoder, domain, image, noise=noise)
        seen["noises"].append((domain, (code - encoder(domain, image)).detach()))
        return code

    monkeypatch.setattr(drit_losses.Draws, "new", record_draws)
    monkeypatch.setattr(drit_losses, "content", record_noise)
    return seen


def transcribe(plain: PlainDrit, drit: Drit, seen: dict, photo_rows, sketch_rows) -> None:
    """Let the transcription take the step that ``drit`` took, from the same draws, which are used up."""
    A, B = drit.pairs.photos[photo_rows], drit.pairs.sketches[sketch_rows]
    # Of a domain, the image's noise comes before the translated image's.
    of_domain = [[noise for of, noise in seen["noises"] if of == domain] for domain in DOMAINS]
    noises = [noise for places in zip(*of_domain) for noise in places]
    if len(noises) == 2:
        plain.content_update(A, B, noises)
    else:
        draws = seen["draws"].pop()
        plain.full_update(A, B, draws.encoded["photo"], draws.encoded["sketch"], draws.random,
                          draws.recoded["photo"], draws.recoded["sketch"], noises)
    seen["noises"].clear()


def biases_without_effect(network: nn.Module) -> set[str]:
    """Biases that an instance normalisation takes away; weight decay would move them."""
    return {f"{name}.bias" for name, layer in network.named_modules() if getattr(layer, "normalised", False)}


@pytest.mark.parametrize("changes", [{}, {"mode_seeking": False, "batch": 4}])
def test_an_epoch_is_that_of_the_transcription(recorded, changes):
    """Five batches: two of the content discriminator, then three of everything, the last two by the epoch's end."""
    settings = dataclasses.replace(SMALL, clip_norm=0.05, **changes)  # in a small network 5 would never clip
    drit = make_drit(settings)
    plain = PlainDrit(copy.deepcopy(all_networks(drit)), mode_seeking=settings.mode_seeking, clip=0.05)
    rows = torch.randint(6, (2, 5, settings.batch))
    for step in range(5):
        drit.set_progress(0, step, 5)
        losses = drit.step(*rows[:, step])
        assert ("generator_pass1/total" in losses) == (len(recorded["noises"]) == 4) == (step >= 2)
        transcribe(plain, drit, recorded, *rows[:, step])
        for name, network in all_networks(drit).items():
            without_effect = biases_without_effect(network)
            for (key, ours), theirs in zip(network.named_parameters(), plain.n[name].parameters(), strict=True):
                if key not in without_effect:
                    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10,
                                               msg=lambda message: f"{step} {name}.{key}: {message}")


@pytest.mark.parametrize("step, codes", [(0, 2), (2, 4)])
def test_noise_of_training_is_standard_normal_and_new(recorded, step, codes):
    """Of the content discriminator's steps and of full ones: images, then translated images."""
    drit = make_drit(SMALL)
    drit.set_progress(0, step, 9)
    drit.step(ROWS, ROWS)
    noises = torch.stack([noise for _, noise in recorded["noises"]])  # (2 or 4, 1, 16, 8, 8)
    assert len(noises) == codes and abs(noises.mean()) < 0.06 and abs(noises.std() - 1) < 0.06
    assert torch.corrcoef(noises.flatten(1)).fill_diagonal_(0).abs().max() < 0.15


def test_the_second_step_is_near_that_of_old_torch(recorded):
    """The program's second gradient: old activations, new weights.  Another forward pass would be far from it."""
    drit = make_drit(SMALL)
    start = all_networks(copy.deepcopy(drit))
    rows = torch.tensor([0, 1]), torch.tensor([2, 3])
    drit.set_progress(0, 2, 9)
    drit.step(*rows)

    def change(networks_after):
        return torch.cat([(after - before).flatten() for name in ("content_encoder", "generator")
                          for (key, before), after in zip(start[name].named_parameters(),
                                                          networks_after[name].parameters())
                          if key not in biases_without_effect(start[name])]).detach()

    by_torch = {}
    for second_pass in ("after", "anew"):
        seen = {"draws": recorded["draws"][:], "noises": recorded["noises"][:]}
        plain = PlainDrit(copy.deepcopy(start), second_pass=second_pass)
        transcribe(plain, drit, seen, *rows)
        by_torch[second_pass] = change(plain.n)
    program = by_torch["after"]
    ours, anew = ((found - program).norm() / program.norm() for found in (change(all_networks(drit)), by_torch["anew"]))
    assert ours < 0.06 and anew > 5 * ours, (ours, anew)


@pytest.mark.parametrize("batches, updates", [(134, 46), (125, 43), (4, 2), (3, 2), (2, 2), (1, 1)])
def test_schedule_of_the_content_discriminator(batches, updates):
    """CUFS has 268 training pairs, CUFSF 250: 134 and 125 batches."""
    drit = make_drit(SMALL)
    full = []
    for it in range(batches):
        drit.set_progress(7, it, batches)
        full.append(drit.updates_everything())
        assert full[-1] == (not ((it + 1) % 3 != 0 and it < batches - 2))
    assert sum(full) == updates


def test_without_an_epoch_every_third_batch_updates_everything():
    drit = make_drit(dataclasses.replace(SMALL, width=1))
    everything = ["generator_pass2/total" in drit.step(ROWS, ROWS) for _ in range(6)]
    assert everything == [False, False, True] * 2 and drit.period == 3


def test_rates_follow_the_programs_schedule():
    """n_ep 1200, n_ep_decay 600, through torch's own LambdaLR; the content discriminator at 1e-4 / 2.5."""
    settings = dataclasses.replace(SMALL, epochs=1200, width=1)
    drit = make_drit(settings)
    theirs = torch.optim.Adam([nn.Parameter(torch.zeros(1))], 1e-4)
    scheduler = torch.optim.lr_scheduler.LambdaLR(theirs, lambda ep: 1 - max(0, ep - 600) / float(1200 - 600 + 1))
    for epoch in range(1200):
        drit.set_progress(epoch, 0, 1)
        rates = [optimiser.param_groups[0]["lr"] for optimiser in drit.optimisers]
        rate = theirs.param_groups[0]["lr"]
        assert rates == pytest.approx([rate, rate / 2.5, rate, rate], rel=1e-12)
        theirs.step()
        scheduler.step()
    assert [DritSettings(epochs=8).learning_rate_at(epoch) for epoch in (4, 5, 7)] == pytest.approx(
        [1e-4, 0.8e-4, 0.4e-4])


# Translating

def test_translation_is_the_described_one():
    """Content of the source, zero attribute, in the target domain's decoder: as the transcription, without noise."""
    drit = make_drit(SMALL)
    photo, sketch = drit.pairs.photos[:1], drit.pairs.sketches[:1, :1]
    networks, zero = drit.generators, torch.zeros(1, 8, dtype=torch.double)
    for direction, source, target, image in (("photo-to-sketch", "photo", "sketch", photo),
                                             ("sketch-to-photo", "sketch", "photo", sketch)):
        code = plain_drit.encode_content(networks["content_encoder"], source, image.expand(-1, 3, -1, -1))
        expected = plain_drit.generate(networks["generator"], target, code, zero)
        torch.testing.assert_close(drit.translate(direction, image, "name"), expected.detach(), rtol=0, atol=1e-12)


def test_attributes_change_the_picture_and_names_seed_them():
    drit = Drit(dataclasses.replace(SMALL, test_attribute="random"), CPU, training=False)
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    ours = drit.random_attributes("face-1", 3)
    assert ours.shape == (3, 8) and torch.equal(ours, drit.random_attributes("face-1", 3))
    assert not torch.equal(ours, drit.random_attributes("face-2", 3))
    made = drit.translate_with_attributes("photo-to-sketch", images, ours)
    assert made.shape == (3, 2, 3, 32, 32) and made.std(0).min() > 0
    assert torch.equal(drit.translate("photo-to-sketch", images, "face-1"), made[0])
    assert not torch.equal(drit.translate("photo-to-sketch", images, "face-2"), made[0])
