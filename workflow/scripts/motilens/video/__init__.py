"""Reading and writing videos with ffmpeg."""
