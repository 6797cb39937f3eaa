#!/usr/bin/env python3
"""offline.py -- every kernel that a GPU can launch, through the compilers of GPUs that are not here.

usage: offline.py UNITS [--targets NAME,..] [--units REGEX] [--change] [--twins] [--freeze] [--doc FILE [--write]]
                  [--kernels DIRECTORY] [--tools DIRECTORY] [--cache DIRECTORY] [--jobs N]

UNITS is the program of units.c. Each kernel is held to LIMITS. What is beyond is known, or it is an error: known.txt
says per stage (a kernel without its op), number and target the worst there is, which must be exactly what is found, and
for each a reason. --change takes a few programs and five targets, in less than a minute; --targets some, or families of
them; --units some programs, of which only what is worse than known is an error. Programs of buffers that are not
aligned are left out where there are others of aligned ones (--twins takes them, and compares only for worse). --freeze
writes what was found to known.txt, --doc compares the tables of FILE with it, or writes them. --kernels is a copy of
cl/ to take instead. Results are kept in --cache by what they depend on.
Exit 0, 1 where something is beyond the limits and not known, or known and not so; 77 where a target has no tools here,
or others than those of the numbers. The last line is always "N passed, N failed, N skipped": programs, once per target.
"""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

import compilers
from known import LEAST, MOST, WALKS, Known, Target, document, report, text_of

# What a kernel may take. `load` must be what its unit says, in the stages that walk tensors.
LIMITS = {
    'amd': {'registers': (MOST, 64), 'spills': (MOST, 0), 'scalar spills': (MOST, 0), 'stack': (MOST, 0),
            'local': (MOST, 32768)},
    'nvidia': {'registers': (MOST, 64), 'spills': (MOST, 0), 'stack': (MOST, 0), 'local': (MOST, 32768)},
    'intel': {'simd': (LEAST, 16), 'spills': (MOST, 0), 'stack': (MOST, 0), 'local': (MOST, 32768)},
}
FAMILIES = {family: [name for name, c in compilers.TARGETS.items() if c.family == family] for family in LIMITS}
METRICS = ('registers', 'simd', 'spills', 'scalar spills', 'stack', 'local', 'load', 'pixel load')

# Intel's compiler tries each width in turn, ten seconds a program: there it is one of each kind.
FAMILY_UNITS = {'intel': r'^(zscore\.photos|normalize\.photos-u8|batchnorm\.images|grn\.images|lrn\.images|'
                         r'layernorm\.(rows|over-c|images-last)|iternorm\.images|spectralnorm\.weights|whiten\.whiten)'
                         r'\.(forward|dx|params)(\.wide)?$'}

# One of each family of schedules: what a change to cl/ is most likely to break, on these targets.
CHANGE_TARGETS = ('gfx906', 'gfx1030', 'sm_80', 'sm_90', 'tgllp')
CHANGE_UNITS = ('normalize.photos-u8.forward.wide', 'layernorm.rows.forward.wide', 'layernorm.over-c.forward.wide')


# ---- units -----------------------------------------------------------------------------------------------------

class Unit:
    """A program: text, options, and the kernels that are launched, each with the bytes that its loads should take."""

    def __init__(self, line, folder):
        self.name, file, kernels, options = line.rstrip('\n').split('\t')
        self.op, self.source, self.all_options = file[:-3], os.path.join(folder, file), options.split()
        self.load = 'load' if '-DXSTEP=1' in self.all_options else 'pixel load'
        self.loads = collections.defaultdict(int)
        for kernel in kernels.split(','):
            stage, load = kernel[len(self.op) + 1:].split(':')
            self.loads[stage] = max(self.loads[stage], int(load))

    def options(self, subgroups):
        """What a plan passes to a device that has sub-groups, or has none."""
        return [option for option in self.all_options if subgroups or not option.startswith('-DSUBGROUP=')]

    def text(self, options):
        """What a compiler sees, without the op's name: ops that are the same code are compiled once."""
        plain = compilers.run(['clang-15', '-E', '-P', '-x', 'cl', *options, self.source])
        return re.sub(r'\b%s_' % self.op, 'op_', plain)


