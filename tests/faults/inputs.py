"""inputs.py -- the files that the scenarios of sweep.py read."""
import json
import shutil
import struct
import zlib


def save(path, shape, values, kind='<f4', code='f'):
    head = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (kind, tuple(shape))
    head += ' ' * ((-len(head) - 11) % 64) + '\n'
    path.write_bytes(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(head)) + head.encode() +
                     struct.pack('<%d%s' % (len(values), code), *values))


def png(path, width, height):
    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    rows = b''.join(b'\0' + bytes((7 * i + 31 * y) % 256 for i in range(3 * width)) for y in range(height))
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)) +
                     chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))


def make_inputs(folder, photo):
    values = [(i * 2654435761 % 1000) / 250 - 2 for i in range(2 * 3 * 8 * 16)]
    save(folder / 'x.npy', (2, 3, 8, 16), values)
    save(folder / 'f64.npy', (1, 3, 8, 16), values[:384], '<f8', 'd')
    save(folder / 'g.npy', (3,), (0.5, 1, 1.5))
    png(folder / 'p.png', 20, 10)
    (folder / 'p.ppm').write_bytes(b'P6 8 4 255\n' + bytes(i * 5 % 256 for i in range(96)))
    (folder / 'hf.json').write_text(json.dumps({'image_mean': [.1, .2, .3], 'image_std': [.5, .5, .25],
                                                'rescale_factor': 1 / 255, 'do_normalize': True}), encoding='utf-8')
    if photo.exists():
        shutil.copy(photo, folder / 'photo.jpg')
