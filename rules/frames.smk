"""Videos to clips of grey frames, one HDF5 file a participant."""


rule extract_frames:
    input:
        video=lambda wildcards: SAMPLES["video"][wildcards.participant],
    output:
        "<results>/frames/{participant}.h5",
    log:
        "<results>/logs/extract_frames/{participant}.log",
    # Before all training: a damaged video should not come to light after hours.
    priority: 1
    conda:
        "../envs/video.yaml"
    params:
        settings=clip_settings(),
        code=code_of("extract_frames.py"),
    message:
        "Decode the video of participant {wildcards.participant}"
    script:
        "../workflow/scripts/extract_frames.py"