def read_units(program, folder, kernels):
    subprocess.run([program, folder, *kernels], check=True, timeout=120)
    with open(os.path.join(folder, 'units.tsv')) as file:
        return [Unit(line, folder) for line in file]


def chosen(units, args):
    names = {unit.name for unit in units}
    if args.change:
        return [unit for unit in units if unit.name in CHANGE_UNITS]
    return [unit for unit in units if re.search(args.units, unit.name) and
            (args.twins or unit.name + '.wide' not in names)]


def alike(units, subgroups):
    """Units in lists of those that are the same code, by the hash of it."""
    groups = collections.defaultdict(list)
    for unit in units:
        options = unit.options(subgroups)
        code = '%s\n%s' % (unit.text(options), [o for o in options if not o.startswith('-D')])
        groups[hashlib.sha256(code.encode()).hexdigest()].append(unit)
    return groups


def of_family(groups, family):
    pattern = FAMILY_UNITS.get(family, '')
    taken = {code: [unit for unit in units if re.search(pattern, unit.name)] for code, units in groups.items()}
    return {code: units for code, units in taken.items() if units}


# ---- compiling -------------------------------------------------------------------------------------------------

def measured(cache, compiler, code, unit):
    """{stage: {metric: number}} of all kernels of a program, from the cache or a compiler."""
    key = '%s %s %s%s' % (compiler.target, compiler.version, compiler.reader, code)
    path = os.path.join(cache, hashlib.sha256(key.encode()).hexdigest() + '.json')
    if os.path.exists(path):
        with open(path) as file:
            return json.load(file)
    kernels = compiler.compile(unit.source, unit.options(compiler.subgroups))
    found = {name[len(unit.op) + 1:]: kernel for name, kernel in kernels.items() if name.startswith(unit.op + '_')}
    with tempfile.NamedTemporaryFile('w', dir=cache, delete=False) as file:
        json.dump(found, file)
    os.replace(file.name, path)
    return found


def take(target, unit, found):
    """A unit's kernels, in the numbers of its program."""
    for stage, load in unit.loads.items():
        if stage not in found:
            target.failures.append('%s: there is no kernel %s' % (unit.name, stage))
            continue
        limits, numbers = dict(LIMITS[target.family]), dict(found[stage])
        if load and stage in WALKS and 'load' in numbers:
            limits[unit.load] = (LEAST, load)
            numbers[unit.load] = numbers['load']
        target.hold(unit.name, stage, limits, numbers)


def compile_all(compiler, groups, args):
    target = Target(compiler.target, compiler.family, compiler.version)

    def one(item):
        code, units = item
        try:
            return units, measured(args.cache, compiler, code, units[0])
        except (compilers.Failed, subprocess.TimeoutExpired) as error:
            return units, error

    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for units, found in pool.map(one, groups.items()):
            for unit in units:
                target.programs += 1
                if isinstance(found, Exception):
                    target.failures.append('%s: %s' % (unit.name, found))
                else:
                    take(target, unit, found)
    return target


# ---- the tables ------------------------------------------------------------------------------------------------

def limit_text(family, metric):
    if 'load' in metric:
        return 'as the type' if family != 'intel' else '-'
    way, limit = LIMITS[family].get(metric, (None, None))
    return '-' if way is None else '%s %d' % ('at least' if way is LEAST else 'at most', limit)


