"""Convolution, bias, max-pooling and ReLU in one pass over memory, by Triton.

The convolution's result, four times as large as what is left of it, never reaches memory. Forward
keeps, for each output, which of its four pixels won; backward sends the gradient there alone. Sums
have a fixed order, so results repeat to the bit.

Images are channels_last, (n, HEIGHT, WIDTH, CIN), outputs (n, HEIGHT / 2, WIDTH / 2, COUT). A
kernel's program has BLOCK outputs of one image. PADDED is CIN filled up to what `tl.dot` takes.
"""

import torch
import triton
import triton.language as tl
from torch import nn
from torch.nn.functional import pad

from motilens.compute.fast_layers import CHANNEL_MULTIPLE, cast_as_autocast

BLOCK = 64
PARTS = 8  # of each image's pixels, in the sums of a weight's gradient; the same on all GPUs
CLOSED = tl.constexpr(4)  # the largest of four pixels, which have numbers 0 to 3, was not positive


class FusedConvPool(nn.Module):
    """A 3 x 3 convolution, ReLU and 2 x 2 max-pooling, with the convolution's own parameters."""

    def __init__(self, layer: nn.Conv2d):
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias

    def forward(self, x):
        """Return pooled features of x (n, channels, height, width).

        Raise a ValueError if height or width is odd.
        """
        if x.shape[2] % 2 or x.shape[3] % 2:
            raise ValueError(f"height and width must be even, not {tuple(x.shape[2:])}")
        # Eight channels of bfloat16 are one load of a thread.
        x, extra = cast_as_autocast(x), (0, -x.shape[1] % CHANNEL_MULTIPLE)
        x = pad(x.permute(0, 2, 3, 1), extra).contiguous()
        taps = pad(self.weight.to(x.dtype).permute(2, 3, 0, 1), extra).contiguous()
        return conv_pool(x, taps, self.bias.to(x.dtype))[0].permute(0, 3, 1, 2)


