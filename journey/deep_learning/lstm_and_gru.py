"""LSTM and GRU.

Built in the page `scripts/04_Deep_Learning/11_lstm_and_gru.py`: edit the page, not this file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from scipy.special import expit

from journey.deep_learning.autograd import Tensor, apply, cat
from journey.deep_learning.neural_network_library import Module, Parameter

__all__ = ["GRU", "LSTM", "GRUCell", "LSTMCell", "watch_gates"]


class _Gated(Module):
    """Sizes, checks and first weights of layers with gates; n_gates matrices on top of each other."""

    n_gates = 4

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        if input_size < 1 or hidden_size < 1:
            raise ValueError(f"sizes must be at least 1, got {input_size}, {hidden_size}")
        self.input_size, self.hidden_size = input_size, hidden_size

    def _draw(self, suffix: str, size: int, rng: np.random.Generator, dtype: DTypeLike) -> None:
        H, limit = self.hidden_size, self.hidden_size**-0.5
        rows = self.n_gates * H
        shapes = {
            "weight_ih": (rows, size),
            "weight_hh": (rows, H),
            "bias_ih": (rows,),
            "bias_hh": (rows,),
        }
        for name, shape in shapes.items():
            drawn = rng.uniform(-limit, limit, shape)
            setattr(self, name + suffix, Parameter(drawn, dtype=dtype))

    def _state(self, state: Tensor | None, shape: tuple[int, ...], dtype: DTypeLike) -> Tensor:
        if state is None:
            return Tensor(np.zeros(shape, dtype))
        if state.shape != shape:
            raise ValueError(f"the state must have shape {shape}, got {state.shape}")
        return state

    def extra_repr(self) -> str:
        """Sizes."""
        return f"{self.input_size}, {self.hidden_size}"


class _Cell(_Gated):
    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter
    bias_hh: Parameter

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        rng: np.random.Generator | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self._draw("", input_size, rng or np.random.default_rng(), dtype)

    def _check(self, x: Tensor) -> tuple[int, ...]:
        """The shape that a state must have."""
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            raise ValueError(f"need input ({self.input_size},) or (B, {self.input_size}), got {x.shape}")
        return (*x.shape[:-1], self.hidden_size)


class LSTMCell(_Cell):
    """One step of an LSTM, equations eq-lstm-gates and eq-lstm-state.

    Parameters
    ----------
    input_size, hidden_size : int
    rng : numpy.random.Generator, optional
        Draws the first weights, uniform within 1/√hidden_size.
    dtype : dtype

    Raises
    ------
    ValueError
        If a size is below 1, or an input or a state does not fit.

    References
    ----------
    Hochreiter and Schmidhuber (1997); Gers et al. (2000). Equal to ``torch.nn.LSTMCell``.
    """

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Input (…, input_size), states h and c (…, hidden_size) or zeros; the next h and c."""
        shape, dtype, H = self._check(x), self.weight_hh.data.dtype, self.hidden_size
        h, c = (self._state(part, shape, dtype) for part in state or (None, None))
        z = x @ self.weight_ih.T + h @ self.weight_hh.T + (self.bias_ih + self.bias_hh)
        i, f, g, o = (z[..., n * H : (n + 1) * H] for n in range(4))
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()  # eq-lstm-state
        return o.sigmoid() * c.tanh(), c


