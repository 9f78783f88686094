"""Oriented filtering: every pixel's filter is that of the definition, and the CUDA text agrees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import backend, oriented
from kernels.oriented import Growing
from tests.kernels import fake_gpu, host_cuda, test_parity

cuda = test_parity.cuda
HOW = Growing(10, 0.48, 3.0, 25)
ONCE = replace(HOW, rounds=1)
SHAPES = [(1, 1), (1, 40), (3, 70), (33, 1), (25, 31), (64, 32), (40, 67)]


def pictures(rng, shape, smooth=False):
    """Noise, orientation and period, float32 (N, H, W), from pixel to pixel or changing slowly."""
    noise = rng.standard_normal(shape, np.float32)
    theta, period = rng.uniform(-np.pi, 2 * np.pi, shape), rng.uniform(7.5, 10.5, shape)
    if smooth:
        y, x = np.mgrid[: shape[1], : shape[2]]
        at, bend = rng.uniform(0, 6, (2, shape[0], 1, 1))
        theta = at + np.sin(x / 60 + bend) + np.cos(y / 50)
        period = 9 + np.cos(x / 70 + at)
    return noise, theta.astype(np.float32), period.astype(np.float32)


def flat(height, width, theta, period):
    """The same orientation and period everywhere: float32 (1, H, W) each."""
    return tuple(np.full((1, height, width), each, np.float32) for each in (theta, period))


def plain(noise, theta, period, how):
    """What the filters answer, written as the definition reads, for one picture H×W."""
    height, width = noise.shape
    source = noise.astype(float)
    y, x = np.mgrid[:height, :width]
    for _ in range(how.rounds):
        answer = np.zeros((height, width))
        for row, column in np.ndindex(height, width):
            dx, dy = x - column, y - row
            wave = 2 * np.pi / period[row, column]
            across = dx * np.sin(theta[row, column]) + dy * np.cos(theta[row, column])
            sigma = how.bandwidth * period[row, column]
            weight = np.exp(-(dx**2 + dy**2) / (2 * sigma**2)) * np.cos(wave * across)
            weight[dx**2 + dy**2 > how.reach**2] = 0
            answer[row, column] = (weight * source).sum() / (np.pi * sigma**2)
        source = np.tanh(how.gain * answer)
    return answer


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("how", [ONCE, Growing(1, 0.3, 2.0, 1), Growing(16, 0.6, 3.0, 3)])
def test_agrees_with_the_definition(shape, how):
    noise, theta, period = pictures(np.random.default_rng(3), (2, *shape))
    got = oriented.grow(noise, theta, period, how)
    assert got.dtype == np.float32
    for i in range(2):
        np.testing.assert_allclose(got[i], plain(noise[i], theta[i], period[i], how), atol=1e-5)


@pytest.mark.parametrize("theta", [0.0, 0.5, np.pi / 2, 2.6])
@pytest.mark.parametrize(("turn", "length"), [(0, 1), (np.pi / 2, 1), (0, 2), (0, 0.5), (0.4, 1)])
def test_a_wave_passes_as_far_as_it_is_the_pixels_own(theta, turn, length):
    """One that is turned, or longer, by what the filter's envelope leaves of it: a Gaussian."""
    y, x = np.mgrid[:60, :70]
    wave = 2 * np.pi / 9
    other = wave / length * np.array([np.sin(theta + turn), np.cos(theta + turn)])
    drawn = np.cos(other[0] * x + other[1] * y).astype(np.float32)[None]
    got = oriented.grow(drawn, *flat(60, 70, theta, 9.0), ONCE)
    off = np.sum((other - wave * np.array([np.sin(theta), np.cos(theta)])) ** 2)
    passes = np.exp(-off * (HOW.bandwidth * 9) ** 2 / 2)
    middle = np.s_[0, 20:-20, 20:-20]
    np.testing.assert_allclose(got[middle], passes * drawn[middle], atol=0.08)


