"""A simulated data set, whose labels are known exactly."""
