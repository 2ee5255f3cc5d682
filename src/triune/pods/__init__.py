"""The pods: which there are, where they answer, whether they answer, and what lives in them."""