def test_noise_becomes_ridges():
    noise, theta, period = pictures(np.random.default_rng(1), (1, 96, 96), smooth=True)
    ridges = oriented.grow(noise, theta, period, HOW)
    assert np.abs(ridges).mean() == pytest.approx(2 / np.pi, abs=0.25)
    again = oriented.grow(np.tanh(HOW.gain * ridges), theta, period, ONCE)
    assert np.abs(again - ridges).mean() < 0.05


def test_a_picture_does_not_depend_on_those_beside_it():
    noise, theta, period = pictures(np.random.default_rng(2), (3, 30, 41))
    how = replace(HOW, rounds=3)
    whole = oriented.grow(noise, theta, period, how)
    for i in range(3):
        one = (each[i : i + 1] for each in (noise, theta, period))
        np.testing.assert_array_equal(oriented.grow(*one, how)[0], whole[i])


@pytest.mark.parametrize("block", [1, 7, 100])
def test_blocks_change_nothing(monkeypatch, block):
    task = *pictures(np.random.default_rng(4), (1, 9, 14)), replace(HOW, rounds=2)
    whole = oriented.grow(*task)
    monkeypatch.setattr(oriented, "BLOCK", block)
    np.testing.assert_allclose(oriented.grow(*task), whole, atol=1e-6)


@given(
    count=st.sampled_from([0, 1, 3]),
    shape=st.sampled_from([(0, 5), *SHAPES]),
    reach=st.sampled_from([1, 7, 10, 16]),
    height=st.sampled_from([0.0, 1.0, 1000.0]),
    smooth=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_cuda_text_agrees_with_the_reference(cuda, count, shape, reach, height, smooth, seed):
    noise, *field = pictures(np.random.default_rng(seed), (count, *shape), smooth)
    noise *= np.float32(height)
    most = np.abs(noise).max(initial=0)
    how = replace(ONCE, reach=reach)
    expected = oriented.grow(noise, *field, how)
    got = cuda(oriented.grow, noise, *field, how)
    assert got.dtype == np.float32 and got.shape == noise.shape
    np.testing.assert_allclose(got, expected, atol=1e-6 * most, rtol=0)

    grown = replace(how, rounds=25)
    expected = oriented.grow(noise, *field, grown)
    apart = np.abs(expected - cuda(oriented.grow, noise, *field, grown))
    assert (apart > 1e-4).sum() <= 0.001 * apart.size


@pytest.mark.parametrize("reach", [1, 9, 10, 11, 12, 16])
def test_cuda_text_has_all_of_a_filter_whichever_form_it_takes(cuda, reach):
    # a wide envelope: what lies at the filter's edge counts nearly as much as its middle
    task = *pictures(np.random.default_rng(reach), (1, 24, 37)), Growing(reach, 2.0, 1.0, 1)
    np.testing.assert_allclose(cuda(oriented.grow, *task), oriented.grow(*task), atol=1e-6)


def test_threads_share_a_tile_without_a_race():
    task = *pictures(np.random.default_rng(5), (2, 20, 45)), replace(HOW, reach=4, rounds=2)
    expected = oriented.grow(*task)
    with fake_gpu.computing(host_cuda.launcher(backend.THREADS)):
        np.testing.assert_allclose(oriented.grow(*task), expected, atol=1e-5)
    with fake_gpu.computing(host_cuda.racecheck):
        oriented.grow(*task)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"reach": 0}, "reach"),
        ({"reach": 17}, "reach"),
        ({"rounds": 0}, "rounds"),
        ({"bandwidth": 0.0}, "bandwidth"),
    ],
)
def test_settings_out_of_range_are_refused(change, name):
    with pytest.raises(ValueError, match=name):
        replace(HOW, **change)


def test_arrays_that_do_not_fit_are_refused():
    noise, theta, period = pictures(np.random.default_rng(6), (2, 5, 6))
    with pytest.raises(ValueError, match="noise"):
        oriented.grow(noise[0], theta, period, HOW)
    with pytest.raises(ValueError, match="theta"):
        oriented.grow(noise, theta.astype(float), period, HOW)
    with pytest.raises(ValueError, match=r"period is .* as noise is"):
        oriented.grow(noise, theta, period[:1], HOW)
    with pytest.raises(ValueError, match="period must be"):
        oriented.grow(noise, theta, period[..., ::-1], HOW)
