"""What scripts/bench_kernels.py is made of: prints, the kernels' tasks, their times, the tables."""
