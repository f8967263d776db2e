# %% [markdown]
# # Deep Learning
#
# What is a network made of, and what makes it learn?
#
# This stage builds a deep-learning library from NumPy upwards and holds it against PyTorch at every step. It begins with the
# engine that differentiates programs, because everything later is written in it: layers, optimisers, convolutions,
# recurrent networks and attention are a few lines each once their gradients come for free.
#
# **Assumed**: arrays, broadcasting and matrix products in NumPy, the chain rule, and gradient descent on a linear model. What the
# book means by *checked* is in {doc}`../00_Orientation/03_checks`.
#
# | Page | What it answers | What it builds |
# |---|---|---|
# | {doc}`01_neurons_and_perceptrons` | What can one neuron learn from its mistakes, after how many, and what never? | `Perceptron`, `run_perceptron`, `widest_margin`, `perceptron_bound`, `signed_rows` |
# | {doc}`02_backpropagation` | Which way must a weight move that no output shows, and who notices when that is computed wrongly? | `TwoLayerNet`, `softmax_cross_entropy` |
# | {doc}`03_autograd` | How can a program return the exact derivative of any other program? | `Tensor`, `apply`, `gradcheck`, `no_grad`, `draw_graph` |
# | {doc}`04_neural_network_library` | Which few objects make a library, and what is a training run, so that a kill cannot change it? | `Module`, `Linear`, `Sequential`, `CrossEntropyLoss`, `DataLoader`, `Trainer`, `save_checkpoint` |
# | {doc}`05_optimizers` | What should be remembered of earlier gradients, how long should a step be, and when does that fail? | `SGD`, `RMSprop`, `Adam`, `AdamW`, `clip_grad_norm_`, `LambdaLR`, `warmup_cosine` |
# | {doc}`06_initialization_and_normalization` | Why do fifty layers learn nothing from one set of random weights and well from another? | `kaiming_normal_`, `xavier_uniform_`, `BatchNorm1d`, `LayerNorm` |
# | {doc}`07_regularization` | What keeps a network from learning its pictures by heart, which of it works, and how does one know? | `Dropout`, `EarlyStopping`, `random_shift` |
# | {doc}`08_pytorch` | Which few measurements tell a wrong training run from a right one, and what does PyTorch add? | `find_faults`, `overfit_one_batch`, `captured_graphs`, `memory_traffic`, `seed_everything` |
# | {doc}`09_convolutional_networks` | How does a network come to know that a digit stays the same digit when it is moved? | `Conv2d`, `MaxPool2d`, `LeNet`, `receptive_field` |
# | {doc}`10_recurrent_networks` | How can a network of fixed size read a sequence of any length, and how far back can it learn to look? | `RNN`, `RNNCell`, `Embedding`, `backward_through_time`, `orthogonal_`, `CharacterModel` |
# | {doc}`11_lstm_and_gru` | How can a network keep a number for fifty steps, unchanged, and learn by gradient descent what to keep? | `LSTMCell`, `GRUCell`, `LSTM`, `GRU`, `watch_gates` |
#
# The names are PyTorch's wherever PyTorch has one, so that what is learned here is read off directly there. The numbers
# are equal to PyTorch's to ten decimals, and each page says where the two differ on purpose.
