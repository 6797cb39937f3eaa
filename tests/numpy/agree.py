#!/usr/bin/env python3
"""agree.py -- the command against NumPy in float64, through files, as its users see it.

usage: agree.py CLNORM [--seed N] [--photo FILE] [--device DEV]

Runs `CLNORM run OP [options] in.npy out.npy` for every op, input and output type, layout and scope, on small
arrays, ordinary and hostile, and compares with the formulas of SEMANTICS section 1 within the bounds of its
section 4: |got - want| <= bound * max(1, |want|, S), 5e-7 on ordinary and 1e-6 on hostile data; f16 and bf16
also pass within one unit in the last place, integers one step off where the unrounded want is within the bound
of a tie. Counts, minima, maxima and the moments of integers are exact. Numbers on the command line are f32
there, so here too.

Images go through Pillow, and through torchvision where there is one. Needs numpy. Stops at the first failure
with exit 1; the last line is always "N passed, N failed, N skipped".
"""
import argparse
import collections
import os
import subprocess
import sys
import tempfile

import numpy as np

from cases import all_cases
from formulas import FORMULAS, PRESETS, STORED, Near, from_file, to_file, widen

PHOTO = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../examples/photo/astronaut.jpg')
ORDINARY, HOSTILE = 5e-7, 1e-6


class Failure(Exception):
    """What went wrong, in words."""


# ---- the error measure ---------------------------------------------------------------------------------------

def wrong(dtype, got, want, s, bound):
    """True where got is not want, by the measure of the first paragraph."""
    room = bound * np.maximum(np.maximum(1.0, abs(want)), np.where(np.isfinite(s), s, 0.0))
    if dtype in ('u8', 's8'):
        limits = np.iinfo(STORED[dtype])
        rounded = np.clip(np.rint(np.where(np.isnan(want), 0.0, want)), limits.min, limits.max)
        tie = (abs(got - rounded) == 1) & (abs(want - (got + rounded) / 2) <= room)
        return (got != rounded) & ~tie
    digits, least, most = {'f32': (24, -126, 127), 'f16': (11, -14, 15), 'bf16': (8, -126, 127)}[dtype]
    edge = (2 - 2.0 ** -digits) * 2.0 ** most  # from here on rounds to infinity
    last = np.maximum(np.frexp(want)[1] - 1, least) - (digits - 1)
    ulp = np.where(np.isfinite(want), np.ldexp(1.0, np.where(np.isfinite(want), last, 0)), 0.0)
    close = abs(got - want) <= (room if dtype == 'f32' else np.maximum(room, ulp))
    at_edge = (abs(abs(want) - edge) <= room) & np.isfinite(want)
    infinite = np.isinf(got) & (np.sign(got) == np.sign(want)) & ((abs(want) >= edge) | at_edge)
    finite = np.isfinite(got) & close & ((abs(want) < edge) | at_edge)
    return ~(infinite | finite | (np.isnan(got) & np.isnan(want)))


def first_wrong(got, bad, want):
    at = tuple(int(k) for k in np.argwhere(bad)[0])
    return 'index=%s got=%r want=%r' % (at, float(got[at]), float(np.broadcast_to(want, got.shape)[at]))


# ---- one run of the command ----------------------------------------------------------------------------------

class Runner:
    def __init__(self, command, device, folder):
        self.command, self.folder = command, folder
        self.device = ['--device', device] if device else []

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, op, words, source, target):
        line = [self.command, 'run', op] + words + self.device + [source, target]
        done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            raise Failure('exit %d: %s\n  %s' % (done.returncode, ' '.join(line), done.stderr.strip()))

    def check(self, case):
        y, s, extra = case.want()
        words = case.words()
        for name, value in case.given.items():
            np.save(self.path(name + '_in.npy'), to_file(value, case.layout))
            words += ['--in', '%s=%s' % (name, self.path(name + '_in.npy'))]
        for name in extra:
            words += ['--out', '%s=%s' % (name, self.path(name + '.npy'))]
        np.save(self.path('x.npy'), to_file(case.x, case.layout))
        self.run(case.op, words, self.path('x.npy'), self.path('y.npy'))
        got = np.load(self.path('y.npy'))
        if got.dtype != STORED[case.y_type()]:
            raise Failure('y is %s, not %s' % (got.dtype, case.y_type()))
        got = from_file(widen(got, case.y_type()), case.y_layout())
        bound = HOSTILE if case.hostile else ORDINARY
        values = self.compare('y', got, y, case.y_type(), s, bound)
        for name, value in extra.items():
            got = from_file(np.load(self.path(name + '.npy')).astype(np.float64), case.layout)
            scale = value.scale if isinstance(value, Near) else None
            values += self.compare(name, got, value.want, 'f32', scale, bound)
        return values

    @staticmethod
    def compare(name, got, want, dtype, s, bound):
        if got.shape != want.shape:
            raise Failure('%s has shape %s, not %s' % (name, got.shape, want.shape))
        with np.errstate(all='ignore'):
            bad = (got != want) & ~(np.isnan(got) & np.isnan(want)) if s is None else wrong(dtype, got, want, s, bound)
        if bad.any():
            raise Failure('%s: %d of %d wrong, %s' % (name, bad.sum(), bad.size, first_wrong(got, bad, want)))
        return got.size


