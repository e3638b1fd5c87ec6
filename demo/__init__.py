"""The whole system on one machine, from pip alone, with an exam to look at."""
