"""The benchmarks of ``make bench``, one file for each subject; ``tools.bench`` imports them all."""
