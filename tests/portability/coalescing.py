#!/usr/bin/env python3
"""coalescing.py -- what the accesses of GPU kernels to memory cost, counted under Oclgrind.

usage: coalescing.py COALESCE [--freeze] [--doc FILE [--write]] [--tools DIRECTORY] [--cache DIRECTORY]

COALESCE is the program of coalesce.c; coalescing.cc, the model, is compiled to --cache first. Loads and stores are the
bytes that are asked for in hundredths of those of the sectors they touch, bank cycles those of a request to local
memory where 1 has no conflict; of the worst launch of a kernel with at least LEAST_REQUESTS requests, loads and stores
of those that walk tensors. Known violations, --freeze and --doc are those of offline.py. Exit 0, 1, or 77 where a tool is missing.
"""
import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile

import compilers
from known import LEAST, MOST, WALKS, Known, Target, document, report, text_of

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET, WHICH = 'warp32', 'model'
LEAST_REQUESTS = 64
LIMITS = {('global', 'load'): ('loads', (LEAST, 80)), ('global', 'store'): ('stores', (LEAST, 80)),
          ('local', 'load'): ('load cycles', (MOST, 2)), ('local', 'store'): ('store cycles', (MOST, 2))}
METRICS = [metric for metric, _ in LIMITS.values()]
LLVM = '/usr/lib/llvm-14'


def plugin(args):
    """The model, compiled for this Oclgrind; its path and what it depends on."""
    headers = os.path.join(args.tools, 'usr/include')
    version = compilers.package(args.tools, 'liboclgrind-dev')
    if not os.path.exists(os.path.join(LLVM, 'include/llvm')):
        raise compilers.Missing('llvm-14-dev is not installed')
    source = os.path.join(HERE, 'coalescing.cc')
    with open(source, 'rb') as file:
        path = os.path.join(args.cache, 'coalescing-%s.so' % hashlib.sha256(file.read()).hexdigest()[:16])
    if not os.path.exists(path):
        folders = [headers, os.path.join(headers, 'oclgrind'), os.path.join(LLVM, 'include')]
        compilers.run([compilers.find('c++'), '-O2', '-w', '-std=c++17', '-fno-rtti', '-shared', '-fPIC',
                       *('-I' + folder for folder in folders), source, '-o', path, '-L' + os.path.join(LLVM, 'lib'),
                       '-lLLVM-14'])
    return path, version


def launches(args, path):
    """(kernel, memory, direction, requests, bytes, bytes of sectors, cycles) of every launch."""
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, 'log')
        compilers.run([compilers.find('oclgrind'), '--local-mem-size', '65536', '--plugins', path, args.program], 3600,
                      env=dict(os.environ, COALESCING_LOG=log))
        with open(log) as file:
            return [(*line.split('\t')[:3], *map(int, line.split('\t')[3:])) for line in file]


def judge(target, rows):
    """A kernel is of an op: the first word of its name."""
    for kernel, memory, direction, requests, wanted, moved, cycles in rows:
        op, stage = re.match(r'([a-z0-9]+)_(\w+)$', kernel).groups()
        if requests < LEAST_REQUESTS:
            continue
        if memory == 'global' and stage not in WALKS:
            continue
        metric, limit = LIMITS[memory, direction]
        number = 100.0 * wanted / moved if memory == 'global' else cycles / requests
        target.hold(op, stage, {metric: limit}, {metric: round(number, 2)})


def tables(target, known):
    lines = ['| stage | ' + ' | '.join(METRICS) + ' | why |', '|---' * (2 + len(METRICS)) + '|']
    for stage in sorted({stage for stage, _ in target.worst}):
        found = [target.worst.get((stage, metric)) for metric in METRICS]
        why = [known.why(target.family, m, stage) for m, number in zip(METRICS, found) if number]
        lines.append('| `%s` | ' % stage + ' | '.join(text_of(f[0]) + ' ' + f[1] if f else '-' for f in found) +
                     ' | %s |' % '; '.join(sorted({text for text in why if text})))
    return ['%d numbers of launches, with %s.' % (target.kernels, target.version), '', *lines]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('program')
    parser.add_argument('--freeze', action='store_true')
    parser.add_argument('--doc')
    parser.add_argument('--write', action='store_true')
    parser.add_argument('--tools', default=os.path.expanduser('~/.cache/clnorm-portability'))
    parser.add_argument('--cache', default=os.path.expanduser('~/.cache/clnorm-offline'))
    args = parser.parse_args()
    os.makedirs(args.cache, exist_ok=True)
    known = Known()
    try:
        path, version = plugin(args)
        if not args.freeze and known.tools.get((WHICH, TARGET)) != version:
            raise compilers.Missing(known.other(WHICH, TARGET, version))
        target = Target(TARGET, WHICH, version)
        judge(target, launches(args, path))
    except compilers.Missing as missing:
        print('skipped: %s: %s\n0 passed, 0 failed, 1 skipped' % (TARGET, missing))
        return 77
    except (compilers.Failed, subprocess.TimeoutExpired) as error:
        print('not ok %s: %s\n0 passed, 1 failed, 0 skipped' % (TARGET, error))
        return 1
    target.programs = target.kernels
    failed = report(target, [] if args.freeze else known.judge(WHICH, target, True), METRICS)
    if args.freeze:
        known.freeze(WHICH, [target])
    if args.doc and not document(args.doc, 'coalescing.py', tables(target, known), args.write):
        print('not ok %s is not what has been found: --write writes it' % args.doc)
        failed += 1
    print('%d passed, %d failed, 0 skipped' % (target.kernels - failed, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
