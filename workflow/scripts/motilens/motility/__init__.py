"""What tracks say: kinematics of cells, and percentages of samples."""
