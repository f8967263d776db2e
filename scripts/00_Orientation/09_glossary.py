# %% [markdown]
# # Glossary
#
# The words of the book in the sense in which it uses them, each with the page that earns it.
#
# ````{glossary}
# ablation
#   Taking one part away, leaving the rest, and measuring what it was worth. {doc}`08_reading_papers`.
#
# activation function
#   The nonlinear function between two layers, without which any number of layers would be one. {doc}`../04_Deep_Learning/01_neurons_and_perceptrons`.
#
# adjoint
#   The derivative of the final result by an intermediate value: what the result gains if that value grows.
#
# artifact
#   A file that belongs to a run: a model, a figure, a table. {doc}`../08_MLOps/01_experiment_tracking`.
#
# attention
#   A weighted mean of values, with weights from the products of a query with keys. {doc}`../06_NLP/02_transformer_foundations`.
#
# autograd
#   Automatic differentiation in reverse: a program records its operations and then applies the chain rule backwards.
#
# backpropagation
#   The chain rule applied from the loss backwards, each intermediate derivative computed once. {doc}`../04_Deep_Learning/02_backpropagation`.
#
# backpropagation through time
#   Backpropagation in a recurrent network, unrolled over its steps. {doc}`../04_Deep_Learning/10_recurrent_networks`.
#
# bagging
#   Averaging models that were fitted to bootstrap samples. {doc}`../03_Machine_Learning/07_random_forests`.
#
# band
#   The interval in which a {term}`claim` must lie. Wide enough to hold on another computer, narrow enough to be false outside.
#
# baseline
#   The simplest method that answers the question; what a better one has to beat.
#
# batch normalization
#   Subtracting the mean of the batch and dividing by its deviation, for each unit, with a learned scale and shift. {doc}`../04_Deep_Learning/06_initialization_and_normalization`.
#
# bias (of an estimator)
#   The difference between the expectation of an estimate and the truth.
#
# boosting
#   Adding models one by one, each fitted to what the sum so far gets wrong. {doc}`../03_Machine_Learning/08_gradient_boosting`.
#
# bootstrap
#   Drawing samples with replacement from the data, to see how an estimate varies. {doc}`../01_Mathematics/09_statistics`.
#
# broadcasting
#   The rule by which arrays of different shapes are combined as if the smaller were repeated.
#
# byte-pair encoding
#   A tokenizer that merges the most frequent pair of neighbours, again and again. {doc}`../06_NLP/01_subword_tokenization`.
#
# calibration
#   Agreement of predicted probabilities with observed shares: of all that is given 0.7, seven in ten come true. {doc}`../03_Machine_Learning/13_evaluation`.
#
# claim
#   A number that the text leans on, with a name and a band, checked whenever the page runs. Built in {doc}`03_checks`, listed in {doc}`10_claims_ledger`.
#
# closure
#   A function together with the names of the place where it was made. {doc}`../02_Python_Foundations/02_functions_and_iteration`.
#
# condition number
#   The factor by which a problem may magnify a relative error of its input.
#
# confusion matrix
#   The table that counts, for each true class, which class was predicted. {doc}`../03_Machine_Learning/13_evaluation`.
#
# context manager
#   An object that sets something up for a `with` block and takes it down, whatever happens inside. {doc}`../02_Python_Foundations/02_functions_and_iteration`.
#
# convolution
#   The same small kernel applied at every place. {doc}`../04_Deep_Learning/09_convolutional_networks`.
#
# coverage
#   The share of repetitions in which an interval contains the truth. A "95 %" interval promises 0.95; {doc}`03_checks` measures it.
#
# cross-entropy
#   The mean number of nats that a predicted distribution spends on what happened; the loss of classification. {doc}`../01_Mathematics/10_information_theory`.
#
# cross-validation
#   Estimating how a model does on new data by holding out each part of the data once.
#
# curse of dimensionality
#   What goes wrong with many features: distances become alike, neighbours far, and data thin. {doc}`../03_Machine_Learning/04_nearest_neighbors`.
#
# decorator
#   A function that takes a function and returns one to stand in its place. {doc}`../02_Python_Foundations/02_functions_and_iteration`.
#
# depthwise convolution
#   A convolution that looks at each map alone and does not mix them. {doc}`../05_Computer_Vision/01_transfer_learning`.
#
# differential check
#   Running two independent implementations on the same input and comparing their results.
#
# drift
#   A change of the data, or of what they mean, after a model was made. {doc}`../10_Projects/01_flight_delays`.
#
# dropout
#   Setting random units to zero in training. {doc}`../04_Deep_Learning/07_regularization`.
#
# early stopping
#   Ending training where the loss on held-out data is smallest. {doc}`../04_Deep_Learning/07_regularization`.
#
# embedding
#   A vector for a symbol, learned so that similar use gives similar vectors.
#
# empirical risk
#   The mean loss on the data at hand, as opposed to the expected loss on new data. {doc}`../03_Machine_Learning/01_learning_theory`.
#
# entropy
#   The mean surprise of a distribution, in nats or bits. {doc}`../01_Mathematics/10_information_theory`.
#
# estimator
#   In statistics, a rule that turns data into a number. In scikit-learn and in this book's code, an object with `fit`.
#
# expectation–maximization
#   Alternating between the probabilities of hidden causes and the parameters that fit them best. {doc}`../03_Machine_Learning/11_mixture_models`.
#
# export
#   The tag of a cell that becomes part of the package `journey`, so that later pages can import it.
#
# feature
#   One measured quantity of a sample, a column of the data matrix.
#
# fine-tuning
#   Training a pretrained network further on a task of one's own. {doc}`../05_Computer_Vision/01_transfer_learning`.
#
# generalization
#   Doing on new data as on the data of the training. {doc}`../03_Machine_Learning/01_learning_theory`.
#
# generator
#   A function that yields values one at a time and waits in between. {doc}`../02_Python_Foundations/02_functions_and_iteration`.
#
# gradient
#   The vector of partial derivatives; it points where a function grows fastest.
#
# gradient check
#   Comparing a gradient with differences of the function. Built in {doc}`03_checks`.
#
# gradient clipping
#   Shortening a gradient that is longer than a limit, keeping its direction. {doc}`../04_Deep_Learning/05_optimizers`.
#
# hyperparameter
#   A setting that is chosen before training and not learned in it. {doc}`../03_Machine_Learning/14_model_selection`.
#
# idempotent
#   Doing it twice has the effect of doing it once.
#
# invariant
#   What holds before and after every operation; what a property-based test asserts.
#
# kernel (of a method)
#   A function of two samples that is an inner product in some space of features. {doc}`../03_Machine_Learning/09_support_vector_machines`.
#
# KV cache
#   The keys and values of the tokens read so far, kept so that each new token costs one step. {doc}`../07_LLMs/01_pretraining`.
#
# layer normalization
#   Subtracting the mean over the units of one sample and dividing by their deviation. {doc}`../04_Deep_Learning/06_initialization_and_normalization`.
#
# leakage
#   Information that reaches a model in training and is not there when it is used.
#
# learning rate
#   The factor between a gradient and the step that is taken against it.
#
# lineage
#   Which data, code and settings a model came from, recorded so that it can be made again. {doc}`../08_MLOps/01_experiment_tracking`.
#
# linear probe
#   A linear classifier on the features of a network that stays as it is. {doc}`../05_Computer_Vision/01_transfer_learning`.
#
# long short-term memory
#   A recurrent cell with a state that is added to, and gates that write, keep and show. {doc}`../04_Deep_Learning/11_lstm_and_gru`.
#
# loss
#   The number that training makes small.
#
# maximum likelihood
#   Choosing the parameters under which the data are most probable. {doc}`../01_Mathematics/09_statistics`.
#
# mini-batch
#   The few samples from which one step estimates the gradient. {doc}`../04_Deep_Learning/05_optimizers`.
#
# model registry
#   The list of versions of a model, with names that say which of them is in service. {doc}`../08_MLOps/01_experiment_tracking`.
#
# momentum
#   A running mean of gradients that takes the place of the gradient. {doc}`../04_Deep_Learning/05_optimizers`.
#
# multi-head attention
#   Several attentions side by side, each in a subspace of its own. {doc}`../06_NLP/02_transformer_foundations`.
#
# mutability
#   Whether an object can change while it stays the same object. {doc}`../02_Python_Foundations/01_core_python`.
#
# mutation testing
#   Planting mistakes in a program and counting how many of them its tests catch.
#
# one-hot encoding
#   A column of zeros and ones for each category.
#
# out-of-bag estimate
#   The score of a forest where each tree is asked only about samples that it has not seen. {doc}`../03_Machine_Learning/07_random_forests`.
#
# overfitting
#   Doing better on the data of the training than on new data, by learning their noise.
#
# perceptron
#   A weighted sum and a threshold, with a rule that corrects the weights at each mistake. {doc}`../04_Deep_Learning/01_neurons_and_perceptrons`.
#
# pooling
#   Taking the mean or the largest of neighbouring places. {doc}`../04_Deep_Learning/09_convolutional_networks`.
#
# power (of a check)
#   The share of mistakes that a check catches.
#
# precision and recall
#   The share of what was found that is right, and the share of what is right that was found. {doc}`../03_Machine_Learning/13_evaluation`.
#
# pretraining
#   Training on a task with endless data, for the sake of others with little. {doc}`../07_LLMs/01_pretraining`.
#
# principal component
#   A direction of largest variance, given those before it. {doc}`../03_Machine_Learning/12_dimensionality_reduction`.
#
# property-based test
#   A test that asserts a law for many generated inputs instead of a result for one.
#
# pruning (of a tree)
#   Cutting off branches that gain less than they cost. {doc}`../03_Machine_Learning/06_decision_trees`.
#
# receptive field
#   The part of the input on which one number in a network depends. {doc}`../04_Deep_Learning/09_convolutional_networks`.
#
# regularisation
#   Anything that trades some fit to the training data for a smaller error on new data.
#
# residual
#   Target minus prediction.
#
# residual connection
#   Adding the input of a block to its output. {doc}`../04_Deep_Learning/06_initialization_and_normalization`.
#
# ROC curve
#   True positive rate against false positive rate over all thresholds. {doc}`../03_Machine_Learning/13_evaluation`.
#
# rotary positions
#   Turning queries and keys by an angle that grows with the position, so that their product sees the distance. {doc}`../07_LLMs/01_pretraining`.
#
# seed
#   The number that fixes what a random generator produces.
#
# singular value decomposition
#   A matrix as a rotation, a stretching and another rotation. {doc}`../01_Mathematics/04_eigenvalues_and_svd`.
#
# softmax
#   Exponentials divided by their sum: scores to probabilities. {doc}`../03_Machine_Learning/03_logistic_regression`.
#
# standard error
#   The standard deviation of an estimate. {doc}`../01_Mathematics/09_statistics`.
#
# stochastic gradient descent
#   Steps against gradients that are estimated from mini-batches. {doc}`../04_Deep_Learning/05_optimizers`.
#
# stride
#   The distance, in bytes or in places, between one element or window and the next. {doc}`../02_Python_Foundations/06_numpy`.
#
# support vector
#   A training sample on or inside the margin; the others could be left out. {doc}`../03_Machine_Learning/09_support_vector_machines`.
#
# token
#   The unit of text that a model reads. {doc}`../06_NLP/01_subword_tokenization`.
#
# transaction
#   Changes to a store that happen all or not at all. {doc}`../02_Python_Foundations/05_library_management_system`.
#
# transfer learning
#   Using what was learned on one task for another. {doc}`../05_Computer_Vision/01_transfer_learning`.
#
# Transformer
#   A network of attention and small dense networks, applied to all places of a sequence at once. {doc}`../06_NLP/02_transformer_foundations`.
#
# truncation error
#   The error of a formula even in exact arithmetic, such as that of a difference quotient with a finite step.
#
# unit roundoff
#   Half the distance between 1 and the next larger number, the largest relative error of rounding: $1.1\cdot10^{-16}$ in double precision.
#
# vanishing gradient
#   A gradient that shrinks with each layer or step until nothing of it arrives. {doc}`../04_Deep_Learning/10_recurrent_networks`.
#
# vectorisation
#   Writing a loop over elements as one operation on arrays. {doc}`../02_Python_Foundations/06_numpy`.
#
# view
#   An array that shares its memory with another. {doc}`../02_Python_Foundations/06_numpy`.
#
# warm-up
#   Letting the learning rate rise over the first steps. {doc}`../04_Deep_Learning/05_optimizers`.
#
# weight decay
#   Making all weights a little smaller at each step. {doc}`../04_Deep_Learning/07_regularization`.
# ````
