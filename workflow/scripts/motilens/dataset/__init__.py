"""The user's data: tables, video files, folds, downloads."""
