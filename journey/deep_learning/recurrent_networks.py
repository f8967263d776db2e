"""Recurrent networks.

Built in the page `scripts/04_Deep_Learning/10_recurrent_networks.py`: edit the page, not this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from journey.deep_learning.autograd import Tensor, apply, cat, no_grad
from journey.deep_learning.neural_network_library import Linear, Module, Parameter

__all__ = [
    "RNN",
    "CharacterModel",
    "Embedding",
    "RNNCell",
    "backward_through_time",
    "encode_names",
    "orthogonal_",
]


def _advance(z: np.ndarray, h0: np.ndarray, W: np.ndarray, nonlinearity: str) -> Any:
    """States h_1 … h_T from z_t without its recurrent part; eq-recurrent-cell."""
    states, h = np.empty_like(z), h0
    for t in range(len(z)):
        h = z[t] + h @ W.T
        h = np.tanh(h, out=h) if nonlinearity == "tanh" else np.maximum(h, 0, out=h)
        states[t] = h
    return states


def _deltas(
    states: np.ndarray, g: np.ndarray, W: np.ndarray, nonlinearity: str
) -> tuple[np.ndarray, np.ndarray]:
    """All δ_t and the gradient of h_0; eq-recurrent-delta."""
    if nonlinearity == "tanh":
        slope = 1 - states * states  # φ' from the value: nothing else has to be kept
    else:
        slope = (states > 0).astype(states.dtype)
    deltas, arriving = np.empty_like(states), np.zeros_like(states[0])
    for t in range(len(states) - 1, -1, -1):
        np.multiply(slope[t], g[t] + arriving, out=deltas[t])
        arriving = deltas[t] @ W
    return deltas, arriving


def backward_through_time(
    inputs: ArrayLike,
    h0: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike,
    grad_states: ArrayLike,
    nonlinearity: str = "tanh",
) -> dict[str, np.ndarray]:
    """Run a recurrence and return the gradients of a loss, equation eq-recurrent-gradients.

    Parameters
    ----------
    inputs : array_like of shape (T, B, d)
    h0 : array_like of shape (B, H)
    weight_ih, weight_hh, bias : array_like of shapes (H, d), (H, H), (H,)
    grad_states : array_like of shape (T, B, H)
        Gradient of the loss that reaches each state directly.
    nonlinearity : {"tanh", "relu"}

    Returns
    -------
    dict of ndarray
        ``states`` (T, B, H), and gradients named as the arguments.

    Raises
    ------
    ValueError
        If shapes do not fit, there is no step, or the nonlinearity is unknown.

    References
    ----------
    Werbos (1990).
    """
    x, h, U, W, b, g = (
        np.asarray(a, dtype=float) for a in (inputs, h0, weight_ih, weight_hh, bias, grad_states)
    )
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f"nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
    if x.ndim != 3 or h.ndim != 2 or len(x) == 0:
        raise ValueError(f"need inputs (T ≥ 1, B, d) and h0 (B, H), got {x.shape}, {h.shape}")
    (T, B, d), H = x.shape, h.shape[1]
    wanted = ((B, H), (H, d), (H, H), (H,), (T, B, H))
    if (found := tuple(a.shape for a in (h, U, W, b, g))) != wanted:
        raise ValueError(
            f"shapes of h0, weight_ih, weight_hh, bias, grad_states must be {wanted}, got {found}"
        )
    states = _advance(x @ U.T + b, h, W, nonlinearity)
    before = np.concatenate([h[None], states[:-1]])  # h_0 … h_{T-1}
    deltas, grad_h0 = _deltas(states, g, W, nonlinearity)
    return {
        "states": states,
        "inputs": deltas @ U,
        "h0": grad_h0,
        "weight_ih": np.einsum("tbh,tbd->hd", deltas, x),
        "weight_hh": np.einsum("tbh,tbk->hk", deltas, before),
        "bias": deltas.sum(axis=(0, 1)),
    }


class _Recurrent(Module):
    """Checks and initial weights that the cell and the network share."""

    def __init__(self, input_size: int, hidden_size: int, nonlinearity: str) -> None:
        super().__init__()
        if input_size < 1 or hidden_size < 1:
            raise ValueError(f"sizes must be at least 1, got {input_size}, {hidden_size}")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
        self.input_size, self.hidden_size = input_size, hidden_size
        self.nonlinearity = nonlinearity

    def _draw(
        self,
        suffix: str,
        size: int,
        bias: bool,
        rng: np.random.Generator,
        dtype: DTypeLike,
    ) -> None:
        H, limit = self.hidden_size, 1 / self.hidden_size**0.5
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (H, size),
            "weight_hh": (H, H),
        }
        if bias:
            shapes |= {"bias_ih": (H,), "bias_hh": (H,)}
        for name, shape in shapes.items():
            drawn = rng.uniform(-limit, limit, shape)
            setattr(self, name + suffix, Parameter(drawn, dtype=dtype))

    def extra_repr(self) -> str:
        """Sizes."""
        return f"{self.input_size}, {self.hidden_size}"


class RNNCell(_Recurrent):
    """One step h' = φ(W_x x + b_x + W_h h + b_h), equation eq-recurrent-cell.

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool
    nonlinearity : {"tanh", "relu"}
    rng : numpy.random.Generator, optional
        Draws the first weights, uniform within 1/√hidden_size; a fresh one by default.
    dtype : dtype

    Raises
    ------
    ValueError
        If a size is below 1, the nonlinearity unknown, or an input does not fit.

    References
    ----------
    Elman (1990). Equal to ``torch.nn.RNNCell``.
    """

    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter
    bias_hh: Parameter

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        *,
        rng: np.random.Generator | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__(input_size, hidden_size, nonlinearity)
        self.bias = bias
        self._draw("", input_size, bias, rng or np.random.default_rng(), dtype)

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        """Input (…, input_size), state (…, hidden_size) or zeros; the next state."""
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            raise ValueError(f"need input ({self.input_size},) or (B, {self.input_size}), got {x.shape}")
        shape = (*x.shape[:-1], self.hidden_size)
        if h is None:
            h = Tensor(np.zeros(shape, self.weight_hh.data.dtype))
        if h.shape != shape:
            raise ValueError(f"the state must have shape {shape}, got {h.shape}")
        z = x @ self.weight_ih.T + h @ self.weight_hh.T
        if self.bias:
            z = z + (self.bias_ih + self.bias_hh)
        return z.tanh() if self.nonlinearity == "tanh" else z.relu()


def _recurrence(z: np.ndarray, h0: np.ndarray, W: np.ndarray, nonlinearity: str) -> Any:
    """The states of a recurrence, with eq-recurrent-delta as its way back."""
    states = _advance(z, h0, W, nonlinearity)
    kept: dict[str, Any] = {}

    def walk(g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if kept.get("g") is not g:
            kept.update(g=g, result=_deltas(states, g, W, nonlinearity))
        result: tuple[np.ndarray, np.ndarray] = kept["result"]
        return result

    def to_weight(g: np.ndarray) -> np.ndarray:
        before = np.concatenate([h0[None], states[:-1]]).reshape(-1, W.shape[0])
        return walk(g)[0].reshape(-1, W.shape[0]).T @ before

    return states, (lambda g: walk(g)[0], lambda g: walk(g)[1], to_weight)


class RNN(_Recurrent):
    """Recurrent layers over whole sequences, equation eq-recurrent-cell.

    Parameters
    ----------
    input_size, hidden_size, num_layers : int
    nonlinearity : {"tanh", "relu"}
    bias, batch_first : bool
        With batch_first, inputs and outputs are (B, T, …) instead of (T, B, …).
    rng : numpy.random.Generator, optional
    dtype : dtype

    Raises
    ------
    ValueError
        If a size is below 1, the nonlinearity unknown, the sequence empty, or shapes
        do not fit.

    References
    ----------
    Elman (1990). Equal to ``torch.nn.RNN`` of one direction without dropout.
    """

    weight_ih_l0: Parameter
    weight_hh_l0: Parameter
    bias_ih_l0: Parameter
    bias_hh_l0: Parameter

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        *,
        rng: np.random.Generator | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__(input_size, hidden_size, nonlinearity)
        if num_layers < 1:
            raise ValueError(f"num_layers must be at least 1, got {num_layers}")
        self.num_layers, self.bias, self.batch_first = num_layers, bias, batch_first
        rng = rng or np.random.default_rng()
        for k in range(num_layers):
            size = input_size if k == 0 else hidden_size
            self._draw(f"_l{k}", size, bias, rng, dtype)

    def _start(self, x: Tensor, h0: Tensor | None) -> Tensor:
        """First states (num_layers, B, H) for input (T, B, d)."""
        shape = (self.num_layers, x.shape[1], self.hidden_size)
        if h0 is None:
            return Tensor(np.zeros(shape, self.weight_hh_l0.data.dtype))
        h0 = h0.unsqueeze(1) if h0.ndim == 2 else h0
        if h0.shape != shape:
            raise ValueError(f"the first state must have shape {shape}, got {h0.shape}")
        return h0

    def forward(self, x: Tensor, h0: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """All states of the last layer, and the final state of each layer.

        Input (T, B, d), or (T, d) for one sequence; states (T, B, H) and (layers, B, H).
        """
        single = x.ndim == 2
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            raise ValueError(f"need input (T, B, {self.input_size}) or (T, {self.input_size}), got {x.shape}")
        if h0 is not None and h0.ndim != x.ndim:
            raise ValueError(f"input {x.shape} and state {h0.shape}: one has no batch")
        if single:
            x = x.unsqueeze(1)
        elif self.batch_first:
            x = x.transpose(0, 1)
        if x.shape[0] == 0:
            raise ValueError("the sequence has no steps")
        h0, last = self._start(x, h0), []
        for k in range(self.num_layers):
            z = x @ getattr(self, f"weight_ih_l{k}").T
            if self.bias:
                z = z + getattr(self, f"bias_ih_l{k}") + getattr(self, f"bias_hh_l{k}")
            W = getattr(self, f"weight_hh_l{k}")
            x = apply(_recurrence, z, h0[k], W, nonlinearity=self.nonlinearity)
            last.append(x[-1:])
        h_n = cat(last, dim=0) if len(last) > 1 else last[0]
        if single:
            return x.squeeze(1), h_n.squeeze(1)
        return (x.transpose(0, 1) if self.batch_first else x), h_n


def orthogonal_(weight: Tensor, gain: float = 1.0, *, rng: np.random.Generator) -> Tensor:
    """Fill a weight in place with a random matrix of orthonormal rows (or columns) times gain.

    Parameters
    ----------
    weight : Tensor of shape (m, n)
        Its rows become orthonormal if m ≤ n, else its columns.

    Raises
    ------
    ValueError
        If the weight has not two axes.

    References
    ----------
    Saxe, McClelland and Ganguli (2014); ``torch.nn.init.orthogonal_``.
    """
    if weight.ndim != 2:
        raise ValueError(f"a weight has shape (m, n), got {weight.shape}")
    m, n = weight.shape
    Q, R = np.linalg.qr(rng.normal(size=(max(m, n), min(m, n))))
    Q = Q * np.sign(np.diag(R))  # without it Q is not uniformly distributed
    weight.data[...] = gain * (Q.T if m < n else Q)
    return weight


def _lookup(weight: np.ndarray, index: np.ndarray) -> Any:
    """Rows of a matrix; the way back adds into them, as often as each was picked."""

    def put_back(g: np.ndarray) -> np.ndarray:
        out = np.zeros_like(weight)
        np.add.at(out, index.ravel(), g.reshape(-1, weight.shape[1]))
        return out

    return weight[index], (put_back,)


class Embedding(Module):
    """A table of vectors, one for each of num_embeddings symbols.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
    rng : numpy.random.Generator, optional
        Draws the table from the standard normal distribution.
    dtype : dtype

    Raises
    ------
    ValueError
        If a size is below 1; from a call, if an index is no whole number in the table.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        rng: np.random.Generator | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__()
        if num_embeddings < 1 or embedding_dim < 1:
            raise ValueError(f"sizes must be at least 1, got {num_embeddings}, {embedding_dim}")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        drawn = (rng or np.random.default_rng()).normal(size=(num_embeddings, embedding_dim))
        self.weight = Parameter(drawn, dtype=dtype)

    def forward(self, index: ArrayLike) -> Tensor:
        """Whole numbers (…); vectors (…, embedding_dim)."""
        i = np.asarray(index)
        if i.dtype.kind not in "iu" or (i.size and not (i.min() >= 0 and i.max() < self.num_embeddings)):
            raise ValueError(f"indices must be whole numbers from 0 to {self.num_embeddings - 1}")
        return apply(_lookup, self.weight, index=i)

    def extra_repr(self) -> str:
        """Sizes."""
        return f"{self.num_embeddings}, {self.embedding_dim}"


