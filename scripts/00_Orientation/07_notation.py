# %% [markdown]
# # Notation
#
# One symbol, one meaning, in every stage. Where the literature has two customs, the choice is stated here.
#
# ## Numbers, vectors, matrices
#
# | symbol | meaning | in code |
# |---|---|---|
# | $a,\ n,\ \eta$ | a number, italic | `a`, `n_samples`, `learning_rate` |
# | $\mathbf{x}\in\mathbb{R}^{d}$ | a column vector, bold lower case | shape `(d,)` |
# | $x_i$ | its $i$-th component; mathematics counts from 1, code from 0 | `x[i]` |
# | $\mathbf{A}\in\mathbb{R}^{m\times n}$ | a matrix with $m$ rows, bold upper case | shape `(m, n)` |
# | $A_{ij}$ | its entry in row $i$, column $j$ | `A[i, j]` |
# | $\mathbf{A}^\top$, $\mathbf{A}^{-1}$ | transpose, inverse | `A.T`, `np.linalg.inv(A)` |
# | $\mathbf{x}^\top\mathbf{y}$ or $\mathbf{x}\cdot\mathbf{y}$ | dot product | `x @ y` |
# | $\mathbf{x}\odot\mathbf{y}$ | product element by element | `x * y` |
# | $\lVert\mathbf{x}\rVert$, $\lVert\mathbf{x}\rVert_1$, $\lVert\mathbf{x}\rVert_\infty$ | Euclidean, sum and maximum norm | `norm(x, order)` |
# | $\mathbf{I}$, $\mathbf{0}$, $\mathbf{1}$ | identity matrix, zeros, ones | `np.eye(n)` |
# | $\kappa(\mathbf{A})$ | condition number | `np.linalg.cond(A)` |
#
# ## Data and models
#
# | symbol | meaning | in code |
# |---|---|---|
# | $n,\ d,\ K$ | number of samples, of features, of classes | `n_samples`, `n_features`, `n_classes` |
# | $\mathbf{X}\in\mathbb{R}^{n\times d}$ | the data, one sample a row | `X`, shape `(n_samples, n_features)` |
# | $\mathbf{y}$, $\hat{\mathbf{y}}$ | targets, predictions | `y`, `y_hat` |
# | $\mathbf{w}$, $b$ | weights, bias (intercept) | `weights`, `bias`; `coef_`, `intercept_` in estimators |
# | $\boldsymbol\theta$ | all parameters of a model | `parameters` |
# | $L(\boldsymbol\theta)$, $R(\boldsymbol\theta)$ | loss on data, expected loss (risk) | `loss` |
# | $\lambda$, $\alpha$ | strength of a penalty: $\lambda$ in mathematics, `alpha` where scikit-learn says so | `alpha` |
# | $\eta$, $t$ | learning rate, step | `learning_rate`, `step` |
#
# ## Calculus and probability
#
# | symbol | meaning |
# |---|---|
# | $f'(x)$, $\partial f/\partial x_i$ | derivative, partial derivative |
# | $\nabla f\in\mathbb{R}^d$ | gradient, a column vector |
# | $\mathbf{J}$, $\mathbf{H}$ | Jacobian ($J_{ij}=\partial f_i/\partial x_j$), Hessian |
# | $\bar v=\partial L/\partial v$ | adjoint of $v$: what the loss gains if $v$ grows |
# | $P(A)$, $p(x)$ | probability of an event, probability mass or density |
# | $\mathbb{E}[X]$, $\operatorname{Var}[X]$ | expectation, variance |
# | $X\sim p$ | $X$ is distributed as $p$ |
# | $\log$ | natural logarithm; $\log_2$ where bits are meant |
# | $H(p)$, $H(p,q)$, $D_\text{KL}(p\,\Vert\,q)$ | entropy, cross-entropy, divergence, in nats unless bits are said |
# | $O(\cdot)$ | grows at most like |
# | $u$, $\varepsilon$ | unit roundoff, $\varepsilon=2u$ the machine epsilon: in double precision $2.2\cdot10^{-16}$ |
#
# Customs chosen: vectors are columns and data are rows, so that a linear model reads $\hat{\mathbf{y}}=\mathbf{X}\mathbf{w}+b$, while a layer of a network applied to a batch reads
# $\mathbf{X}\mathbf{W}^\top+\mathbf{b}$, as in PyTorch. Gradients have the shape of what they are taken by. Random seeds are written on the page.