@torch.library.custom_op("motilens::conv_pool", mutates_args=())
def conv_pool(
    x: torch.Tensor, taps: torch.Tensor, bias: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return pooled features, and which pixels they are of; taps are (3, 3, COUT, CIN).

    An operator of PyTorch, which torch.compile takes as it is.
    """
    output, winner = _allocate_output(x, taps, bias)
    forward_kernel[_grid(x)](x, taps, bias, output, winner, **_constants(x, taps))
    return output, winner


@torch.library.custom_op("motilens::conv_pool_backward", mutates_args=())
def conv_pool_backward(
    gradient: torch.Tensor, x: torch.Tensor, taps: torch.Tensor, winner: torch.Tensor, of_x: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the gradients of x (empty unless `of_x`), taps and bias."""
    constants, sums = _constants(x, taps), (PARTS, len(x), 3)
    x_gradient, of_taps, of_bias = _allocate_gradients(gradient, x, taps, winner, of_x)
    if of_x:
        input_gradient_kernel[_grid(x)](gradient, winner, taps, x_gradient, **constants)
    wide, channels = torch.promote_types(x.dtype, torch.float32), len(of_bias)
    tap_sums = x.new_empty((*sums, 3, channels, constants["PADDED"]), dtype=wide)
    bias_sums = x.new_empty((*sums, channels), dtype=wide)
    weight_gradient_kernel[sums](x, gradient, winner, tap_sums, bias_sums, **constants)
    of_taps.copy_(tap_sums.sum((0, 1))[..., : x.shape[-1]])
    of_bias.copy_(bias_sums[:, :, 0].sum((0, 1)))
    return x_gradient, of_taps, of_bias


@conv_pool.register_fake
def _allocate_output(x, taps, bias):
    count, height, width, _ = x.shape
    output = x.new_empty((count, height // 2, width // 2, taps.shape[2]))
    return output, torch.empty_like(output, dtype=torch.uint8)


@conv_pool_backward.register_fake
def _allocate_gradients(gradient, x, taps, winner, of_x):
    return (
        x.new_empty(x.shape if of_x else 0),
        torch.empty_like(taps),
        taps.new_empty(taps.shape[2]),
    )


def _keep_for_backward(ctx, inputs, output):  # PyTorch gives them by these names
    ctx.save_for_backward(inputs[0], inputs[1], output[1])


def _compute_gradients(context, gradient, _):
    needed = context.needs_input_grad[0]
    gradients = conv_pool_backward(gradient.contiguous(), *context.saved_tensors, needed)
    return gradients[0] if needed else None, *gradients[1:]


conv_pool.register_autograd(_compute_gradients, setup_context=_keep_for_backward)


def _grid(x: torch.Tensor) -> tuple[int, int]:
    return triton.cdiv(x.shape[1] * x.shape[2] // 4, BLOCK), len(x)


def _constants(x: torch.Tensor, taps: torch.Tensor) -> dict:
    _, height, width, channels = x.shape
    return {
        "HEIGHT": height, "WIDTH": width, "CIN": channels, "COUT": taps.shape[2],
        "PADDED": max(16, triton.next_power_of_2(channels)), "BLOCK": BLOCK,
        "WIDE": tl.float64 if x.dtype == torch.float64 else tl.float32,
    }  # fmt: skip


@triton.jit
def find_windows(block, HEIGHT: tl.constexpr, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    """Return a block's outputs: number, row and column of the first pixel, and if in the image."""
    number = block * BLOCK + tl.arange(0, BLOCK)
    row = number // (WIDTH // 2) * 2
    column = number % (WIDTH // 2) * 2
    return number, row, column, number < HEIGHT * WIDTH // 4


@triton.jit
def load_pixels(
    x, row, column, inside,
    HEIGHT: tl.constexpr, WIDTH: tl.constexpr, CIN: tl.constexpr, PADDED: tl.constexpr,
):  # fmt: skip
    """Return pixels of the image x, (BLOCK, PADDED), zeros outside of it."""
    inside = inside & (row >= 0) & (row < HEIGHT) & (column >= 0) & (column < WIDTH)
    channel = tl.arange(0, PADDED)[None, :]
    places = ((row * WIDTH + column) * CIN)[:, None] + channel
    return tl.load(x + places, inside[:, None] & (channel < CIN), 0.0)


@triton.jit
def is_larger(value, best):
    """Return whether max-pooling, which lets NaN through, goes on with `value`."""
    return (value > best) | (value != value)


@triton.jit
def forward_kernel(
    x, taps, bias, output, winner,
    HEIGHT: tl.constexpr, WIDTH: tl.constexpr, CIN: tl.constexpr, COUT: tl.constexpr,
    PADDED: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Write pooled features, and the number of the pixel that each is of, or CLOSED."""
    pixels: tl.constexpr = HEIGHT * WIDTH // 4
    image = tl.program_id(1).to(tl.int64)
    number, row, column, inside = find_windows(tl.program_id(0), HEIGHT, WIDTH, BLOCK)
    x += image * HEIGHT * WIDTH * CIN
    channel = tl.arange(0, PADDED)[:, None]
    channel_out = tl.arange(0, COUT)[None, :]
    sum0 = tl.zeros((BLOCK, COUT), WIDE)
    sum1 = tl.zeros((BLOCK, COUT), WIDE)
    sum2 = tl.zeros((BLOCK, COUT), WIDE)
    sum3 = tl.zeros((BLOCK, COUT), WIDE)
    for tap in range(9):
        y = row + tap // 3 - 1
        z = column + tap % 3 - 1
        tile0 = load_pixels(x, y, z, inside, HEIGHT, WIDTH, CIN, PADDED)
        tile1 = load_pixels(x, y, z + 1, inside, HEIGHT, WIDTH, CIN, PADDED)
        tile2 = load_pixels(x, y + 1, z, inside, HEIGHT, WIDTH, CIN, PADDED)
        tile3 = load_pixels(x, y + 1, z + 1, inside, HEIGHT, WIDTH, CIN, PADDED)
        places = (tap * COUT + channel_out) * CIN + channel
        matrix = tl.load(taps + places, channel < CIN, 0.0)
        sum0 = tl.dot(tile0, matrix, sum0, input_precision="ieee", out_dtype=WIDE)
        sum1 = tl.dot(tile1, matrix, sum1, input_precision="ieee", out_dtype=WIDE)
        sum2 = tl.dot(tile2, matrix, sum2, input_precision="ieee", out_dtype=WIDE)
        sum3 = tl.dot(tile3, matrix, sum3, input_precision="ieee", out_dtype=WIDE)
    shift = tl.load(bias + channel_out).to(WIDE)
    dtype = output.dtype.element_ty
    # Rounded before they are compared: the plain layers compare what is in memory.
    best = (sum0 + shift).to(dtype)
    chosen = tl.zeros((BLOCK, COUT), tl.int32)
    value = (sum1 + shift).to(dtype)
    chosen = tl.where(is_larger(value, best), 1, chosen)
    best = tl.where(is_larger(value, best), value, best)
    value = (sum2 + shift).to(dtype)
    chosen = tl.where(is_larger(value, best), 2, chosen)
    best = tl.where(is_larger(value, best), value, best)
    value = (sum3 + shift).to(dtype)
    chosen = tl.where(is_larger(value, best), 3, chosen)
    best = tl.where(is_larger(value, best), value, best)
    places = image * pixels * COUT + number[:, None] * COUT + channel_out
    tl.store(output + places, tl.where(best <= 0, 0.0, best).to(dtype), inside[:, None])
    tl.store(winner + places, tl.where(best <= 0, CLOSED, chosen).to(tl.uint8), inside[:, None])


@triton.jit
def load_gradients(
    gradient, winner, row, column, inside,
    HEIGHT: tl.constexpr, WIDTH: tl.constexpr, COUT: tl.constexpr,
):  # fmt: skip
    """Return gradients at pixels of the convolution of one image, (BLOCK, COUT)."""
    inside = inside & (row >= 0) & (row < HEIGHT) & (column >= 0) & (column < WIDTH)
    places = ((row // 2 * (WIDTH // 2) + column // 2) * COUT)[:, None]
    places += tl.arange(0, COUT)[None, :]
    values = tl.load(gradient + places, inside[:, None], 0.0)
    won = tl.load(winner + places, inside[:, None], CLOSED)
    pixel = (row % 2 * 2 + column % 2)[:, None]
    return tl.where(won == pixel, values, 0.0).to(values.dtype)


@triton.jit
def input_gradient_kernel(
    gradient, winner, taps, of_x,
    HEIGHT: tl.constexpr, WIDTH: tl.constexpr, CIN: tl.constexpr, COUT: tl.constexpr,
    PADDED: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Write the gradients of x: each pixel gathers from those of the convolution that saw it."""
    pixels: tl.constexpr = HEIGHT * WIDTH // 4
    image = tl.program_id(1).to(tl.int64)
    _, row, column, inside = find_windows(tl.program_id(0), HEIGHT, WIDTH, BLOCK)
    gradient += image * pixels * COUT
    winner += image * pixels * COUT
    channel = tl.arange(0, PADDED)[None, :]
    channel_out = tl.arange(0, COUT)[:, None]
    sum0 = tl.zeros((BLOCK, PADDED), WIDE)
    sum1 = tl.zeros((BLOCK, PADDED), WIDE)
    sum2 = tl.zeros((BLOCK, PADDED), WIDE)
    sum3 = tl.zeros((BLOCK, PADDED), WIDE)
    for tap in range(9):
        y = row + 1 - tap // 3
        z = column + 1 - tap % 3
        tile0 = load_gradients(gradient, winner, y, z, inside, HEIGHT, WIDTH, COUT)
        tile1 = load_gradients(gradient, winner, y, z + 1, inside, HEIGHT, WIDTH, COUT)
        tile2 = load_gradients(gradient, winner, y + 1, z, inside, HEIGHT, WIDTH, COUT)
        tile3 = load_gradients(gradient, winner, y + 1, z + 1, inside, HEIGHT, WIDTH, COUT)
        places = (tap * COUT + channel_out) * CIN + channel
        matrix = tl.load(taps + places, channel < CIN, 0.0)
        sum0 = tl.dot(tile0, matrix, sum0, input_precision="ieee", out_dtype=WIDE)
        sum1 = tl.dot(tile1, matrix, sum1, input_precision="ieee", out_dtype=WIDE)
        sum2 = tl.dot(tile2, matrix, sum2, input_precision="ieee", out_dtype=WIDE)
        sum3 = tl.dot(tile3, matrix, sum3, input_precision="ieee", out_dtype=WIDE)
    dtype = of_x.dtype.element_ty
    places = image * HEIGHT * WIDTH * CIN + ((row * WIDTH + column) * CIN)[:, None] + channel
    known = inside[:, None] & (channel < CIN)
    tl.store(of_x + places, sum0.to(dtype), known)
    tl.store(of_x + places + CIN, sum1.to(dtype), known)
    tl.store(of_x + places + WIDTH * CIN, sum2.to(dtype), known)
    tl.store(of_x + places + (WIDTH + 1) * CIN, sum3.to(dtype), known)


@triton.jit
def weight_gradient_kernel(
    x, gradient, winner, of_taps, of_bias,
    HEIGHT: tl.constexpr, WIDTH: tl.constexpr, CIN: tl.constexpr, COUT: tl.constexpr,
    PADDED: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Write sums over a part (axis 0) of an image (axis 1), for a row of taps (axis 2)."""
    pixels: tl.constexpr = HEIGHT * WIDTH // 4
    image = tl.program_id(1).to(tl.int64)
    line = tl.program_id(2)
    x += image * HEIGHT * WIDTH * CIN
    gradient += image * pixels * COUT
    winner += image * pixels * COUT
    sum0 = tl.zeros((COUT, PADDED), WIDE)
    sum1 = tl.zeros((COUT, PADDED), WIDE)
    sum2 = tl.zeros((COUT, PADDED), WIDE)
    shift = tl.zeros((COUT,), WIDE)
    for block in range(tl.program_id(0), tl.cdiv(pixels, BLOCK), tl.num_programs(0)):
        number, row, column, inside = find_windows(block, HEIGHT, WIDTH, BLOCK)
        places = number[:, None] * COUT + tl.arange(0, COUT)[None, :]
        values = tl.load(gradient + places, inside[:, None], 0.0)
        won = tl.load(winner + places, inside[:, None], CLOSED)
        for pixel in tl.static_range(4):
            tile = tl.where(won == pixel, values, 0.0).to(values.dtype)
            shift += tl.sum(tile.to(WIDE), 0)
            tile = tl.trans(tile)
            y = row + pixel // 2 + line - 1
            z = column + pixel % 2 - 1
            left = load_pixels(x, y, z, inside, HEIGHT, WIDTH, CIN, PADDED)
            middle = load_pixels(x, y, z + 1, inside, HEIGHT, WIDTH, CIN, PADDED)
            right = load_pixels(x, y, z + 2, inside, HEIGHT, WIDTH, CIN, PADDED)
            sum0 = tl.dot(tile, left, sum0, input_precision="ieee", out_dtype=WIDE)
            sum1 = tl.dot(tile, middle, sum1, input_precision="ieee", out_dtype=WIDE)
            sum2 = tl.dot(tile, right, sum2, input_precision="ieee", out_dtype=WIDE)
    size: tl.constexpr = COUT * PADDED
    sums = (tl.program_id(0) * tl.num_programs(1) + image) * 3 + line
    places = sums * 3 * size
    places += tl.arange(0, COUT)[:, None] * PADDED + tl.arange(0, PADDED)[None, :]
    tl.store(of_taps + places, sum0)
    tl.store(of_taps + places + size, sum1)
    tl.store(of_taps + places + 2 * size, sum2)
    tl.store(of_bias + sums * COUT + tl.arange(0, COUT), shift)
