"""The outside world, and the one place that causes effects."""
