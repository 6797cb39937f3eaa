#!/usr/bin/env python3
"""whitening.py -- the picture of docs/whitening.md: patches of a photograph and their covariance, before and after.

usage: whitening.py CLNORM PHOTO.jpg OUT.png

Fits ZCA to patches of 8x8 pixels of the photograph (`clnorm fit-whiten`), whitens them (`clnorm run whiten`), and draws
what went in and what came out. Needs numpy.
"""
import os
import struct
import subprocess
import sys
import tempfile
import zlib

import numpy as np

PATCH, STRIDE, EPS = 8, 4, 1.0
ACROSS, DOWN, ZOOM, GAP = 12, 12, 3, 1  # patches that are shown, and pixels
EDGE, WHITE = 16, 255


def png(path, pixels):
    height, width, _ = pixels.shape

    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    rows = b''.join(b'\0' + row.tobytes() for row in pixels.astype(np.uint8))
    with open(path, 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)) +
                   chunk(b'IDAT', zlib.compress(rows, 9)) + chunk(b'IEND', b''))


def samples(outputs):
    """(1,K,down,across) as rows."""
    return outputs.reshape(outputs.shape[1], -1).T


def sheet(patches, low, high):
    """Some of the patches, from low to high as 0 to 255, enlarged."""
    side = PATCH * ZOOM + GAP
    page = np.full((DOWN * side - GAP, ACROSS * side - GAP, 3), WHITE, np.uint8)
    for i, row in enumerate(patches):
        image = np.clip((row.reshape(3, PATCH, PATCH).transpose(1, 2, 0) - low) / (high - low) * 255, 0, 255)
        y, x = i // ACROSS * side, i % ACROSS * side
        page[y:y + PATCH * ZOOM, x:x + PATCH * ZOOM] = image.repeat(ZOOM, 0).repeat(ZOOM, 1)
    return page


def heat(covariance, size):
    """Blue below 0, white at 0, red above, of the largest entry; as large as a sheet."""
    v = covariance / abs(covariance).max()
    image = np.stack([np.where(v < 0, 1 + v, 1), 1 - abs(v), np.where(v > 0, 1 - v, 1)], 2) * 255
    at = np.arange(size) * len(v) // size
    return image[at][:, at].astype(np.uint8)


def main():
    command, photo, out = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix='clnorm-whitening-') as folder:
        w, y, x = (os.path.join(folder, name) for name in ('w.npz', 'y.npy', 'x.npy'))
        subprocess.run([command, 'fit-whiten', '--samples', 'patches', '--patch', str(PATCH), '--stride', str(STRIDE),
                        '--eps', str(EPS), photo, '-o', w], check=True)
        subprocess.run([command, 'run', 'whiten', '--whitener', w, photo, y], check=True)
        subprocess.run([command, 'run', 'totensor', '--scale', '1', photo, x], check=True)
        image, white = np.load(x)[0], samples(np.load(y))
    windows = np.lib.stride_tricks.sliding_window_view(image, (PATCH, PATCH), (1, 2))[:, ::STRIDE, ::STRIDE]
    before = windows.transpose(1, 2, 0, 3, 4).reshape(len(white), -1)
    shown = np.random.default_rng(3).choice(len(before), ACROSS * DOWN, replace=False)
    pages = [sheet(before[shown], 0, 255), sheet(white[shown], -3, 3)]
    size = pages[0].shape[0]
    pages += [heat(np.cov(before.T), size), heat(np.cov(white.T), size)]
    width = size * 4 + EDGE * 5
    page = np.full((size + 2 * EDGE, width, 3), WHITE, np.uint8)
    for k, part in enumerate([pages[0], pages[2], pages[1], pages[3]]):
        at = EDGE + k * (size + EDGE)
        page[EDGE:EDGE + size, at:at + size] = part
    png(out, page)


if __name__ == '__main__':
    main()
