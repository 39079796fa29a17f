"""What is kept beside records, compared with what follows from them: counts, sums, derived fields."""