def _lstm_forward(
    z: np.ndarray, h0: np.ndarray, c0: np.ndarray, V: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """States (2, T, B, H), h then c, and gates (T, B, 4 H); z holds what the inputs give."""
    (T, B, _), H = z.shape, h0.shape[1]
    states, gates = np.empty((2, T, B, H), z.dtype), np.empty_like(z)
    h, c = h0, c0
    for t in range(T):
        a = z[t] + h @ V.T
        gate = gates[t]
        expit(a, out=gate)
        np.tanh(a[:, 2 * H : 3 * H], out=gate[:, 2 * H : 3 * H])
        i, f, g, o = (gate[:, n * H : (n + 1) * H] for n in range(4))
        c = f * c + i * g
        h = o * np.tanh(c)
        states[0, t], states[1, t] = h, c
    return states, gates


def _lstm_back(
    g_states: np.ndarray,
    states: np.ndarray,
    gates: np.ndarray,
    c0: np.ndarray,
    V: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of z (T, B, 4 H), h_0 and c_0 (B, H), equation eq-lstm-back."""
    _, T, _, H = states.shape
    shown = np.tanh(states[1])
    slope = gates * (1 - gates)
    slope[:, :, 2 * H : 3 * H] = 1 - gates[:, :, 2 * H : 3 * H] ** 2
    g_z = np.empty_like(gates)
    g_h, g_c = np.zeros_like(c0), np.zeros_like(c0)
    for t in range(T - 1, -1, -1):
        i, f, g, o = (gates[t, :, n * H : (n + 1) * H] for n in range(4))
        g_h = g_h + g_states[0, t]
        g_c = g_c + g_states[1, t] + g_h * o * (1 - shown[t] ** 2)
        before = states[1, t - 1] if t else c0
        parts = (g_c * g, g_c * before, g_c * i, g_h * shown[t])
        for n, part in enumerate(parts):
            g_z[t, :, n * H : (n + 1) * H] = part
        g_z[t] *= slope[t]
        g_h, g_c = g_z[t] @ V, g_c * f
    return g_z, g_h, g_c


def _lstm(z: np.ndarray, h0: np.ndarray, c0: np.ndarray, V: np.ndarray) -> Any:
    """All states of an LSTM as one primitive."""
    states, gates = _lstm_forward(z, h0, c0, V)
    kept: dict[str, Any] = {}

    def walk(g: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if kept.get("g") is not g:
            kept.update(g=g, result=_lstm_back(g, states, gates, c0, V))
        result: tuple[np.ndarray, np.ndarray, np.ndarray] = kept["result"]
        return result

    def to_matrix(g: np.ndarray) -> np.ndarray:
        before = np.concatenate([h0[None], states[0, :-1]]).reshape(-1, V.shape[1])
        return walk(g)[0].reshape(-1, V.shape[0]).T @ before

    return states, (
        lambda g: walk(g)[0],
        lambda g: walk(g)[1],
        lambda g: walk(g)[2],
        to_matrix,
    )


class _Layers(_Gated):
    """Layers over whole sequences: parameters, and the order of the axes."""

    weight_hh_l0: Parameter

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        batch_first: bool = False,
        *,
        rng: np.random.Generator | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__(input_size, hidden_size)
        if num_layers < 1:
            raise ValueError(f"num_layers must be at least 1, got {num_layers}")
        self.num_layers, self.batch_first = num_layers, batch_first
        rng = rng or np.random.default_rng()
        for k in range(num_layers):
            self._draw(f"_l{k}", input_size if k == 0 else hidden_size, rng, dtype)

    def _sequence(self, x: Tensor) -> Tensor:
        """The input as (T, B, input_size)."""
        if x.ndim != 3 or x.shape[2] != self.input_size or 0 in x.shape:
            order = "(B, T, " if self.batch_first else "(T, B, "
            raise ValueError(f"need input {order}{self.input_size}) with T, B ≥ 1, got {x.shape}")
        return x.transpose(0, 1) if self.batch_first else x

    def _first(self, state: Tensor | None, batch: int) -> Tensor:
        shape = (self.num_layers, batch, self.hidden_size)
        return self._state(state, shape, self.weight_hh_l0.data.dtype)

    def _weights(self, k: int) -> list[Parameter]:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return [getattr(self, f"{name}_l{k}") for name in names]

    def _out(self, x: Tensor) -> Tensor:
        return x.transpose(0, 1) if self.batch_first else x


class LSTM(_Layers):
    """Layers of an LSTM over whole sequences, equations eq-lstm-gates and eq-lstm-state.

    Parameters
    ----------
    input_size, hidden_size, num_layers : int
    batch_first : bool
        Inputs and outputs are (B, T, …) instead of (T, B, …).
    rng : numpy.random.Generator, optional
    dtype : dtype

    Raises
    ------
    ValueError
        If a size is below 1, or an input or a state does not fit.

    References
    ----------
    Hochreiter and Schmidhuber (1997). Equal to ``torch.nn.LSTM`` of one direction without dropout.
    """

    def forward(
        self, x: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Outputs of the last layer, and the final (h, c), each (num_layers, B, hidden_size)."""
        x = self._sequence(x)
        h0, c0 = (self._first(part, x.shape[1]) for part in state or (None, None))
        last_h, last_c = [], []
        for k in range(self.num_layers):
            W, V, b, d = self._weights(k)
            states = apply(_lstm, x @ W.T + (b + d), h0[k], c0[k], V)  # (2, T, B, H)
            x = states[0]
            last_h.append(states[0, -1:])
            last_c.append(states[1, -1:])
        return self._out(x), (cat(last_h, dim=0), cat(last_c, dim=0))


class GRUCell(_Cell):
    """One step of a GRU, equation eq-gru; gates in the order reset, update, candidate.

    Parameters
    ----------
    input_size, hidden_size : int
    rng : numpy.random.Generator, optional
    dtype : dtype

    Raises
    ------
    ValueError
        If a size is below 1, or an input or a state does not fit.

    References
    ----------
    Cho et al. (2014). Equal to ``torch.nn.GRUCell``.
    """

    n_gates = 3

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        """Input (…, input_size), state (…, hidden_size) or zeros; the next state."""
        h = self._state(h, self._check(x), self.weight_hh.data.dtype)
        H = self.hidden_size
        a, b = x @ self.weight_ih.T + self.bias_ih, h @ self.weight_hh.T + self.bias_hh
        r = (a[..., :H] + b[..., :H]).sigmoid()
        u = (a[..., H : 2 * H] + b[..., H : 2 * H]).sigmoid()
        n = (a[..., 2 * H :] + r * b[..., 2 * H :]).tanh()
        return (1 - u) * n + u * h


def _gru_back(
    g_states: np.ndarray,
    states: np.ndarray,
    kept: np.ndarray,
    h0: np.ndarray,
    V: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of what the inputs give, of what the states give (T, B, 3 H), and of h_0."""
    T, _, H = states.shape
    g_a, g_b = (np.empty((*states.shape[:2], 3 * H), states.dtype) for _ in range(2))
    g_h = np.zeros_like(h0)
    for t in range(T - 1, -1, -1):
        r, u, n, hidden = (kept[t, :, k * H : (k + 1) * H] for k in range(4))
        g_h = g_h + g_states[t]
        before = states[t - 1] if t else h0
        g_n = g_h * (1 - u) * (1 - n * n)
        g_u = g_h * (before - n) * u * (1 - u)
        g_r = g_n * hidden * r * (1 - r)
        for k, (to_a, to_b) in enumerate(((g_r, g_r), (g_u, g_u), (g_n, g_n * r))):
            g_a[t, :, k * H : (k + 1) * H], g_b[t, :, k * H : (k + 1) * H] = to_a, to_b
        g_h = g_h * u + g_b[t] @ V
    return g_a, g_b, g_h


def _gru(a: np.ndarray, h0: np.ndarray, V: np.ndarray, d: np.ndarray) -> Any:
    """All states (T, B, H) of a GRU as one primitive; a holds what the inputs give."""
    (T, B, _), H = a.shape, h0.shape[1]
    states, kept = np.empty((T, B, H), a.dtype), np.empty((T, B, 4 * H), a.dtype)
    h = h0
    for t in range(T):
        b = h @ V.T + d
        gates = expit(a[t, :, : 2 * H] + b[:, : 2 * H])
        n = np.tanh(a[t, :, 2 * H :] + gates[:, :H] * b[:, 2 * H :])
        h = (1 - gates[:, H:]) * n + gates[:, H:] * h
        states[t] = h
        kept[t] = np.concatenate([gates, n, b[:, 2 * H :]], axis=1)
    memo: dict[str, Any] = {}

    def walk(g: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if memo.get("g") is not g:
            memo.update(g=g, result=_gru_back(g, states, kept, h0, V))
        result: tuple[np.ndarray, np.ndarray, np.ndarray] = memo["result"]
        return result

    def to_matrix(g: np.ndarray) -> np.ndarray:
        before = np.concatenate([h0[None], states[:-1]]).reshape(-1, H)
        return walk(g)[1].reshape(-1, 3 * H).T @ before

    return states, (
        lambda g: walk(g)[0],
        lambda g: walk(g)[2],
        to_matrix,
        lambda g: walk(g)[1].sum(axis=(0, 1)),
    )


class GRU(_Layers):
    """Layers of a GRU over whole sequences, equation eq-gru.

    Parameters
    ----------
    input_size, hidden_size, num_layers : int
    batch_first : bool
    rng : numpy.random.Generator, optional
    dtype : dtype

    Raises
    ------
    ValueError
        If a size is below 1, or an input or a state does not fit.

    References
    ----------
    Cho et al. (2014). Equal to ``torch.nn.GRU`` of one direction without dropout.
    """

    n_gates = 3

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Outputs of the last layer, and the final state (num_layers, B, hidden_size)."""
        x = self._sequence(x)
        h0, last = self._first(state, x.shape[1]), []
        for k in range(self.num_layers):
            W, V, b, d = self._weights(k)
            x = apply(_gru, x @ W.T + b, h0[k], V, d)  # (T, B, H)
            last.append(x[-1:])
        return self._out(x), cat(last, dim=0)


def watch_gates(
    layer: LSTM, x: ArrayLike, state: tuple[ArrayLike, ArrayLike] | None = None
) -> dict[str, np.ndarray]:
    """Gates and cell state of a one-layer `LSTM` at every step.

    Parameters
    ----------
    layer : LSTM
        Of one layer.
    x : array_like of shape (T, B, input_size)
    state : pair of array_like of shape (B, hidden_size), optional

    Returns
    -------
    dict of ndarray, each (T, B, hidden_size)
        "input", "forget", "candidate", "output", and "cell".

    Raises
    ------
    ValueError
        If the layer has more than one layer, or the input does not fit.
    """
    if layer.num_layers != 1:
        raise ValueError(f"one layer can be watched, not {layer.num_layers}")
    inputs, H = np.asarray(x), layer.hidden_size
    if inputs.ndim != 3 or inputs.shape[2] != layer.input_size or 0 in inputs.shape:
        raise ValueError(f"need input (T, B, {layer.input_size}), got {inputs.shape}")
    W, V, b, d = (p.data for p in layer._weights(0))
    zeros = np.zeros((inputs.shape[1], H), V.dtype)
    h0, c0 = (np.asarray(part) for part in state) if state else (zeros, zeros)
    states, gates = _lstm_forward(inputs @ W.T + (b + d), h0, c0, V)
    names = ("input", "forget", "candidate", "output")
    found = {name: gates[:, :, n * H : (n + 1) * H] for n, name in enumerate(names)}
    return found | {"cell": states[1]}


# seal: 054632628457ee61
