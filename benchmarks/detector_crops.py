"""Simulated crops to train the detector: many looks rather than one true one.

Each crop is three frames of a field, with the centers of the heads in the second. What has a tail
is a sperm; specks, beads, rings, round cells, clumps, fibers and loose tails are not. In phase
contrast heads are bright and tails dark. Bright-field crops are drawn as the detector sees them:
inverted, so that heads and tails are bright.
"""

import io
from multiprocessing import Pool

import numpy as np
from numpy.random import Generator
from PIL import Image
from scipy import ndimage

SIZE = 224  # pixels
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE].astype(np.float32)
TIMES = (-1, 0, 1)  # of the frames; lengths are moved by speed times this
PHASE_CONTRAST, BRIGHT_FIELD = "phase contrast", "bright field"


def draw_crops(style: str, count: int, seed: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Draw crops: uint8 (count, 3, SIZE, SIZE), and of each the heads' x and y, (heads, 2)."""
    with Pool() as pool:
        crops = pool.starmap(draw_crop, [(style, seed, n) for n in range(count)], chunksize=20)
    return np.stack([images for images, _ in crops]), [heads for _, heads in crops]


def draw_crop(style: str, seed: int, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw one crop: uint8 (3, SIZE, SIZE), heads (heads, 2)."""
    rng = np.random.default_rng([seed, number])
    images = np.zeros((3, SIZE, SIZE), np.float32)
    if style == BRIGHT_FIELD:
        contrast = rng.uniform(25, 110)
        look = {
            "blur": rng.uniform(0.2, 1.4),
            "tail": rng.choice([0, 1], p=[0.12, 0.88]) * rng.uniform(0.08, 0.7),
            "rim": rng.choice([0, 1]) * rng.uniform(0.1, 0.6),
            "hollow": rng.choice([0, 0, 1]) * rng.uniform(0.2, 0.9),
        }
        heads = _draw_cells(
            images, rng, contrast, look, rng.choice([1.5, 5, 10]), _bright_field_cell
        )
        _draw_bright_field_debris(images, rng, contrast, look)
    else:
        contrast, look = rng.uniform(50, 170), {"blur": rng.uniform(0.2, 0.9)}
        heads = _draw_cells(images, rng, contrast, look, rng.choice([1.5, 4, 8]), _phase_cell)
        _draw_phase_debris(images, rng, contrast, look)
    for _ in range(rng.poisson(1.1)):
        loose = {"amplitude": contrast, "half_length": 0.0} | _draw_tail_shape(rng, False)
        loose["tail"] = rng.uniform(0.05, 0.5) * (1 if style == BRIGHT_FIELD else -1)
        place, angle = rng.uniform(0, SIZE, 2), rng.uniform(0, 2 * np.pi)
        for image, time in zip(images, TIMES, strict=True):
            _add_tail(image, place, angle, loose, time)
    return _expose(images, rng), heads


def _draw_cells(images, rng: Generator, contrast, look, mean_count, draw_cell) -> np.ndarray:
    size, moving, heads = rng.uniform(0.85, 1.25), rng.random(), []
    drift = rng.normal(0, 1, 2) * rng.choice([0, 0, 1])
    for _ in range(rng.poisson(mean_count)):
        place, angle = rng.uniform(-5, SIZE + 5, 2), rng.uniform(0, 2 * np.pi)
        swims = rng.random() < moving
        velocity = swims * rng.uniform(1, 22) * _direction(angle) + drift
        cell = draw_cell(rng, contrast, look, size) | _draw_tail_shape(rng, swims)
        for image, time in zip(images, TIMES, strict=True):
            at, facing = place + time * velocity, angle + time * swims * rng.normal(0, 0.15)
            _add_tail(image, at, facing, cell, time)
            _add_glow(image, at, cell)
            _add_body(image, at, facing, cell)
        heads.append(place)
    return np.array(heads, np.float32).reshape(-1, 2)


def _bright_field_cell(rng: Generator, contrast: float, look: dict, size: float) -> dict:
    half = rng.uniform(5.5, 8.5) * size
    return _body(
        half,
        half * rng.uniform(0.5, 0.85),
        contrast * rng.uniform(0.55, 1.15),
        blur=look["blur"] * rng.uniform(0.6, 1.8),
        taper=rng.uniform(-0.1, 0.35),
        hollow=look["hollow"] * rng.uniform(0, 1.2),
        gradient=rng.uniform(-0.3, 0.3),
        rim=look["rim"] * rng.uniform(0.5, 1.5),
        tail=look["tail"] * rng.uniform(0.2, 1.2) * rng.choice([0, 1], p=[0.1, 0.9]),
    )


def _phase_cell(rng: Generator, contrast: float, look: dict, size: float) -> dict:
    half, defocus = rng.uniform(4.5, 7) * size, rng.choice([0, 0, 0, 1]) * rng.uniform(0.5, 2.5)
    amplitude = contrast * rng.uniform(0.5, 1.3) / (1 + 0.5 * defocus)
    return _body(
        half * (1 + 0.25 * defocus),
        half * rng.uniform(0.5, 0.85) * (1 + 0.35 * defocus),
        amplitude,
        blur=look["blur"] * rng.uniform(0.6, 1.5) * (1 + 0.5 * defocus),
        taper=rng.uniform(-0.1, 0.3),
        hollow=rng.choice([0, 0, 1]) * rng.uniform(0.2, 1.2),
        gradient=rng.uniform(-0.4, 0.4),
        rim=rng.uniform(0.1, 0.7),
        tail=-rng.uniform(0.06, 0.4) * (1 + 0.3 * defocus),
        glow=(0.6 * half, rng.uniform(3, 7), rng.uniform(0.05, 0.35) * amplitude),
        ripples=_ripples(rng, half, amplitude * (defocus > 0)),
    )


def _draw_tail_shape(rng: Generator, beats: bool) -> dict:
    return {
        "tail_length": rng.uniform(25, 110),
        "curve": rng.normal(0, 1),
        "beat": rng.uniform(0.2, 1.0) if beats else rng.uniform(0, 0.1),
        "phase": rng.uniform(0, 2 * np.pi),
        "frequency": rng.uniform(1, 5),
        "wavelength": rng.uniform(8, 14),
        "tail_width": rng.uniform(0.7, 1.6),
    }


def _draw_bright_field_debris(images, rng: Generator, contrast: float, look: dict) -> None:
    density, blur = rng.choice([0.3, 1, 2.5]), look["blur"]
    for _ in range(rng.poisson(18 * density)):
        speck = {
            "amplitude": contrast * rng.uniform(0.15, 1.2),
            "blur": blur * rng.uniform(0.5, 1.5),
            "hollow": rng.choice([0, 0, 0, 0.8]),
            "rim": look["rim"] * rng.uniform(0, 1.5),
        }
        _draw_group(images, rng, rng.uniform(0.6, 3.8), rng.choice([1, 1, 1, 1, 2, 3]), speck)
    for _ in range(rng.poisson(4 * density)):
        half, thin = rng.uniform(1, 4), rng.uniform(0.8, 1.4)
        large, dim = rng.uniform(8, 20), contrast * rng.uniform(0.05, 0.35)
        bodies = [
            _body(half, half, -contrast * rng.uniform(0.2, 0.9), blur=blur, rim=look["rim"]),
            _body(large, large, dim, blur=rng.uniform(1, 3), hollow=rng.random(), rim=0.3),
            _body(2 * half, 2 * half, dim, blur=rng.uniform(1.5, 4), rim=0.2),
            _body(half, 0.8 * half, 2 * dim, blur=blur, taper=0.3, hollow=0.9, gradient=0.8),
            _body(3 * half, thin, 2 * dim, blur=blur, gradient=0.2, rim=look["rim"]),
        ]
        _draw_resting(images, rng, bodies[rng.integers(len(bodies))])


def _draw_phase_debris(images, rng: Generator, contrast: float, look: dict) -> None:
    density, blur = rng.choice([0.5, 1, 2.5]), look["blur"]
    for _ in range(rng.poisson(10 * density)):  # dark specks, some with a halo
        speck = {
            "amplitude": -contrast * rng.uniform(0.2, 0.8),
            "blur": blur * rng.uniform(0.5, 1.5),
            "rim": rng.choice([0, 1]) * rng.uniform(0.1, 1.2),
        }
        _draw_group(images, rng, rng.uniform(0.6, 3.8), rng.choice([1, 1, 1, 2, 3]), speck)
    for _ in range(rng.poisson(6 * density)):
        kind = rng.integers(8)
        if kind >= 6:  # a small thing out of focus: rings of light around a spot
            half, amplitude = rng.uniform(1.5, 7), contrast * rng.uniform(0.05, 0.7)
            body = _body(half, half, amplitude * rng.uniform(-0.5, 1), blur=rng.uniform(0.5, 2),
                         ripples=_ripples(rng, half, amplitude))  # fmt: skip
        elif kind == 0:  # a bead
            half, amplitude = rng.uniform(1, 4), contrast * rng.uniform(0.2, 1.2)
            hollow, glow = rng.choice([0, 1]) * rng.uniform(0.5, 2), rng.uniform(0, 0.3)
            body = _body(half, half, amplitude, blur=blur, hollow=hollow, rim=rng.uniform(0, 0.9),
                         glow=(half, 3, glow * amplitude))  # fmt: skip
        elif kind == 1:  # a faint ring or disk, far out of focus
            half, amplitude = rng.uniform(3, 9), contrast * rng.uniform(-0.25, 0.35)
            body = _body(half, half, amplitude, blur=rng.uniform(0.8, 2.5),
                         hollow=rng.uniform(0, 1.3), rim=rng.random())  # fmt: skip
        elif kind == 2:  # a round cell
            half, amplitude = rng.uniform(5, 13), contrast * rng.uniform(-0.9, 1)
            glow = (half, rng.uniform(2, 6), rng.uniform(0.3, 1.1) * contrast)
            body = _body(half, half * rng.uniform(0.85, 1), amplitude, blur=rng.uniform(0.8, 2),
                         hollow=rng.uniform(0, 1.5), gradient=rng.uniform(-0.3, 0.3),
                         glow=glow)  # fmt: skip
        elif kind == 3:  # a bright spot in a halo, as large as a head
            half, amplitude = rng.uniform(3.5, 6.5), contrast * rng.uniform(0.4, 1.3)
            glow = (half, rng.uniform(2, 7), rng.uniform(0.1, 0.6) * contrast)
            body = _body(half, half * rng.uniform(0.8, 1), amplitude, blur=rng.uniform(0.5, 1.8),
                         hollow=rng.choice([0, 1]) * rng.uniform(0.2, 1.5),
                         rim=rng.uniform(0, 0.6), glow=glow)  # fmt: skip
        elif kind == 4:  # a clump
            part = {"amplitude": contrast * rng.uniform(-0.8, 0.9), "blur": blur, "rim": 0.3}
            _draw_group(images, rng, rng.uniform(1.5, 3.5), rng.integers(3, 8), part)
            continue
        else:  # a crystal or a piece of fiber
            body = _body(rng.uniform(4, 12), rng.uniform(0.8, 2.2),
                         contrast * rng.uniform(-0.7, 0.9), blur=blur, gradient=0.3,
                         rim=rng.uniform(0, 0.5))  # fmt: skip
        _draw_resting(images, rng, body)


def _draw_group(images, rng: Generator, half: float, count: int, look: dict) -> None:
    place = rng.uniform(0, SIZE, 2)
    for member in range(count):
        body = _body(half, half * rng.uniform(0.7, 1), **look)
        at = place + rng.normal(0, 1.6 * half, 2) * (member > 0)
        for image in images:
            _add_body(image, at, 0.0, body)


def _draw_resting(images, rng: Generator, body: dict) -> None:
    place, angle = rng.uniform(0, SIZE, 2), rng.uniform(0, 2 * np.pi)
    for image in images:
        _add_glow(image, place, body)
        _add_body(image, place, angle, body)


def _body(half_length: float, half_width: float, amplitude: float, **look) -> dict:
    """Return an oval: brighter at its front by `gradient`, in its middle less by `hollow`."""
    usual = {"blur": 0.5, "taper": 0.0, "hollow": 0.0, "gradient": 0.0, "rim": 0.0, "tail": 0.0}
    sizes = {"half_length": half_length, "half_width": half_width, "amplitude": amplitude}
    return usual | sizes | {"glow": (0, 1, 0), "ripples": (0, 1, 1)} | look


def _ripples(rng: Generator, half: float, amplitude: float) -> tuple[float, float, float]:
    """Draw what defocus makes of a spot: amplitude, wavelength and width of rings around it."""
    return amplitude * rng.uniform(0.2, 1), rng.uniform(5, 12), half + rng.uniform(2, 6)


def _add_body(image: np.ndarray, place: np.ndarray, angle: float, body: dict) -> None:
    a, b, blur = body["half_length"], body["half_width"], body["blur"]
    window = _window(place, 1.5 * a + 4 + 3 * blur)
    dx, dy = COLUMNS[window] - place[0], ROWS[window] - place[1]
    along = (dx * np.cos(angle) + dy * np.sin(angle)) / a
    across = (dy * np.cos(angle) - dx * np.sin(angle)) / b
    scaled = np.hypot(along, across / (1 + body["taper"] * np.clip(along, -1, 1))) + 1e-6
    outside = (scaled - 1) * np.sqrt(a * b)
    inside = 0.5 + 0.5 * np.tanh(-1.5 * outside / (0.6 + blur))
    inside *= 1 - body["hollow"] * np.exp(-((scaled / 0.6) ** 2))
    inside *= 1 + body["gradient"] * np.clip(along, -1, 1)
    rim = body["rim"] * np.exp(-(((outside - 1.5 - blur) / (1.2 + blur)) ** 2))
    image[window] += body["amplitude"] * (inside - rim)


def _add_glow(image: np.ndarray, place: np.ndarray, body: dict) -> None:
    amplitude, wavelength, width = body["ripples"]
    if amplitude:
        window = _window(place, 2 * width)
        away = np.hypot(COLUMNS[window] - place[0], ROWS[window] - place[1])
        rings = np.cos(2 * np.pi * away / wavelength) * np.exp(-((away / width) ** 2))
        image[window] += amplitude * rings
    radius, width, amplitude = body["glow"]
    if amplitude:
        window = _window(place, radius + 3 * width + 2)
        away = np.hypot(COLUMNS[window] - place[0], ROWS[window] - place[1]) - radius
        image[window] += amplitude * np.exp(-((np.maximum(away, 0) / width) ** 2))


def _add_tail(image: np.ndarray, place: np.ndarray, angle: float, cell: dict, time: int) -> None:
    if not cell["tail"]:
        return
    step = 1.2
    length = step * np.arange(int(cell["tail_length"] / step))
    along = length / cell["tail_length"]
    wave = np.sin(cell["phase"] + time * cell["frequency"] - length / cell["wavelength"])
    bend = angle + np.pi + cell["curve"] * along + cell["beat"] * along**0.6 * wave
    points = place - cell["half_length"] * _direction(angle)
    points = points + step * np.cumsum(np.stack([np.cos(bend), np.sin(bend)], 1), 0)
    widths = cell["tail_width"] * (1 + 0.6 * along)
    strength = cell["tail"] * cell["amplitude"] * np.sqrt(1 - along) * (1 + np.exp(-length / 8))
    for point, width, weight in zip(points, widths, strength, strict=True):
        window = _window(point, 2.6 * width + 1)
        squared = (COLUMNS[window] - point[0]) ** 2 + (ROWS[window] - point[1]) ** 2
        image[window] += 0.55 * weight * np.exp(-squared / (2 * width**2))


def _expose(images: np.ndarray, rng: Generator) -> np.ndarray:
    """Return uint8 frames: uneven light, grain, noise, and often smeared lines and compression."""
    light = ndimage.gaussian_filter(rng.standard_normal((SIZE, SIZE)), rng.uniform(15, 60))
    light *= rng.uniform(0, 12) / light.std()
    light += rng.uniform(-0.12, 0.12) * (COLUMNS - SIZE / 2)
    light += rng.uniform(-0.12, 0.12) * (ROWS - SIZE / 2) + rng.uniform(60, 140)
    grain = ndimage.gaussian_filter(rng.standard_normal((SIZE, SIZE)), rng.uniform(0.7, 3))
    light += grain * rng.uniform(0, 3) / grain.std()
    noise, correlation, quality = rng.uniform(0.5, 5), rng.uniform(0, 0.9), int(rng.uniform(25, 95))
    is_smeared, is_compressed, frames = rng.random() < 0.2, rng.random() < 0.7, []
    for image in images:
        grains = ndimage.gaussian_filter(rng.standard_normal((SIZE, SIZE)), correlation)
        frame = image + light + noise * grains / grains.std()
        if is_smeared:
            frame = ndimage.convolve1d(frame, [0.25, 0.5, 0.25], axis=0)
        frame = frame.clip(0, 255).astype(np.uint8)
        if is_compressed:
            file = io.BytesIO()
            Image.fromarray(frame).save(file, "jpeg", quality=quality)
            frame = np.array(Image.open(file))
        frames.append(frame)
    return np.stack(frames)


def _window(place: np.ndarray, reach: float) -> tuple[slice, slice]:
    low = (place - reach).clip(0, SIZE).astype(int)
    high = (place + reach + 1).clip(0, SIZE).astype(int)
    return slice(low[1], high[1]), slice(low[0], high[0])


def _direction(angle: float) -> np.ndarray:
    return np.array([np.cos(angle), np.sin(angle)])
