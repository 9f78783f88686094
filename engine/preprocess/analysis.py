"""The cheap look at a print that every extractor starts with: where ridges are and how they run."""

from __future__ import annotations

from engine.preprocess import frequency, grid, orientation, segmentation
from engine.preprocess.contrast import equalise
from engine.preprocess.spectrum import measure
from engine.settings import PreprocessSettings
from engine.trace import SILENT, Trace
from engine.types import FingerImage, RidgeMap


def analyse(image: FingerImage, settings: PreprocessSettings, trace: Trace = SILENT) -> RidgeMap:
    """The ridge map of `image`, without an enhanced image.

    Blocks of `settings.block` px, ⌈H/block⌉×⌈W/block⌉ of them. Orientation is set everywhere,
    frequency and quality are 0 outside the mask. An image without ridges has an empty mask.
    """
    contrast = equalise(image.pixels, settings)
    trace.show("preprocess.contrast", contrast)
    spectra = measure(contrast, settings)
    ridges = orientation.estimate(spectra)
    closeness, strength = frequency.estimate(spectra, ridges, settings)
    trace.show("preprocess.strength", strength)

    shape = tuple(grid.blocks(length, settings.block) for length in image.pixels.shape)
    finer = settings.hop // settings.block
    quality = grid.spread(grid.smooth(strength, settings.quality_blur), finer, shape)
    energy = grid.gather(contrast * contrast, settings.block // settings.scale, shape)
    field = orientation.spread(ridges, finer, shape)
    trace.show("preprocess.orientation", field)
    mask = segmentation.segment(quality, energy, field, settings)
    trace.show("preprocess.mask", mask)
    return RidgeMap(
        settings.block,
        mask,
        field,
        grid.spread(closeness, finer, shape) * mask,
        quality * mask,
    )
