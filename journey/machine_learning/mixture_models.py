"""Mixture models.

Built in the page `scripts/03_Machine_Learning/11_mixture_models.py`: edit the page, not this file.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import solve_triangular
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = ["GaussianMixture", "bic", "n_parameters", "sample"]


def _whitener(covariance: np.ndarray) -> np.ndarray:
    """W of equation eq-mixture-log-density: (d, d), or (d,) for a diagonal covariance."""
    message = (
        "a component has collapsed onto a point or a plane: use fewer components, "
        "more data, or a larger reg_covar"
    )
    if covariance.ndim < 2:
        if np.any(covariance <= 0):
            raise ValueError(message)
        return 1 / np.sqrt(covariance)
    try:
        factor = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        raise ValueError(message) from None
    return solve_triangular(factor, np.eye(len(factor)), lower=True).T


def _log_density(X: np.ndarray, mean: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Log of a normal density at the rows of X, shape (n,)."""
    d = X.shape[1]
    Z = (X - mean) @ W if W.ndim == 2 else (X - mean) * W  # (n, d), unit covariance
    log_det = np.log(np.diag(W) if W.ndim == 2 else np.broadcast_to(W, d)).sum()
    return log_det - 0.5 * (d * np.log(2 * np.pi) + np.einsum("ij,ij->i", Z, Z))


def _covariances(X: np.ndarray, r: np.ndarray, means: np.ndarray, kind: str, floor: float) -> np.ndarray:
    """The third part of equation eq-mixture-m-step, for one of the four kinds."""
    counts = r.sum(axis=0) + 10 * np.finfo(float).eps  # an empty component stays finite
    if kind in ("full", "tied"):
        d = X.shape[1]
        sums = np.empty((len(means), d, d))
        for k, mean in enumerate(means):
            D = X - mean
            sums[k] = (r[:, k] * D.T) @ D
        if kind == "tied":
            return sums.sum(axis=0) / counts.sum() + floor * np.eye(d)
        return sums / counts[:, None, None] + floor * np.eye(d)
    squares = [r[:, k] @ (X - mean) ** 2 for k, mean in enumerate(means)]
    diagonal = np.array(squares) / counts[:, None] + floor  # (K, d)
    return diagonal if kind == "diag" else diagonal.mean(axis=1)


