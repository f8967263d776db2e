# %% [markdown]
# # Natural Language Processing
#
# How does a machine that computes with numbers read a text, and how does it write one?
#
# This stage goes from characters to answers. It begins with the cut that everything later inherits: which pieces
# of text a model is given as its alphabet. Then comes the layer that reads them: a look-up that learns where to look.
#
# **Assumed**: dictionaries and strings ({doc}`../02_Python_Foundations/01_core_python`), entropy and cross-entropy
# ({doc}`../01_Mathematics/10_information_theory`), the book's engine and its layers
# ({doc}`../04_Deep_Learning/03_autograd`, {doc}`../04_Deep_Learning/04_neural_network_library`). What the book means by *checked* is in
# {doc}`../00_Orientation/03_checks`.
#
# | Page | What it answers | What it builds |
# |---|---|---|
# | {doc}`01_subword_tokenization` | How can a few thousand pieces spell every text there is, and what is lost when a model reads pieces? | `BPETokenizer`, `learn_merges`, `split_text`, `merge_pair` |
# | {doc}`02_transformer_foundations` | How can a network look something up in its input, at any distance, and learn where to look? | `scaled_dot_product_attention`, `MultiheadAttention`, `sinusoidal_positions`, `GELU`, `TransformerEncoderLayer` |
#
# The texts are real: the plays of Shakespeare, five megabytes that anybody may use. The reference for the
# pieces is the `tokenizers` library, and equality means equality: the same merges, the same numbers. The
# reference for the layers is PyTorch, in value, in gradient and in the loss of every training step.
