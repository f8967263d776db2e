# %% [markdown]
# # Computer Vision
#
# What does a network that has seen a million photographs know about yours?
#
# **This stage builds** on pictures as they come: few of them, and with a network that somebody else has trained. It begins
# by rebuilding such a network, because a model that is only downloaded can be neither checked nor taken apart. **It
# assumes** convolutions ({doc}`../04_Deep_Learning/09_convolutional_networks`), batch normalization
# ({doc}`../04_Deep_Learning/06_initialization_and_normalization`) and logistic regression
# ({doc}`../03_Machine_Learning/03_logistic_regression`). What the book means by *checked* is in
# {doc}`../00_Orientation/03_checks`.
#
# | page | question | you take along |
# |---|---|---|
# | {doc}`01_transfer_learning` | How far do five pictures of each class go, if a network has already learned to see? | `EfficientNetLite0`, `read_weights`, `prepare`, `fold_batch_norm`, `depth_features`, `occlusion_map` |
#
# The network is written in plain PyTorch. Weights that come from elsewhere are loaded as numbers only and with a
# checksum.