def tables(targets, skipped, known):
    lines = ['| target | programs | kernels | ' + ' | '.join(METRICS) + ' |', '|---' * (3 + len(METRICS)) + '|']
    for family in LIMITS:
        lines.append('| *%s: limits* | | | ' % family +
                     ' | '.join('*%s*' % limit_text(family, m) for m in METRICS) + ' |')
        for t in targets:
            if t.family != family:
                continue
            cells = ['-' if m not in t.ends else text_of(t.ends[m]) + (' (%d)' % t.beyond[m] if t.beyond[m] else '')
                     for m in METRICS]
            lines.append('| %s | %d | %d | ' % (t.name, t.programs, t.kernels) + ' | '.join(cells) + ' |')
    lines += ['| %s | skipped: %s |' % pair + ' |' * (1 + len(METRICS)) for pair in skipped]
    lines += ['', '## Known to be beyond the limits', '']
    stages, reasons = collections.defaultdict(dict), []
    for t in targets:
        for (stage, metric), (number, _, _) in t.worst.items():
            stages[t.family, metric, stage][t.name] = text_of(number)
    for family in LIMITS:
        names = [t.name for t in targets if t.family == family]
        rows = [(m, s, stages[family, m, s]) for m in METRICS for (f, n, s) in sorted(stages) if (f, n) == (family, m)]
        if not rows:
            continue
        lines += ['| %s | stage | ' % family + ' | '.join(names) + ' | why |', '|---' * (len(names) + 3) + '|']
        for metric, stage, numbers in rows:
            why = known.why(family, metric, stage)
            reasons += [why] if why not in reasons else []
            lines.append('| %s | `%s` | ' % (metric, stage) + ' | '.join(numbers.get(name, '-') for name in names) +
                         ' | %d |' % (1 + reasons.index(why)))
        lines.append('')
    lines += ['%d. %s' % pair for pair in enumerate(reasons, 1)]
    lines += ['', '## With', '', *('- %s: %s' % (t.name, t.version) for t in targets), '']
    return lines


# ---- all -------------------------------------------------------------------------------------------------------

def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument('program')
    parser.add_argument('--targets', default='')
    parser.add_argument('--units', default='')
    parser.add_argument('--change', action='store_true')
    parser.add_argument('--twins', action='store_true')
    parser.add_argument('--freeze', action='store_true')
    parser.add_argument('--doc')
    parser.add_argument('--write', action='store_true')
    parser.add_argument('--kernels')
    parser.add_argument('--tools', default=os.path.expanduser('~/.cache/clnorm-portability'))
    parser.add_argument('--cache', default=os.path.expanduser('~/.cache/clnorm-offline'))
    parser.add_argument('--jobs', type=int, default=1)
    return parser.parse_args()


def present(names, which, known, args):
    """The compilers that are here, and why others are not."""
    found, skipped = [], []
    for name in names:
        try:
            compiler = compilers.TARGETS[name](name, args.tools)
            if not args.freeze and known.tools.get((which, name)) != compiler.version:
                raise compilers.Missing(known.other(which, name, compiler.version))
            found.append(compiler)
        except compilers.Missing as missing:
            print('skipped: %s: %s' % (name, missing), flush=True)
            skipped.append((name, missing))
    return found, skipped


def main():
    args = arguments()
    known, which = Known(), 'change' if args.change else 'all'
    names = args.targets.split(',') if args.targets else CHANGE_TARGETS if args.change else list(compilers.TARGETS)
    names = [name for given in names for name in FAMILIES.get(given, [given])]
    found, skipped = present(names, which, known, args)
    targets, failed = [], 0
    os.makedirs(args.cache, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        units = chosen(read_units(args.program, folder, [args.kernels] if args.kernels else []), args)
        groups = {subgroups: alike(units, subgroups) for subgroups in {compiler.subgroups for compiler in found}}
        for compiler in found:
            target = compile_all(compiler, of_family(groups[compiler.subgroups], compiler.family), args)
            exact = not (args.units or args.twins)
            wrong = target.failures if args.freeze else known.judge(which, target, exact)
            failed += report(target, wrong, METRICS)
            targets.append(target)
    if args.freeze:
        known.freeze(which, targets)
    lines = tables(targets, skipped, known)
    if args.doc and (args.write or not skipped) and not document(args.doc, 'offline.py', lines, args.write):
        print('not ok %s is not what has been found: --write writes it' % args.doc)
        failed += 1
    passed = sum(target.programs for target in targets) - failed
    print('%d passed, %d failed, %d skipped' % (passed, failed, len(skipped) * len(units)))
    return 1 if failed else 77 if skipped else 0


if __name__ == '__main__':
    sys.exit(main())
