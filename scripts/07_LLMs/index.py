# %% [markdown]
# # LLMs
#
# What does it take to predict the next character, and what comes of it?
#
# This stage builds language models: first one that is trained from nothing, on a budget of seconds, so that every choice
# in it can be tried and measured. The parts are those of the large models of today; the scale is that of one processor
# core.
#
# **Assumed**: attention and the encoder block ({doc}`../06_NLP/02_transformer_foundations`), how a text becomes tokens
# ({doc}`../06_NLP/01_subword_tokenization`), optimisers ({doc}`../04_Deep_Learning/05_optimizers`) and cross-entropy
# ({doc}`../01_Mathematics/10_information_theory`). What the book means by *checked* is in {doc}`../00_Orientation/03_checks`.
#
# | Page | What it answers | What it builds |
# |---|---|---|
# | {doc}`01_pretraining` | How much does a language model learn in twenty seconds, and which of its parts decide that? | `GPT`, `GPTConfig`, `KeyValueCache`, `Muon`, `pretrain`, `EngineGPT` |
#
# The bar is counting: a table of what followed what. The reference is the book's own engine, whose losses must agree with
# PyTorch's step by step.
