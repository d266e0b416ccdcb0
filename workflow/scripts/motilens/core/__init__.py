"""What all packages share: errors, files, records, names of labels."""
