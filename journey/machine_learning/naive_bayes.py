"""Naive Bayes.

Built in the page `scripts/03_Machine_Learning/05_naive_bayes.py`: edit the page, not this file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = ["GaussianNB", "MultinomialNB"]


class _NaiveBayes(ClassifierMixin, BaseEstimator):
    """Bayes' rule around a subclass's class-conditional log-likelihood."""

    def _classes_and_rows(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Class numbers of the rows (n,) and the members of each class (K, n), 0 or 1."""
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        members = (codes == np.arange(len(self.classes_))[:, None]).astype(float)
        self.class_count_ = members.sum(axis=1)
        self.class_log_prior_ = np.log(self.class_count_ / len(y))
        return codes, members

    def _log_likelihood(self, X: Any) -> np.ndarray:
        raise NotImplementedError

    def _checked(self, X: Any) -> Any:
        raise NotImplementedError

    def predict_joint_log_proba(self, X: ArrayLike) -> np.ndarray:
        """Log of prior times likelihood, shape (n, K)."""
        check_is_fitted(self)
        return self.class_log_prior_ + self._log_likelihood(self._checked(X))

    def predict_log_proba(self, X: ArrayLike) -> np.ndarray:
        """Log posterior of each class, shape (n, K)."""
        joint = self.predict_joint_log_proba(X)
        return joint - logsumexp(joint, axis=1, keepdims=True)

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Posterior of each class, shape (n, K), as the model believes it."""
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the most probable class of each row."""
        best = self.predict_joint_log_proba(X).argmax(axis=1)
        return self.classes_[best]


class MultinomialNB(_NaiveBayes):
    """Naive Bayes for counts, such as words of a text.

    Parameters
    ----------
    alpha : float
        Imagined sightings of each feature in each class; above 0.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
    class_log_prior_ : ndarray of shape (K,)
    feature_count_, feature_log_prob_ : ndarray of shape (K, d)

    Raises
    ------
    ValueError
        If X has negative entries, or alpha is not positive.

    References
    ----------
    Equations eq-nb-naive and eq-nb-smoothing of the page.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.positive_only = True
        tags.classifier_tags.poor_score = True  # on data that are no counts
        return tags

    def _checked(self, X: Any, reset: bool = False) -> Any:
        return validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=reset)

    def fit(self, X: ArrayLike, y: ArrayLike) -> MultinomialNB:
        """Count. X has shape (n, d), dense or sparse, not negative."""
        if not 0 < self.alpha < np.inf:
            raise ValueError(f"alpha must be positive and finite, got {self.alpha}")
        A, target = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        if A.min() < 0:
            raise ValueError("Negative values in data passed to MultinomialNB: counts are needed")
        _, members = self._classes_and_rows(target)
        self.feature_count_ = np.asarray(members @ A)  # N_cj
        raised = self.feature_count_ + self.alpha  # eq-nb-smoothing
        self.feature_log_prob_ = np.log(raised) - np.log(raised.sum(axis=1, keepdims=True))
        return self

    def _log_likelihood(self, X: Any) -> np.ndarray:
        return np.asarray(X @ self.feature_log_prob_.T)  # (n, K)


class GaussianNB(_NaiveBayes):
    """Naive Bayes for measurements: a normal distribution for each feature and class.

    Parameters
    ----------
    var_smoothing : float
        This share of the largest variance of a feature is added to every variance.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
    class_log_prior_ : ndarray of shape (K,)
    theta_, var_ : ndarray of shape (K, d)
        Means and variances.

    References
    ----------
    Equation eq-nb-naive of the page.
    """

    def __init__(self, var_smoothing: float = 1e-9) -> None:
        self.var_smoothing = var_smoothing

    def _checked(self, X: Any) -> Any:
        return validate_data(self, X, dtype=np.float64, reset=False)

    def fit(self, X: ArrayLike, y: ArrayLike) -> GaussianNB:
        """Estimate means and variances. X has shape (n, d)."""
        if not 0 <= self.var_smoothing < np.inf:
            raise ValueError(f"var_smoothing must be at least 0, got {self.var_smoothing}")
        A, target = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        codes, members = self._classes_and_rows(target)
        weights = members / self.class_count_[:, None]  # (K, n), rows sum to 1
        centre = A.mean(axis=0)
        self.theta_ = centre + weights @ (A - centre)
        self.var_ = weights @ (A - self.theta_[codes]) ** 2
        self.var_ += self.var_smoothing * A.var(axis=0).max()
        if not self.var_.all():
            raise ValueError("a feature is constant in a class: raise var_smoothing")
        return self

    def _log_likelihood(self, X: np.ndarray) -> np.ndarray:
        constant = -0.5 * np.log(2 * np.pi * self.var_).sum(axis=1)  # (K,)
        squares = [((X - m) ** 2 / v).sum(axis=1) for m, v in zip(self.theta_, self.var_)]
        return constant - 0.5 * np.stack(squares, axis=1)


# seal: be8e223b143923e4