# ---- image files ---------------------------------------------------------------------------------------------

def picture(rng, folder):
    """A smooth scene with some noise, saved as a photo and losslessly."""
    from PIL import Image
    h, w = np.mgrid[0:120, 0:161]
    waves = [127 + 90 * np.sin(h / a + c) * np.cos(w / b) for a, b, c in ((17, 23, 0), (29, 13, 1), (11, 37, 2))]
    pixels = np.clip(np.stack(waves, -1) + rng.normal(0, 6, (120, 161, 3)), 0, 255).astype(np.uint8)
    names = [os.path.join(folder, name) for name in ('photo.jpg', 'photo.png')]
    for name in names:
        Image.fromarray(pixels).save(name)
    return names


def check_image(runner, name):
    """normalize of an image file against ToTensor and Normalize; in float32, so twice the bound."""
    from PIL import Image
    image = Image.open(name).convert('RGB')
    mean, std = PRESETS['imagenet']
    try:
        from torchvision import transforms
        want = transforms.Normalize(mean, std)(transforms.ToTensor()(image)).numpy()[None]
    except ImportError:
        x = np.asarray(image).transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255)
        want = (x - np.float32(mean).reshape(1, 3, 1, 1)) / np.float32(std).reshape(1, 3, 1, 1)
    runner.run('normalize', [], name, runner.path('y.npy'))
    got = np.load(runner.path('y.npy'))
    return runner.compare('y', got.astype(np.float64), want.astype(np.float64), 'f32', np.zeros(1), 2 * ORDINARY)


def image_checks(runner, rng, photo, seed):
    """Passed and skipped."""
    try:
        names = picture(rng, runner.folder) + ([photo] if os.path.exists(photo) else [])
    except ImportError as why:
        print('skipped: image files, for want of Pillow (%s)' % why)
        return 0, 1
    try:
        import torchvision
        print('images: against torchvision', torchvision.__version__)
        skipped = 0
    except ImportError as why:
        print('skipped: torchvision itself (%s); its arithmetic in NumPy float32 stands in' % why)
        skipped = 1
    for name in names:
        try:
            check_image(runner, name)
        except Failure as why:
            raise Failure('op=normalize input=%s seed=%d %s' % (os.path.basename(name), seed, why)) from None
    print('%-12s %4d runs' % ('images', len(names)))
    return len(names), skipped


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('command')
    parser.add_argument('--seed', type=int, default=20240229)
    parser.add_argument('--photo', default=PHOTO, help='an image file to check as well (%(default)s)')
    parser.add_argument('--device')
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    print('seed', args.seed)
    runs, values = collections.Counter(), collections.Counter()
    passed = failed = skipped = 0
    with tempfile.TemporaryDirectory(prefix='clnorm-agree-') as folder:
        runner = Runner(args.command, args.device, folder)
        try:
            for case in all_cases(rng):
                try:
                    values[case.op] += runner.check(case)
                except Failure as why:
                    raise Failure('op=%s options=%s seed=%d %s' % (case.op, case, args.seed, why)) from None
                runs[case.op] += 1
            passed, skipped = image_checks(runner, rng, args.photo, args.seed)
        except (Failure, OSError, ValueError, subprocess.TimeoutExpired) as why:
            print('FAIL', why)
            failed = 1
    for op in FORMULAS:
        print('%-12s %4d runs %9d values' % (op, runs[op], values[op]))
    print('%d passed, %d failed, %d skipped' % (passed + sum(runs.values()), failed, skipped))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
