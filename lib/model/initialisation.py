"""First weights of the networks; the paper does not say how it drew them."""

from __future__ import annotations

from torch import nn


def initialise(network: nn.Module, how: str = "normal-0.02") -> nn.Module:
    """Draw the convolution weights, set biases to zero: N(0, 0.02) as CycleGAN, or Kaiming's.

    ``pytorch`` leaves torch's own defaults (uniform, biases too), which is what saying nothing means.
    Uses torch's global generator; α and β of the attentions keep their zeros.
    """
    if how == "pytorch":
        return network
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            if how == "kaiming":
                nn.init.kaiming_normal_(layer.weight, a=0.25)  # PReLU starts at slope 0.25
            else:
                nn.init.normal_(layer.weight, 0.0, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network
