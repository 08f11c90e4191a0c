"""What DRIT's networks make of a batch, and the losses of it; names and weights as in the authors' program.

Groups, in the order of the step: ``image_discriminators`` and ``content_discriminator``; ``pass1`` (content encoder,
attribute encoder, generator), ``pass2`` (content encoder and generator, by pictures with random attributes).  Each
returns its terms, unweighted, and their weighted sum under ``…total``, all scalars in fp32.

Letters in shapes: N images of a domain, K random attributes (2 with mode seeking, else 1), w width, S pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.rivals.deep.blocks import at_least_single
from lib.rivals.deep.drit_networks import ATTRIBUTE, DOMAINS
from lib.rivals.deep.drit_settings import DritSettings

OTHER = {"photo": "sketch", "sketch": "photo"}
DISCRIMINATORS = {"photo": ("disA", "disA2"), "sketch": ("disB", "disB2")}  # of encoded and of random attributes

Losses = dict[str, Tensor]


# Pictures

@dataclass
class Draws:
    """Every random attribute of a step: standard normal, (N, 8) each."""

    encoded: dict[str, Tensor]  # noise of the attributes read from photo and sketch
    random: list[Tensor]  # K attributes, each for both domains
    recoded: dict[str, Tensor]  # noise of the attributes read from the translated photo and sketch

    @classmethod
    def new(cls, like: Tensor, random: int) -> Draws:
        """For as many images as ``like`` has, on its device and in its precision; ``random``: K."""
        def attribute() -> Tensor:
            return torch.randn(len(like), ATTRIBUTE, device=like.device, dtype=like.dtype)

        return cls({d: attribute() for d in DOMAINS}, [attribute() for _ in range(random)],
                   {d: attribute() for d in DOMAINS})


@dataclass
class Made:
    """What encoders and generator make of N photos and sketches, by the domain that a picture or code belongs to."""

    code: dict[str, Tensor]  # content (N, 4w, S/4, S/4)
    mean: dict[str, Tensor]  # of the attribute (N, 8)
    logvar: dict[str, Tensor]
    encoded: dict[str, Tensor]  # the other domain's content, this one's attribute: (N, 3, S, S)
    reconstructed: dict[str, Tensor]  # this domain's content and attribute
    random: dict[str, list[Tensor]]  # the other domain's content, each of the K random attributes
    cross_cycled: dict[str, Tensor]  # contents and attributes of the encoded pictures, exchanged back
    random_attributes: list[Tensor]
    random_mean: dict[str, Tensor]  # attribute read from the first random picture (N, 8)


def content(encoder: nn.Module, domain: str, image: Tensor, *, noise: bool) -> Tensor:
    """Content code of an image; in training with N(0, 1) added, so that it holds nothing that noise would hide."""
    code = encoder(domain, image)
    return code + torch.randn_like(code) if noise else code


def sample(mean: Tensor, logvar: Tensor, noise: Tensor) -> Tensor:
    return mean + noise * (0.5 * logvar).exp()


def make(generators: nn.ModuleDict, images: dict[str, Tensor], draws: Draws, *, noise: bool = True) -> Made:
    """Everything that the losses compare; ``noise``: see ``content``."""
    encoder, read, G = (generators[name] for name in ("content_encoder", "attribute_encoder", "generator"))
    code = {d: content(encoder, d, images[d], noise=noise) for d in DOMAINS}
    shared = {d: G.shared(code[d]) for d in DOMAINS}
    mean, logvar = ({d: part for d, part in zip(DOMAINS, parts)}
                    for parts in zip(*(read(d, images[d]) for d in DOMAINS)))
    attribute = {d: sample(mean[d], logvar[d], draws.encoded[d]) for d in DOMAINS}
    made = Made(code, mean, logvar, {}, {}, {}, {}, draws.random, {})
    for d in DOMAINS:
        exchanged = G.features(d, shared[OTHER[d]])
        made.encoded[d] = G.paint(d, exchanged, attribute[d])
        made.reconstructed[d] = G.paint(d, G.features(d, shared[d]), attribute[d])
        made.random[d] = list(G.paint(d, torch.cat([exchanged] * len(draws.random)), torch.cat(draws.random))
                              .chunk(len(draws.random)))
        made.random_mean[d] = read(d, made.random[d][0])[0]
    for d in DOMAINS:
        made.cross_cycled[d] = G(d, content(encoder, OTHER[d], made.encoded[OTHER[d]], noise=noise),
                                 sample(*read(d, made.encoded[d]), draws.recoded[d]))
    return made


# Losses

def weigh(total: str, terms: dict[str, tuple[float, Tensor]]) -> Losses:
    """Terms with their weights → terms, and under the name ``total`` their weighted sum."""
    return {**{name: loss for name, (_, loss) in terms.items()},
            total: sum(weight * loss for weight, loss in terms.values())}


def judge(maps: list[Tensor], target: float) -> Tensor:
    """Binary cross-entropy of logits: mean over a patch map, summed over the scales."""
    return sum(F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target)) for logits in maps)


def judged_together(discriminator: nn.Module, images: list[Tensor]) -> list[list[Tensor]]:
    """The maps of each of several batches, in one pass: nothing in the discriminator mixes images."""
    return list(zip(*(logits.chunk(len(images)) for logits in discriminator(torch.cat(images)))))


def image_discriminators(discriminators: nn.ModuleDict, images: dict[str, Tensor], others: dict[str, Tensor],
                         made: Made) -> Losses:
    """Real images to 1, made ones to 0; ``others``: the images that pictures with random attributes stand beside.

    With mode seeking a real image counts once for each random picture.
    """
    losses: Losses = {}
    for d, (of_encoded, of_random) in DISCRIMINATORS.items():
        for name, real, fakes, kind in ((of_encoded, images[d], [made.encoded[d]], "encoded"),
                                        (of_random, others[d], made.random[d], "random")):
            real, *fakes = judged_together(discriminators[name], [real, *(fake.detach() for fake in fakes)])
            terms = {"real": (len(fakes), judge(real, 1.0))}
            terms |= {f"fake_{kind}{count}": (1.0, judge(fake, 0.0)) for count, fake in zip(("", "2"), fakes)}
            losses |= weigh(f"discriminator/{name}_total",
                            {f"discriminator/{name}_{term}": value for term, value in terms.items()})
    return losses


def content_discriminator(discriminator: nn.Module, code: dict[str, Tensor]) -> Losses:
    """Codes of photos to 0, of sketches to 1."""
    photo, sketch = discriminator(torch.cat([code[d].detach() for d in DOMAINS])).chunk(2)
    return weigh("discriminator/disContent_total", {"discriminator/disContent_photo": (1.0, judge([photo], 0.0)),
                                                    "discriminator/disContent_sketch": (1.0, judge([sketch], 1.0))})


def pass1(settings: DritSettings, discriminators: nn.ModuleDict, images: dict[str, Tensor], made: Made) -> Losses:
    """What content encoder, attribute encoder and generator learn from encoded attributes."""
    s, terms = settings, {}
    codes = discriminators["disContent"](torch.cat([made.code[d] for d in DOMAINS])).chunk(2)
    for d, logits in zip(DOMAINS, codes):
        # The encoded picture passes for real, and the code does not tell its domain.
        judged = discriminators[DISCRIMINATORS[d][0]](made.encoded[d])
        terms[f"adversarial_{d}"] = s.adversarial_weight, judge(judged, 1.0)
        terms[f"content_adversarial_{d}"] = s.content_adversarial_weight, judge([logits], 0.5)
        # Attributes follow N(0, 1): a sum over the batch; contents stay small: a mean.
        kl = -0.5 * (1 + made.logvar[d] - made.mean[d].square() - made.logvar[d].exp()).sum()
        terms[f"kl_attribute_{d}"] = s.kl_weight, kl
        terms[f"l2_content_{d}"] = s.l2_content_weight, at_least_single(made.code[d]).square().mean()
        # Attributes exchanged twice give the image back, its own code and attribute give it at once.
        terms[f"cross_cycle_{d}"] = s.cross_cycle_weight, F.l1_loss(made.cross_cycled[d], images[d])
        terms[f"self_reconstruction_{d}"] = s.self_reconstruction_weight, F.l1_loss(made.reconstructed[d], images[d])
    return weigh("generator_pass1/total", {f"generator_pass1/{term}": value for term, value in terms.items()})


def pass2(settings: DritSettings, discriminators: nn.ModuleDict, made: Made) -> Losses:
    """What content encoder and generator learn from random attributes."""
    s, terms = settings, {}
    for d in DOMAINS:
        judged = judged_together(discriminators[DISCRIMINATORS[d][1]], made.random[d])
        for count, maps in zip(("", "2"), judged):
            terms[f"adversarial_{d}_random{count}"] = s.adversarial_weight, judge(maps, 1.0)
        # The attribute can be read from the picture.
        read = (made.random_mean[d] - made.random_attributes[0]).abs().mean()
        terms[f"latent_regression_{d}"] = s.latent_regression_weight, read
        if len(made.random[d]) == 2:
            # Mode seeking: pictures differ as much as their attributes do.
            ratio = F.l1_loss(*made.random[d]) / F.l1_loss(*made.random_attributes)
            terms[f"mode_seeking_{OTHER[d]}_to_{d}"] = s.mode_seeking_weight, 1 / (ratio + 1e-5)
    return weigh("generator_pass2/total", {f"generator_pass2/{term}": value for term, value in terms.items()})
