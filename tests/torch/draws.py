"""draws.py -- what a random layer is: its form, what decks deal out, its shape and attributes.

A form is an op, or an op whose attributes make another layer of it. Forms, and what DECKS names, are dealt like cards,
so that all come up in as few kinds of cases as can be; the rest is drawn.
"""
import random

import numpy as np

from layers import EVAL, INFINITY, LAYERS, TRAIN, WEIGHED, channel
from library import SLOTS
from storage import TYPES

BEFORE, AFTER = 1, 2
LAYOUTS = ('dense', 'channels last', 'cropped')
GRADIENTS = ('dx', 'dgamma', 'dbeta', 'dresidual')

# In evaluation no gradient goes through the statistics, which are the running ones or in the call.
FORMS = {'batchnorm': {'mode': TRAIN}, 'batchnorm eval': {'mode': EVAL}, 'batchnorm frozen': {'mode': EVAL, 'given': 1},
         **{op: {} for op in LAYERS if op != 'batchnorm'}}
CENTRED = ('batchnorm', 'layernorm', 'groupnorm', 'instancenorm', 'mvn')
# The forms that can have it, and the cards. 'saved' statistics go from forward to backward.
DECKS = {'types': (FORMS, (('f32', 'f32'), ('f32', 'f32'), ('f16', 'f16'), ('bf16', 'bf16'), ('f32', 'bf16'),
                           ('f16', 'f32'))),
         'statistics': (CENTRED + ('rmsnorm', 'l2norm', 'lpnorm'), ('made', 'saved', 'given')),
         'ddof': (CENTRED, (0, 1)),
         'params': ([form for form in FORMS if form.split()[0] in WEIGHED], ('f32', 'f32', 'f16', 'bf16')),
         'accumulate': (FORMS, ((), (), GRADIENTS, ('dx', 'dbeta'), ('dgamma', 'dresidual'))),
         'act': (FORMS, (0, 0, 0, 1, 2, 3, 4, 5)),
         'residual': (FORMS, (0, 0, 0, BEFORE, AFTER))}


def f32(v):
    """Numbers of a descriptor are f32."""
    return float(np.float32(v))


def dealt(seed, what, k, deck):
    """The k-th card, of a deck that is shuffled anew whenever it has been dealt out."""
    cards = list(deck)
    random.Random('%d %s %d' % (seed, what, k // len(cards))).shuffle(cards)
    return cards[k % len(cards)]


def draw_cards(seed, k, forms):
    """The form of the k-th kind, and its card of each deck, which goes round the forms that can have it."""
    form, cards = dealt(seed, 'form', k, forms), {}
    for what, (able, deck) in DECKS.items():
        takers = [taker for taker in forms if taker in able]
        if form in takers:
            cards[what] = dealt(seed, what, k // len(forms) * len(takers) + takers.index(form), deck)
    return form, cards


def draw_shape(kind, r, op):
    """At least four elements in a set, so that a gradient is not all cancellation."""
    ndim = kind.choice((4, 4, 4, 5, 3, 2))
    if op in ('instancenorm', 'grn', 'mvn', 'lrn') and ndim == 2:
        ndim = 4
    n, c = r.choice((1, 2, 3, 5)), kind.choice((4, 6, 8, 12, 17, 32))
    space = [r.choice((2, 3, 5, 8, 16, 40)) for _ in range(3)]
    return {2: (n + 4, c), 3: (c, *space[:2]), 4: (n, c, *space[:2]), 5: (n, c, *space)}[ndim]


def draw_axes(r, shape):
    """0 is all of a sample; else the channel, the last axis if it has four elements, a sample's axes."""
    ndim, c = len(shape), channel(len(shape))
    last = 1 << ndim - 1 if shape[-1] >= 4 else 0
    return r.choice((0, 1 << c, last, (1 << ndim) - 1 - (1 if c else 0)))


def draw_attrs(r, op, shape):
    """The op's own attributes."""
    ndim, c = len(shape), shape[channel(len(shape))]
    attrs = {'eps': f32(r.choice((1e-6, 1e-5, 1e-3, 0.1)))}
    if op == 'batchnorm':
        attrs.update(momentum=f32(r.choice((0.1, 0.25, 1.0))))
    if op in ('layernorm', 'rmsnorm', 'l2norm', 'lpnorm'):
        attrs.update(axes=draw_axes(r, shape))
    if op == 'rmsnorm':
        attrs.update(zero_centred=r.choice((0, 1)))
    if op == 'groupnorm':
        attrs.update(groups=r.choice([g for g in range(1, c + 1) if c % g == 0 and c // g >= (4 if ndim == 2 else 1)]))
    if op == 'lpnorm':
        attrs.update(p=r.choice((1.0, 2.0, 3.0, 2.5, INFINITY)))
    if op == 'mvn':
        attrs.update(eps_inside=r.choice((0, 1)))
    if op == 'lrn':
        window = r.choice((1, 3, 4, 5, 8))
        attrs = {'window': window, 'lean': 1 - window % 2, 'alpha': f32(r.choice((1e-4, 0.5))), 'beta': 0.75,
                 'k': r.choice((1.0, 2.0))}
    return attrs


def draw_common(r, op, cards):
    """What clnorm_layer adds, and ddof."""
    attrs = {'act': cards['act'], 'slope': 0.125, 'residual': cards['residual'],
             'accumulate': sum(1 << SLOTS.index(slot) for slot in cards['accumulate'])}
    if cards.get('statistics') == 'given':
        attrs.update(given=1)
    if 'ddof' in cards:
        attrs.update(ddof=cards['ddof'])
    if op in WEIGHED:
        kinds = {'batchnorm': (0, 0, 3), 'grn': (0, 2, 3)}.get(op, (0, 0, 1, 2, 3))
        attrs.update(affine=r.choice(kinds), param_dtype=TYPES[cards['params']].code)
    return attrs
