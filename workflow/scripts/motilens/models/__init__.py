"""Networks, and encoders without training."""
