# %% [markdown]
# # AI/ML Engineering Journey
