"""DRIT's training as described, written plainly: attributes as planes through every layer, one pass and one Adam each.

It reads the weights of the networks under test and shares none of their shortcuts.  ``second_pass`` says when the
second gradient of encoder and generator is taken: "before" their first step (as the study does), "after" it through
the old graph (as the authors' program on torch up to 1.4: old activations, new weights), or "anew", from another
forward pass with the new weights.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


def conv(layer, x, border=0, stride=1):
    x = F.pad(x, (border,) * 4, mode="reflect") if border else x
    return F.conv2d(x, layer.weight, layer.bias, stride)


def instance_norm(x):
    # By formula: of one channels-last image torch 2.14's own gives a wrong gradient on a CPU.
    variance, mean = torch.var_mean(x, (2, 3), correction=0, keepdim=True)
    return (x - mean) / (variance + 1e-5).sqrt()


def residual(block, x):
    first, second = (layer for layer in block.body if isinstance(layer, nn.Conv2d))
    return x + instance_norm(conv(second, F.relu(instance_norm(conv(first, x, 1))), 1))


def encode_content(encoder, domain, x):
    first, second, third = [layer for layer in encoder.own[domain] if isinstance(layer, nn.Conv2d)]
    x = F.leaky_relu(conv(first, x, 3), 0.01)
    for layer in (second, third):
        x = F.relu(instance_norm(conv(layer, x, 1, stride=2)))
    for block in list(encoder.own[domain])[-3:]:
        x = residual(block, x)
    return residual(encoder.shared, x)


def encode_attribute(encoder, domain, x):
    branch = encoder.own[domain]
    x = conv(branch.layers[0], x, 1, stride=2)
    for block in list(branch.layers)[1:4]:
        inner = conv(block.second, F.leaky_relu(conv(block.first, F.leaky_relu(x, 0.2), 1), 0.2), 1)
        x = F.avg_pool2d(inner, 2) + conv(block.shortcut, F.avg_pool2d(x, 2))
    x = F.adaptive_avg_pool2d(F.leaky_relu(x, 0.2), 1).flatten(1)
    return branch.mean(x), branch.logvar(x)


def with_planes(x, z):
    return torch.cat((x, z[:, :, None, None].expand(*z.shape, *x.shape[2:])), 1)


def generate(generator, domain, code, z):
    own = generator.own[domain]
    x = with_planes(residual(generator.shared, code), z)
    for block in own.blocks:
        x = residual(block, x)
    for layer, norm, _ in (own.up1, own.up2):
        x = F.conv_transpose2d(with_planes(x, z), layer.weight, layer.bias, 2, 1, 1)
        shape = x.shape[1:]
        x = F.relu(F.layer_norm(x, shape, norm.weight.expand(shape), norm.bias.expand(shape)))
    return F.conv_transpose2d(with_planes(x, z), own.exit[0].weight, own.exit[0].bias).tanh()


def judge_image(discriminator, x):
    maps = []
    for scale in discriminator.scales:
        *strided, last = (layer for layer in scale if isinstance(layer, nn.Conv2d))
        y = x
        for layer in strided:
            y = F.leaky_relu(conv(layer, y, 1, stride=2), 0.01)
        maps.append(conv(last, y).sigmoid())
        x = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
    return maps


def judge_content(discriminator, x):
    *strided, fourth, last = (layer for layer in discriminator if isinstance(layer, nn.Conv2d))
    for layer in strided:
        x = F.leaky_relu(conv(layer, x, 1, stride=2), 0.01)
    return [conv(last, F.leaky_relu(conv(fourth, x), 0.01)).sigmoid()]


def cross_entropy(maps, target):
    return sum(F.binary_cross_entropy(m, torch.full_like(m, target)) for m in maps)


class PlainDrit:
    """``networks``: the eight, by name.  Images A (photos) and B (sketches) are (B, 3, S, S); attributes lists (N, 8).

    ``noises``: of the content codes of photo, sketch, translated photo, translated sketch.
    """

    def __init__(self, networks, *, mode_seeking=True, second_pass="before", clip=5.0):
        self.n, self.mode_seeking, self.second_pass, self.clip = networks, mode_seeking, second_pass, clip
        # The optimiser sees the weights under another version counter, as in torch up to 1.4.
        self.seen = {name: [nn.Parameter(p.data) for p in network.parameters()] for name, network in networks.items()}
        self.adams = {name: torch.optim.Adam(weights, 1e-4 * (0.4 if name == "disContent" else 1), (0.5, 0.999),
                                             weight_decay=1e-4) for name, weights in self.seen.items()}

    def clear(self, *names):
        for name in names:
            for weight in self.n[name].parameters():
                weight.grad = None

    def update(self, *names):
        for name in names:
            for seen, weight in zip(self.seen[name], self.n[name].parameters()):
                seen.grad = weight.grad
            self.adams[name].step()

    def content_update(self, A, B, noises):
        half = len(A) // 2
        code_a = encode_content(self.n["content_encoder"], "photo", A[:half]) + noises[0]
        code_b = encode_content(self.n["content_encoder"], "sketch", B[:half]) + noises[1]
        self._update_content(code_a, code_b)

    def _update_content(self, code_a, code_b):
        judge = self.n["disContent"]
        self.clear("disContent")
        loss = (cross_entropy(judge_content(judge, code_a.detach()), 0.0)
                + cross_entropy(judge_content(judge, code_b.detach()), 1.0))
        loss.backward()
        norm = sum(p.grad.square().sum() for p in judge.parameters()).sqrt()
        for p in judge.parameters():
            p.grad *= min(1.0, float(self.clip / (norm + 1e-6)))
        self.update("disContent")

    def forward(self, A, B, noise_a, noise_b, zs, again_a, again_b, noises):
        content, attribute, G = (self.n[name] for name in ("content_encoder", "attribute_encoder", "generator"))
        half = len(A) // 2
        self.real_a, self.real_b, self.other_a, self.other_b = A[:half], B[:half], A[half:], B[half:]
        self.code_a = encode_content(content, "photo", self.real_a) + noises[0]
        self.code_b = encode_content(content, "sketch", self.real_b) + noises[1]
        self.mean_a, self.logvar_a = encode_attribute(attribute, "photo", self.real_a)
        self.mean_b, self.logvar_b = encode_attribute(attribute, "sketch", self.real_b)
        z_a = self.mean_a + noise_a * self.logvar_a.mul(0.5).exp()
        z_b = self.mean_b + noise_b * self.logvar_b.mul(0.5).exp()
        self.zs = zs
        self.fake_a, self.self_a, *self.random_a = generate(
            G, "photo", torch.cat([self.code_b, self.code_a] + [self.code_b] * len(zs)),
            torch.cat([z_a, z_a, *zs])).split(half)
        self.fake_b, self.self_b, *self.random_b = generate(
            G, "sketch", torch.cat([self.code_a, self.code_b] + [self.code_a] * len(zs)),
            torch.cat([z_b, z_b, *zs])).split(half)
        code_b = encode_content(content, "photo", self.fake_a) + noises[2]
        code_a = encode_content(content, "sketch", self.fake_b) + noises[3]
        mean_a, logvar_a = encode_attribute(attribute, "photo", self.fake_a)
        mean_b, logvar_b = encode_attribute(attribute, "sketch", self.fake_b)
        self.cycle_a = generate(G, "photo", code_a, mean_a + again_a * logvar_a.mul(0.5).exp())
        self.cycle_b = generate(G, "sketch", code_b, mean_b + again_b * logvar_b.mul(0.5).exp())
        self.read_a = encode_attribute(attribute, "photo", self.random_a[0])[0]
        self.read_b = encode_attribute(attribute, "sketch", self.random_b[0])[0]

    def full_update(self, *inputs):
        self.forward(*inputs)
        for name, real, fakes in (("disA", self.real_a, [self.fake_a]), ("disA2", self.other_a, self.random_a),
                                  ("disB", self.real_b, [self.fake_b]), ("disB2", self.other_b, self.random_b)):
            self.clear(name)
            for fake in fakes:
                loss = (cross_entropy(judge_image(self.n[name], real), 1.0)
                        + cross_entropy(judge_image(self.n[name], fake.detach()), 0.0))
                loss.backward()
            self.update(name)
        self._update_content(self.code_a, self.code_b)

        names = ("content_encoder", "attribute_encoder", "generator")
        self.clear(*names)
        self.first_loss().backward(retain_graph=True)
        if self.second_pass == "before":
            first = {name: [p.grad for p in self.n[name].parameters()] for name in names}
            self.clear(*names)
            self.second_loss().backward()
            second = {name: [p.grad for p in self.n[name].parameters()] for name in names}
            self.set_gradients(first)
            self.update(*names)
            self.set_gradients(second)
        else:
            self.update(*names)
            if self.second_pass == "anew":
                self.forward(*inputs)
            self.clear(*names)
            self.second_loss().backward()
        self.update("content_encoder", "generator")

    def set_gradients(self, gradients):
        for name, of_network in gradients.items():
            for weight, gradient in zip(self.n[name].parameters(), of_network):
                weight.grad = gradient

    def first_loss(self):
        loss = 0
        for judge, fake, code, mean, logvar, cycle, itself, real in (
                ("disA", self.fake_a, self.code_a, self.mean_a, self.logvar_a, self.cycle_a, self.self_a, self.real_a),
                ("disB", self.fake_b, self.code_b, self.mean_b, self.logvar_b, self.cycle_b, self.self_b, self.real_b)):
            loss = loss + cross_entropy(judge_image(self.n[judge], fake), 1.0)
            loss = loss + cross_entropy(judge_content(self.n["disContent"], code), 0.5)
            loss = loss - 0.01 * 0.5 * (1 + logvar - mean ** 2 - logvar.exp()).sum() + 0.01 * (code ** 2).mean()
            loss = loss + 10 * (cycle - real).abs().mean() + 10 * (itself - real).abs().mean()
        return loss

    def second_loss(self):
        loss = 0
        for judge, fakes, read in (("disA2", self.random_a, self.read_a), ("disB2", self.random_b, self.read_b)):
            loss = loss + sum(cross_entropy(judge_image(self.n[judge], fake), 1.0) for fake in fakes)
            loss = loss + 10 * (read - self.zs[0]).abs().mean()
            if self.mode_seeking:
                ratio = (fakes[1] - fakes[0]).abs().mean() / (self.zs[1] - self.zs[0]).abs().mean()
                loss = loss + 1 / (ratio + 1e-5)
        return loss
