"""The verdict: in which state mining is, with probabilities, and what that rests on."""
