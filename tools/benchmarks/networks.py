"""Training steps on the book's engine beside PyTorch: a network of modules, a convolution, an LSTM."""

from __future__ import annotations

import numpy as np
import torch

from journey.deep_learning.autograd import Tensor
from journey.deep_learning.convolutional_networks import Conv2d
from journey.deep_learning.lstm_and_gru import LSTM
from journey.deep_learning.neural_network_library import CrossEntropyLoss, Linear, ReLU, Sequential
from journey.deep_learning.optimizers import Adam
from tools.bench import Work, benchmark


@benchmark(
    "modules and Adam, 256, batch 128",
    reference="torch.nn and torch.optim.Adam, float32: two hidden layers of width 256, a whole step",
)
def mlp(side: str) -> Work:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    ours = Sequential(
        Linear(256, 256, rng=rng), ReLU(), Linear(256, 256, rng=rng), ReLU(), Linear(256, 10, rng=rng)
    )
    x, y = rng.normal(size=(128, 256)).astype(np.float32), rng.integers(0, 10, size=128)
    if side == "ours":
        loss_function, optimizer = CrossEntropyLoss(), Adam(ours.parameters())

        def step() -> float:
            loss = loss_function(ours(Tensor(x)), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return float(loss.item())

        return step
    nn = torch.nn
    theirs = nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
    theirs.load_state_dict({name: torch.tensor(a) for name, a in ours.state_dict().items()})
    adam, inputs, targets = torch.optim.Adam(theirs.parameters()), torch.tensor(x), torch.tensor(y)

    def their_step() -> float:
        loss = nn.functional.cross_entropy(theirs(inputs), targets)
        adam.zero_grad()
        loss.backward()
        adam.step()
        return float(loss.item())

    return their_step


@benchmark(
    "convolution, forwards and back",
    reference="torch.nn.Conv2d, float32: 64 pictures of 16 × 14 × 14, 32 kernels of 3 × 3",
)
def convolution(side: str) -> Work:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    ours = Conv2d(16, 32, 3, padding=1, rng=rng)
    x = rng.normal(size=(64, 16, 14, 14)).astype(np.float32)
    if side == "ours":
        inputs = Tensor(x, requires_grad=True)

        def step() -> None:
            ours.zero_grad()
            ours(inputs).sum().backward()

        return step
    theirs = torch.nn.Conv2d(16, 32, 3, padding=1)
    theirs.load_state_dict({name: torch.tensor(a) for name, a in ours.state_dict().items()})
    their_inputs = torch.tensor(x, requires_grad=True)

    def their_step() -> None:
        theirs.zero_grad()
        theirs(their_inputs).sum().backward()

    return their_step


@benchmark(
    "LSTM and Adam, 50 steps",
    reference="torch.nn.LSTM and torch.optim.Adam, float32: 32 sequences of 50 steps, 64 units, a whole step",
)
def lstm(side: str) -> Work:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    ours = LSTM(32, 64, rng=rng)
    x = rng.normal(size=(50, 32, 32)).astype(np.float32)
    if side == "ours":
        optimizer = Adam(ours.parameters())

        def step() -> float:
            loss = (ours(Tensor(x))[0] ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return float(loss.item())

        return step
    theirs, inputs = torch.nn.LSTM(32, 64), torch.tensor(x)
    theirs.load_state_dict({name: torch.tensor(a) for name, a in ours.state_dict().items()})
    adam = torch.optim.Adam(theirs.parameters())

    def their_step() -> float:
        loss = theirs(inputs)[0].square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        return float(loss.item())

    return their_step
