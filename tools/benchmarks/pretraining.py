"""The full race of the page on pretraining: today's recipe beside a plain GPT-2 model, each trained once."""

from __future__ import annotations

import numpy as np
import torch

from journey.llms.pretraining import GPT, MODERN, PLAIN, GPTConfig, draw, pretrain
from journey.orientation.datasets import load_shakespeare
from tools.bench import Work, benchmark


@benchmark(
    "GPT, modern recipe",
    reference="a GPT-2 of the same size, AdamW at 1e-3 with warm-up and cosine, 1,400 steps of 12 × 64 "
    "characters; ours takes 268 of 6 × 64; the score is the loss on held-out plays, less is better",
    repeats=1,
    scored=True,
    memory=False,
)
def modern_recipe(side: str) -> Work:
    torch.set_num_threads(1)
    text = "".join(load_shakespeare().values())
    number_of = {symbol: n for n, symbol in enumerate(sorted(set(text)))}
    codes = np.array([number_of[symbol] for symbol in text])
    cut = int(0.9 * len(codes))
    pieces = torch.tensor(draw(codes[cut:], 400, 64, np.random.default_rng(1)))
    config, recipe, steps = (GPTConfig(), MODERN, 268) if side == "ours" else (GPTConfig.plain(), PLAIN, 1400)

    def race() -> float:
        torch.manual_seed(0)
        model = GPT(config)
        pretrain(model, codes[:cut], recipe, steps)
        with torch.no_grad():
            return model.loss(pieces).item()

    return race
