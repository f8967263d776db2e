# %% [markdown]
# # AI/ML Engineering Journey
#
# ```{div} cover-lead
# An executable textbook: eleven stages, from a vector to a served and monitored model. Everything is built from first principles, and every claim is run.
# ```
#
# ::::{grid} 1 3 3 3
# :gutter: 2
# :class-container: cover-readers
#
# :::{grid-item}
# **Read it here.** Derivations, figures and outputs, as the code beside them printed them.
# :::
# :::{grid-item}
# **Run it on a laptop.** Each page is one plain Python script, and what it builds can be imported.
# :::
# :::{grid-item}
# **Open it in Binder.** The rocket above any page opens it as a notebook, with nothing to install.
# :::
# ::::
#
# :::::{grid} 1 2 3 4
# :gutter: 2
# :class-container: cover-stages
#
# ::::{grid-item-card} Orientation
# :link: 00_Orientation/index
# :link-type: doc
# :class-item: cover-first
# How to read a page, what *verified* means here, the data, the notation, and the checks and figures that every page uses.
# ::::
# ::::{grid-item-card} Mathematics
# :link: 01_Mathematics/index
# :link-type: doc
# Linear algebra, optimisation, probability and information, as code that is checked.
# ::::
# ::::{grid-item-card} Python Foundations
# :link: 02_Python_Foundations/index
# :link-type: doc
# Arrays, types, tests, speed: the tools of an engineer.
# ::::
# ::::{grid-item-card} Machine Learning
# :link: 03_Machine_Learning/index
# :link-type: doc
# Models, losses and validation, to scikit-learn's contract.
# ::::
# ::::{grid-item-card} Deep Learning
# :link: 04_Deep_Learning/index
# :link-type: doc
# An automatic differentiation engine; layers, optimisers and training on top of it.
# ::::
# ::::{grid-item-card} Computer Vision
# :link: 05_Computer_Vision/index
# :link-type: doc
# From a convolution to a network that finds and names.
# ::::
# ::::{grid-item-card} NLP
# :link: 06_NLP/index
# :link-type: doc
# Tokens, embeddings, sequences and attention.
# ::::
# ::::{grid-item-card} LLMs
# :link: 07_LLMs/index
# :link-type: doc
# A language model, from its tokeniser to its sampling.
# ::::
# ::::{grid-item-card} MLOps
# :link: 08_MLOps/index
# :link-type: doc
# Track, package, serve and monitor a model.
# ::::
# ::::{grid-item-card} Research Implementations
# :link: 09_Research_Implementations/index
# :link-type: doc
# Papers rebuilt, with their numbers as the test.
# ::::
# ::::{grid-item-card} Projects
# :link: 10_Projects/index
# :link-type: doc
# Whole systems, from the data to the service.
# ::::
# :::::
#
# ```{div} cover-principles
# Fundamentals over hype · clarity over memorization · implementation over theory only · systems thinking over isolated scripts · consistency over intensity
# ```
