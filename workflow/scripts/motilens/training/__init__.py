"""Training of autoencoders and regressors."""
