"""Keys and values of the configuration that had other names in Motilens 0.1."""

RENAMED_KEYS = {
    "autoencoder.gradient_clip": "autoencoder.clip_grad_norm",
    "autoencoder.loss.difference": "autoencoder.loss.frame_difference",
    "autoencoder.loss.divergence": "autoencoder.loss.kl",
    "autoencoder.loss.gradient": "autoencoder.loss.gradient_difference",
    "autoencoder.loss.squared": "autoencoder.loss.mse",
    "autoencoder.schedule": "autoencoder.lr_schedule",
    "autoencoder.unhealthy": "autoencoder.on_collapse",
    "copies": "repeats",  # of an input type
    "dataset.archive.licence": "dataset.archive.license",
    "dataset.archive.licence_accepted": "dataset.archive.license_accepted",
    "dataset.motility_sum.otherwise": "dataset.motility_sum.on_mismatch",
    "dataset.unreadable": "dataset.on_unreadable_video",
    "frames.aspect": "frames.resize_mode",
    "frames.other_frame_rate": "frames.on_frame_rate_mismatch",
    "performance": "compute (data: data_location, save_minutes: checkpoint_minutes, "
    "trainings_per_gpu: jobs_per_gpu)",
    "regressor.answer": "regressor.output_activation",
    "regressor.gradient_clip": "regressor.clip_grad_norm",
    "regressor.normalise": "regressor.input_normalization",
    "regressor.schedule": "regressor.lr_schedule",
    "regressor.settle_batch_norm": "regressor.recalibrate_batch_norm",
    "regressor.start_at_mean": "regressor.init_bias_to_mean",
    "regressor.symmetries": "regressor.augmentation and regressor.tta",
    "regressor.together": "regressor.bag_size",
    "regressor.unhealthy": "regressor.on_collapse",
    "slurm": None,  # to slurm/profile.yaml
    "tracks": "tracking (seconds: duration, brightness: min_mass_fraction, reach: search_range, "
    "shortest: min_track_duration)",
    "tracking.min_track_length": "tracking.min_track_duration",
}
RENAMED_VALUES = {
    "loss": {"squared": "mse", "absolute": "l1"},
    "on_collapse": {"stop": "error"},
    "on_frame_rate_mismatch": {"stop": "error"},
    "on_mismatch": {"stop": "error"},
    "on_unreadable_video": {"stop": "error", "leave_out": "skip"},
    "output_activation": {"plain": "identity", "standardised": "standardized"},
    "resize_mode": {"squeeze": "stretch"},
    "variant": {"standardised": "standardized"},
}
