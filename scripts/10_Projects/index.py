# %% [markdown]
# # Projects
#
# What does it take to turn a method that works in a notebook into a system that other people rely on?
#
# A project page builds one complete system on real data, from the first file to the answer that somebody acts on. It uses what earlier pages built, adds what only a system needs (checks at its borders, durable state, limits, measurements, a way back), and then tries to break it: hostile input, killed processes, a world that changes. The code is exported and runs with one command.
#
# **Assumed**: the stages before; each project's card names the pages that it leans on. What the book means by *checked* is in {doc}`../00_Orientation/03_checks`.
#
# | Page | What it answers | What it builds |
# |---|---|---|
# | {doc}`01_flight_delays` | Who should be called this morning because their flight will be late? | checked ingestion, features without a future, a registry, a service with durable jobs, drift and a rule for retraining: `make serve-flights` |
#
# The systems are small enough to be read in one sitting, and complete enough that nothing has to be imagined: every promise that a page makes about its system is a check that runs with the book.
