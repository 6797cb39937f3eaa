#!/usr/bin/env python3
"""table.py -- the README's table of ops, from what the command says of them.

usage: table.py CLNORM README.md [--check | VERIFY.json]

Writes the table between the two lines that mark it. Formula, tensors, types and what gives the same come
from `clnorm explain OP --json`, the layouts from whether `clnorm plan` takes them; VERIFY.json is the
output of `clnorm verify --hostile --json` on this machine, and without it what was measured before stays.
--check writes nothing and exits 1 where the README says otherwise than the command; what was measured is
not compared.
"""
import json
import os
import platform
import struct
import subprocess
import sys
import tempfile
import time

HEAD = ('op', 'formula', 'statistic over', 'forward writes', 'backward writes', 'x', 'y', 'channels',
        'gives the same', 'error', "PyTorch's")
MEASURED = 2  # columns at the end
OF_CLBLAST = ('`whiten`', '`iternorm`', '`spectralnorm`')  # which not every build has
OF_MATRIX = 1e-4  # their bound, of ordinary data: verify has no other for them
FIRST, LAST = '<!-- ops: written by docs/table.py -->', '<!-- end of ops -->'


# ---- what the command says --------------------------------------------------------------------------------

def clnorm(*words):
    done = subprocess.run([command, *words], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout


def save(path, dtype):
    """An image of 3 channels, whichever way it is laid out."""
    head = "{'descr': '%s', 'fortran_order': False, 'shape': (1, 3, 3, 3), }" % dtype
    head += ' ' * ((-len(head) - 11) % 64) + '\n'
    size = 27 * int(dtype[2])
    with open(path, 'wb') as file:
        file.write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(head)) + head.encode() + bytes(size))


def layouts(op, about, folder):
    names = [o['name'] for o in about['options']]
    words = ['--groups', '3'] if 'groups' in names else []
    x = os.path.join(folder, 'u8.npy' if 'u8' in about['x_types'] else 'f32.npy')
    if 'whitener' in names:
        words = ['--whitener', os.path.join(folder, 'w.npz')]
        clnorm('fit-whiten', '--eps', '1', x, '-o', words[1])
    taken = [name for name, layout in (('first', 'nchw'), ('last', 'nhwc'))
             if clnorm('plan', op, '--layout', layout, *words, x)[0] == 0]
    return ', '.join(taken)


def facts(op, folder):
    """The row of an op without what is measured."""
    about = json.loads(clnorm('explain', op, '--json')[1])
    back = about.get('backward', {'writes': []})['writes']
    row = ('`%s`' % op, '`%s`' % about['formula'], about['reduces'], ' '.join(about['forward']['writes']),
           ' '.join(back) or '-', ' '.join(about['x_types']), ' '.join(about['y_types']),
           layouts(op, about, folder), about['matches'])
    return [cell.replace('|', '\\|') for cell in row]


def all_facts():
    with tempfile.TemporaryDirectory(prefix='clnorm-table-') as folder:
        save(os.path.join(folder, 'u8.npy'), '|u1')
        save(os.path.join(folder, 'f32.npy'), '<f4')
        return [facts(line.split()[0], folder) for line in clnorm('kernels')[1].splitlines()]


# ---- what was measured ------------------------------------------------------------------------------------

def number(value):
    return '**NaN**' if value is None else '0' if value == 0 else '%.1e' % value


def of_torch(row):
    torch = row['torch']
    if not torch:
        return '-'
    worst = [] if torch['worst'] is None else [number(torch['worst'])]
    return ' or '.join(['**NaN**'] * bool(torch['nan']) + worst)


def measured(path):
    """Both columns by op, forward / backward, and the line under the table."""
    with open(path, encoding='utf-8') as file:
        rows = json.load(file)
    cells, versions = {}, {row['torch']['version'] for row in rows if row['torch']}
    for row in rows:
        op = '`%s`' % row['op']
        ours, theirs = cells.setdefault(op, ([], []))
        matrix = op in OF_CLBLAST
        ours.append(number(row['worst'] * OF_MATRIX if matrix else row['hostile']))
        theirs += [] if matrix else [of_torch(row)]
    device = json.loads(clnorm('list', '--json')[1])[0]
    where = '%s, %s %s' % (device['name'], device['platform'], device['driver'])
    note = ('Measured %s on %s, %s; PyTorch %s; `clnorm verify --hostile --json`, then `docs/table.py`.'
            % (time.strftime('%Y-%m-%d'), where, platform.system(), ', '.join(versions) or '-'))
    return {op: [' / '.join(ours), ' / '.join(theirs) or '-'] for op, (ours, theirs) in cells.items()}, note


# ---- the README -------------------------------------------------------------------------------------------

def cells_of(line):
    cells = line.replace('\\|', '\0').strip('|').split('|')
    return [cell.strip().replace('\0', '\\|') for cell in cells]


def parts(text):
    """What is before the table, the table's rows, the line under it, and what is behind."""
    before, rest = text.split(FIRST + '\n')
    inside, after = rest.split(LAST + '\n')
    table, _, note = inside.strip().partition('\n\n')
    return before, [cells_of(line) for line in table.splitlines()[2:]], note, after


def main():
    global command
    command, path = sys.argv[1:3]
    with open(path, encoding='utf-8') as file:
        before, old, note, after = parts(file.read())
    new = all_facts()
    if sys.argv[3:] == ['--check']:
        there = {row[0] for row in new}
        said = [row[:-MEASURED] for row in old if row[0] in there or row[0] not in OF_CLBLAST]
        for row in new:
            if row not in said:
                print('README.md lacks: %s' % ' | '.join(row))
        sys.exit(said != new)
    cells = {row[0]: row[-MEASURED:] for row in old}
    if sys.argv[3:]:
        cells, note = measured(sys.argv[3])
    lines = [HEAD, ['---'] * len(HEAD)] + [row + cells.get(row[0], ['-'] * MEASURED) for row in new]
    table = '\n'.join('| %s |' % ' | '.join(line) for line in lines)
    with open(path, 'w', encoding='utf-8') as file:
        file.write('%s%s\n\n%s\n\n%s\n%s\n%s' % (before, FIRST, table, note + '\n' * bool(note), LAST, after))


if __name__ == '__main__':
    main()