class _Climber(BaseEstimator):
    """Expectation–maximisation on checked arrays."""

    n_components: int
    covariance_type: str
    tol: float
    reg_covar: float
    max_iter: int
    means_init: ArrayLike | None

    def _e_step(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log responsibilities (n, K) and log densities (n,): equation eq-mixture-density."""
        if self.covariance_type == "tied":
            whiteners = [_whitener(self.covariances_)] * len(self.means_)
        else:
            whiteners = [_whitener(np.asarray(C)) for C in self.covariances_]
        joint = np.empty((len(X), len(self.means_)))
        for k, (mean, W) in enumerate(zip(self.means_, whiteners)):
            joint[:, k] = np.log(self.weights_[k]) + _log_density(X, mean, W)
        log_p = logsumexp(joint, axis=1)
        return joint - log_p[:, None], log_p

    def _m_step(self, X: np.ndarray, r: np.ndarray) -> None:
        counts = r.sum(axis=0) + 10 * np.finfo(float).eps  # (K,), an empty one stays finite
        self.weights_ = counts / counts.sum()
        self.means_ = r.T @ X / counts[:, None]
        kind, floor = self.covariance_type, self.reg_covar
        self.covariances_ = _covariances(X, r, self.means_, kind, floor)

    def _climb(self, X: np.ndarray) -> None:
        self.log_likelihoods_: list[float] = []
        self.converged_ = False
        while not self.converged_ and len(self.log_likelihoods_) < self.max_iter:
            log_r, log_p = self._e_step(X)
            self.log_likelihoods_.append(float(log_p.mean()))
            self._m_step(X, np.exp(log_r))
            gains = np.diff(self.log_likelihoods_[-2:])
            self.converged_ = bool((np.abs(gains) < self.tol).any())
        self.n_iter_ = len(self.log_likelihoods_)
        self.log_likelihoods_.append(float(self._e_step(X)[1].mean()))


def _seeds(X: np.ndarray, n_components: int, rng: np.random.RandomState) -> np.ndarray:
    """k-means++: draw each next row in proportion to its squared distance to those before."""
    chosen = [X[rng.randint(len(X))]]
    nearest = ((X - chosen[0]) ** 2).sum(axis=1)
    while len(chosen) < n_components:
        total = nearest.sum()
        p = nearest / total if total > 0 else None  # all rows equal
        chosen.append(X[rng.choice(len(X), p=p)])
        nearest = np.minimum(nearest, ((X - chosen[-1]) ** 2).sum(axis=1))
    return np.array(chosen)


def _start(model: _Climber, X: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Responsibilities 0 or 1, shape (n, K): the nearest seed in whitened distance."""
    spread, axes = np.linalg.eigh(np.atleast_2d(np.cov(X.T, bias=True)))
    kept = spread > spread[-1] * 1e-12  # a constant direction tells nothing
    W = axes[:, kept] / np.sqrt(spread[kept])
    Z = (X - X.mean(axis=0)) @ W
    if model.means_init is None:
        seeds = _seeds(Z, model.n_components, rng)
    else:
        seeds = (np.asarray(model.means_init, dtype=float) - X.mean(axis=0)) @ W
    distances = (seeds**2).sum(axis=1) - 2 * Z @ seeds.T  # without the common |z|²
    return np.eye(len(seeds))[distances.argmin(axis=1)]


def _climb_from_starts(model: Any, X: np.ndarray, rng: np.random.RandomState) -> None:
    best: dict[str, Any] = {}
    for trial in range(model.n_init):
        try:
            model._m_step(X, _start(model, X, rng))
            model._climb(X)
        except ValueError:  # collapsed: other starts may not
            if trial + 1 == model.n_init and not best:
                raise
            continue
        end = model.log_likelihoods_[-1]
        if not best or end > best["log_likelihoods_"][-1]:
            best = {k: v for k, v in vars(model).items() if k.endswith("_")}
    vars(model).update(best)


def _check_parameters(model: Any, X: np.ndarray) -> None:
    kinds = ("full", "tied", "diag", "spherical")
    if model.covariance_type not in kinds:
        raise ValueError(f"covariance_type must be one of {kinds}, got {model.covariance_type!r}")
    for name, least in (
        ("n_components", 1),
        ("max_iter", 1),
        ("n_init", 1),
        ("tol", 0),
        ("reg_covar", 0),
    ):
        if not getattr(model, name) >= least:
            raise ValueError(f"{name} must be at least {least}, got {getattr(model, name)}")
    if len(X) < model.n_components:
        raise ValueError(f"n_components={model.n_components} needs as many rows, got {len(X)}")
    shape = (model.n_components, X.shape[1])
    if model.means_init is not None and np.shape(model.means_init) != shape:
        raise ValueError(f"means_init must have shape {shape}, got {np.shape(model.means_init)}")


class GaussianMixture(DensityMixin, _Climber):
    """Normal mixture, fitted by expectation–maximisation.

    Parameters
    ----------
    n_components : int
    covariance_type : {"full", "tied", "diag", "spherical"}
    tol : float
        Stop when the mean log-likelihood of a row rises by less.
    reg_covar : float
        Added to every variance, in squared units of the columns: the likelihood is
        unbounded without a floor.
    max_iter : int
        Steps before a ``ConvergenceWarning``.
    n_init : int
        Starts; the best is kept, one that collapses is dropped.
    means_init : array-like of shape (n_components, d), optional
        Each row of X then starts with the nearest, in whitened distance.
    random_state : int, RandomState or None

    Attributes
    ----------
    weights_ : ndarray of shape (K,)
    means_ : ndarray of shape (K, d)
    covariances_ : ndarray of shape (K, d, d), (d, d), (K, d) or (K,), by covariance_type
    log_likelihoods_ : list of float
        Mean log-likelihood of a row before each M-step, then the final one.
    converged_, n_iter_ : bool, int

    References
    ----------
    Equations eq-mixture-bound and eq-mixture-m-step of the page; Dempster, Laird and
    Rubin (1977), doi:10.1111/j.2517-6161.1977.tb01600.x.
    """

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "full",
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        means_init: ArrayLike | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.means_init = means_init
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None) -> GaussianMixture:
        """Fit to X of shape (n, d); y is ignored. Returns the model itself."""
        A = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        _check_parameters(self, A)
        _climb_from_starts(self, A, check_random_state(self.random_state))
        if not self.converged_:
            message = f"EM did not converge in {self.max_iter} steps: raise max_iter or tol"
            warnings.warn(message, ConvergenceWarning, stacklevel=2)
        return self

    def _checked(self, X: ArrayLike) -> np.ndarray:
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float64, reset=False)

    def score_samples(self, X: ArrayLike) -> np.ndarray:
        """Log density of each row, shape (n,)."""
        return self._e_step(self._checked(X))[1]

    def score(self, X: ArrayLike, y: Any = None) -> float:
        """Return the mean log density of a row, in nats."""
        return float(self.score_samples(X).mean())

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Responsibilities, shape (n, K)."""
        return np.exp(self._e_step(self._checked(X))[0])

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the component with the largest responsibility, shape (n,)."""
        return self._e_step(self._checked(X))[0].argmax(axis=1)

    def fit_predict(self, X: ArrayLike, y: Any = None) -> np.ndarray:
        """Fit, then predict the same rows."""
        return self.fit(X).predict(X)


def n_parameters(model: GaussianMixture) -> int:
    """Free numbers of a fitted mixture: weights, means, covariances."""
    K, d = model.means_.shape
    entries = {
        "full": K * d * (d + 1) // 2,
        "tied": d * (d + 1) // 2,
        "diag": K * d,
        "spherical": K,
    }
    return K - 1 + K * d + entries[model.covariance_type]


def bic(model: GaussianMixture, X: ArrayLike) -> float:
    """Bayesian information criterion on the data of the fit, lower is better.

    Schwarz (1978), doi:10.1214/aos/1176344136.
    """
    log_p = model.score_samples(X)
    return float(-2 * log_p.sum() + n_parameters(model) * np.log(len(log_p)))


def sample(model: GaussianMixture, n_samples: int, random_state: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Draw rows (n_samples, d) and their components (n_samples,) from a fitted mixture."""
    check_is_fitted(model)
    if n_samples < 1:
        raise ValueError(f"n_samples must be at least 1, got {n_samples}")
    rng = check_random_state(random_state)
    K, d = model.means_.shape
    labels = rng.choice(K, size=n_samples, p=model.weights_)
    covariances = (
        np.broadcast_to(model.covariances_, (K, d, d))
        if model.covariance_type in ("full", "tied")
        else [np.eye(d) * C for C in model.covariances_]
    )
    factors = np.array([np.linalg.cholesky(C) for C in covariances])  # (K, d, d)
    noise = rng.normal(size=(n_samples, d))
    return model.means_[labels] + np.einsum("nij,nj->ni", factors[labels], noise), labels


# seal: cfc08e70eebd8dcd
