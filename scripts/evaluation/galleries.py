"""Who is enrolled and who is searched for; and galleries of any size, filled with distractors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.errors import GalleryError
from engine.formats.manifest import parse_position
from engine.index.gallery import Entry, Gallery
from engine.types import Template
from evaluation.prints import Print


@dataclass(frozen=True, slots=True)
class Probe:
    """One impression of each finger of a person, to be searched for at once.

    person: the mate's name in the gallery. unit: the finger, or the person of several fingers,
    that resampling draws. templates: none where nothing could be extracted.
    """

    name: str
    person: str
    unit: str
    templates: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class Roster:
    """enrolled: (person, template) of each print for the gallery. probes: all later ones."""

    enrolled: tuple[tuple[str, Template], ...]
    probes: tuple[Probe, ...]

    @property
    def persons(self) -> int:
        """How many persons are enrolled."""
        return len({person for person, _ in self.enrolled})


def enlist(prints: Sequence[Print], per_person: int = 1, positions: bool = False) -> Roster:
    """The first impression of every finger is enrolled, all others are probes.

    per_person: fingers of a person. 1: each finger is a person of its own. More: fingers are named
    <person>_<finger>, go together in the order of their names, and a probe is one later
    impression of the same name of each; fingers left over are left out. positions: whether <finger>
    is a finger position that everyone knows. ValueError where no person has so many fingers, or
    <finger> is no position.
    """
    fingers: dict[str, list[Print]] = {}
    for each in prints:
        fingers.setdefault(each.finger, []).append(_placed(each) if positions else each)
    persons: dict[str, list[str]] = {}
    for finger in fingers:
        person = finger.rpartition("_")[0] if per_person > 1 else finger
        persons.setdefault(person, []).append(finger)
    enrolled, probes = [], []
    for unit, own in persons.items():
        for at in range(0, len(own) - per_person + 1, per_person):
            group = [fingers[finger] for finger in own[at : at + per_person]]
            person = _together(own[at : at + per_person])
            enrolled += [(person, first.template) for first, *_ in group if first.template]
            probes += _probes(person, unit, group)
    if not enrolled or not probes:
        raise ValueError(
            f"no person has {per_person} fingers with two impressions of the same names: files "
            "are named <person>_<finger>_<impression>.<ext>"
        )
    return Roster(tuple(enrolled), tuple(probes))


def fill(distractors: Sequence[Path], roster: Roster, persons: int) -> list[Gallery]:
    """Galleries of so many persons together: the roster's in the first, and the first distractors.

    distractors: saved galleries, used in their order. Raises GalleryError where they hold too
    few persons or one of the roster's names, and where one cannot be read.
    """
    galleries, room = [], persons - roster.persons
    for path in distractors:
        if room > 0:
            galleries.append(Gallery.load(path))
            keep_first(galleries[-1], room)
            room -= galleries[-1].person_count
    if room:
        raise GalleryError(
            f"a gallery of {persons} persons cannot be made of {roster.persons} and "
            f"{persons - roster.persons - max(room, 0)} distractors: give another --size or "
            "more --distractors"
        )
    galleries = galleries or [Gallery("enrolled")]
    enrol(galleries[0], roster)
    return galleries


def keep_first(gallery: Gallery, persons: int) -> None:
    """Removes everyone but the first `persons` persons."""
    gone = np.ones(len(gallery), np.bool_)
    gone[gallery.prints_of(np.arange(min(persons, gallery.person_count)))] = False
    gallery.remove(gallery.template_ids[gone].tolist())


def enrol(gallery: Gallery, roster: Roster) -> None:
    """Adds the roster's persons. GalleryError where one of them is there already."""
    names = {person for person, _ in roster.enrolled}
    if both := names.intersection(gallery.persons):
        raise GalleryError(f"{gallery.name} has a person {min(both)} already: is it of this set?")
    free = int(gallery.template_ids.max(initial=0)) + 1
    gallery.add([Entry(free + i, *who) for i, who in enumerate(roster.enrolled)])


def _probes(person: str, unit: str, group: list[list[Print]]) -> list[Probe]:
    """One probe for each later impression of the first finger that all the others have."""
    (_, *later), *others = group
    named = [{each.impression: each for each in finger[1:]} for finger in others]
    return [
        Probe(
            f"{person}_{each.impression}",
            person,
            unit,
            tuple(
                one.template for one in (each, *(n[each.impression] for n in named)) if one.template
            ),
        )
        for each in later
        if all(each.impression in finger for finger in named)
    ]


def _together(fingers: Sequence[str]) -> str:
    """The name of some fingers of one person: 101_4 and 101_5 are 101_4+5."""
    first, *others = fingers
    return "+".join([first, *(other.rpartition("_")[2] for other in others)])


def _placed(each: Print) -> Print:
    if each.template is None:
        return each
    position = parse_position(each.finger.rpartition("_")[2])
    return replace(each, template=replace(each.template, position=position))
