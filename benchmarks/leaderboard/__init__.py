"""The leaderboard of docs/RESULTS.md: which data, which splits, which contestants, and what came out."""