def encode_names(names: Sequence[str], alphabet: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, targets and a mask of what is real, each of shape (T, number of names).

    Token 0 begins and ends a name; T is the longest name and its end.

    Raises
    ------
    ValueError
        If there is no name, or a character is not in the alphabet.
    """
    if not names:
        raise ValueError("no names were given")
    if unknown := set("".join(names)) - set(alphabet):
        raise ValueError(f"not in the alphabet: {''.join(sorted(unknown))!r}")
    code = {letter: n for n, letter in enumerate(alphabet, start=1)}
    T = max(map(len, names)) + 1
    tokens = np.zeros((T + 1, len(names)), dtype=np.int64)
    mask = np.zeros((T, len(names)), dtype=bool)
    for j, name in enumerate(names):
        tokens[1 : len(name) + 1, j] = [code[letter] for letter in name]
        mask[: len(name) + 1, j] = True
    return tokens[:-1], tokens[1:], mask


class CharacterModel(Module):
    """Predicts the next character from all before it, and invents words.

    Parameters
    ----------
    alphabet : str
        Characters, each once; token 0 is the boundary of a word.
    embedding_dim, hidden_size : int
    rng : numpy.random.Generator, optional

    Raises
    ------
    ValueError
        If a character occurs twice; from ``sample``, if the temperature is not positive.
    """

    def __init__(
        self,
        alphabet: str,
        embedding_dim: int = 16,
        hidden_size: int = 64,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        if len(set(alphabet)) != len(alphabet) or not alphabet:
            raise ValueError(f"characters must be given once each, got {alphabet!r}")
        rng = rng or np.random.default_rng()
        self.alphabet = alphabet
        self.embedding = Embedding(len(alphabet) + 1, embedding_dim, rng=rng)
        self.rnn = RNN(embedding_dim, hidden_size, rng=rng)
        self.head = Linear(hidden_size, len(alphabet) + 1, rng=rng)

    def forward(self, tokens: ArrayLike, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Tokens (T, B); scores (T, B, characters + 1) and the last state."""
        states, last = self.rnn(self.embedding(tokens), state)
        return self.head(states), last

    def sample(
        self,
        n: int,
        temperature: float = 1.0,
        *,
        rng: np.random.Generator,
        max_length: int = 20,
    ) -> list[str]:
        """Draw n words of at most max_length characters, equation eq-recurrent-temperature."""
        if not temperature > 0:
            raise ValueError(f"the temperature must be positive, got {temperature}")
        drawn, state = np.zeros((1, n), dtype=np.int64), None
        words, open_ = [""] * n, np.ones(n, dtype=bool)
        for _ in range(max_length):
            with no_grad():
                scores, state = self(drawn, state)
            p = (scores[0] * (1 / temperature)).softmax(1).data.cumsum(axis=1)
            drawn = (p < rng.random((n, 1)) * p[:, -1:]).sum(axis=1)[None]
            open_ &= drawn[0] > 0
            for j in np.flatnonzero(open_):
                words[j] += self.alphabet[drawn[0, j] - 1]
        return words


# seal: e9f432b8d5cb12a0
