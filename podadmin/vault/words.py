"""256 short English words, one for each byte, so that two people can compare a fingerprint over the telephone.

The list was made for this application and is in the public domain. Its order is part of how keys are shown: a word is
never moved, replaced or removed. No two words share their first four letters, so a half-heard word is still told apart.
"""

from __future__ import annotations

_TEXT = """
acid acorn actor adobe agent alarm album alley amber angle ankle apple apron arena armour arrow
atlas attic audio autumn bacon badge bagel baker balcony banjo barrel basin beach beaver bench berry
bicycle birch bishop blanket blossom boiler bonus border bottle branch bread bridge broom bucket buffalo bugle
butter cabin cactus camel canal candle canoe carpet castle cello chalk cherry chimney cider cinema circus
clock cloud clover coast cobalt coffee comet copper coral cotton cousin crane cricket crown crystal cup
daisy dancer desert dice dinner doctor dolphin donkey dragon drum duck eagle earth easel echo eclipse
editor elbow elm ember engine envelope fabric falcon farmer feather fence ferry fiddle finger flag flute
forest fossil fox frost galaxy garden garlic gate giant ginger glacier glove goat gold gravel guitar
hammer harbour hazel helmet heron hill honey horse hotel husk ice igloo ink iron island ivory
jacket jelly jewel jigsaw judge jungle kettle kitchen kiwi knot ladder lagoon lamp lantern lemon letter
library lily linen lizard lobster lotus lumber magnet mango maple marble meadow melon mirror mitten moss
motor muffin museum napkin nectar needle nephew nickel noodle north nutmeg oak oasis ocean olive onion
opera orange orbit otter oven owl oyster paddle palace panda parrot pasta pearl pebble pepper piano
pigeon pillow planet plum pocket poem potato pretzel prism puzzle quail queen quilt rabbit radio rain
raven ribbon river robot rocket rope saddle salmon sandal satin school shadow silver skate slipper snow
spider stable summer tailor tea thunder tiger tomato tulip uncle velvet violin walnut whale yogurt zebra
"""
WORDS: tuple[str, ...] = tuple(_TEXT.split())


def in_words(digest: bytes, count: int = 6) -> str:
    """The first `count` bytes of a digest as words joined by hyphens, such as `oak-river-lamp-tiger-plum-atlas`."""
    return "-".join(WORDS[byte] for byte in digest[:count])
