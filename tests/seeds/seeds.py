#!/usr/bin/env python3
"""seeds.py -- puts one bug of each kind into a copy of the tree, and runs the test that should find it.

    tests/seeds/seeds.py [--only NAME] [--keep DIR] [--stale]

A line a seed: found, with what the test said, or MISSED, or STALE where the text to change is not there. Exit 1 but where
all are found, and where a test fails without a bug. Minutes; needs cmake, gcc with its sanitizers, Check, PoCL and Oclgrind.
With --stale it looks for the texts alone, at once.
"""
import argparse
import filecmp
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@dataclass(frozen=True)
class Seed:
    name: str
    file: str
    old: str            # however it is broken into lines, macros' too
    new: str
    test: str           # of ctest
    targets: str        # what that needs, for ninja
    build: str = 'plain'  # or tsan


SEEDS = [
    Seed('leak', 'src/plan/stage.c',
         '            clReleaseKernel(kernels->stage[i].k);\n', '            continue;\n', 'faults', 'all'),
    Seed('unchecked error', 'src/plan/stage.c',
         '    CLN_CL(clEnqueueNDRangeKernel(c->queue', '    (void)(clEnqueueNDRangeKernel(c->queue', 'faults', 'all'),
    Seed('race', 'src/api/enqueue.c',
         '    pthread_mutex_lock(&plan->lock);\n    const bool first = ran && !variant->used;',
         '    const bool first = ran && !variant->used;\n    pthread_mutex_lock(&plan->lock);',
         'enqueue_order', 'test_enqueue_order clnorm_layer', 'tsan'),
    Seed('corrupt cache accepted', 'src/device/cache.c',
         'return memcmp(check, h.check, sizeof check) == 0;', 'return true;', 'cache', 'test_cache'),
    Seed('overrun', 'cl/common/types.clh',
         'CELL_BY_CELL if (e < n) p[e] = t[e];', 'CELL_BY_CELL if (e <= n) p[e] = t[e];', 'zscore', 'test_zscore'),
    Seed('overrun of a read', 'cl/common/types.clh',
         'CELL_BY_CELL t[e] = e < n ? p[e] : none;', 'CELL_BY_CELL t[e] = e <= n ? p[e] : none;',
         'zscore_guard_behind', 'test_zscore'),
    Seed('short workspace', 'src/plan/solve_split.c',
         '(size_t)geo->parts * problem->stat_bytes;', '(size_t)geo->parts * problem->stat_bytes - 4;',
         'zscore_guard_behind', 'test_zscore'),
    Seed('E[x^2] - E[x]^2', 'cl/common/stat_moments.clh',
         ': S * r > m2                                             ? class\n', '', 'zscore', 'test_zscore'),
    Seed('order by work-group', 'cl/common/sum.clh',
         '#define REST 1024u', '#define REST (WG == 1 ? 1024u : 512u)', 'zscore', 'test_zscore'),
    Seed('divergent barrier', 'cl/common/pass.clh',
         '    if (ITEM == 0)\n        leaf[0] = OP(top)(tree, (count + NODE(TEAMS) - 1) / NODE(TEAMS));\n    SYNC();\n',
         '    if (ITEM == 0) {\n        leaf[0] = OP(top)(tree, (count + NODE(TEAMS) - 1) / NODE(TEAMS));\n        SYNC();\n    }\n',
         'oclgrind_zscore', 'test_zscore'),
    Seed('race of work-items', 'cl/common/sum.clh',
         'EACH_SUM(w) t[w * WG + TID] = f[w]; SYNC();', 'EACH_SUM(w) t[w * WG + TID] = f[w];', 'oclgrind_zscore', 'test_zscore'),
]
OPTIONS = {'plain': ['-DCMAKE_BUILD_TYPE=Release'],
           'tsan': ['-DCMAKE_BUILD_TYPE=RelWithDebInfo', '-DCLNORM_SANITIZE=thread']}
SIGNS = re.compile(r':[FE]:|^guard: |ThreadSanitizer: |race|barrier|leak|did not|bound|outside|other bits|not ok|Invalid', re.I)


def pattern(seed):
    return re.compile(r'[\s\\]+'.join(re.escape(word) for word in seed.old.split()))


def call(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)


def copy_tree(to):
    """What differs, so that a tree that is kept builds anew what has a bug of before, and nothing else."""
    names = call('git', '-C', ROOT, 'ls-files').stdout.split('\n')
    for name in filter(None, names):
        ours, theirs = os.path.join(ROOT, name), os.path.join(to, name)
        os.makedirs(os.path.dirname(theirs), exist_ok=True)
        if not os.path.exists(theirs) or not filecmp.cmp(ours, theirs, shallow=False):
            shutil.copy(ours, theirs)


def build(tree, seed):
    where = os.path.join(tree, 'build', seed.build)
    if not os.path.exists(os.path.join(where, 'build.ninja')):
        done = call('cmake', '-S', tree, '-B', where, '-G', 'Ninja', '-DBUILD_SHARED_LIBS=ON', *OPTIONS[seed.build])
        if done.returncode:
            sys.exit(done.stdout)
    done = call('ninja', '-C', where, *seed.targets.split())
    return where, done


def run_test(tree, seed):
    """Whether the test passes, and what it says where not."""
    where, built = build(tree, seed)
    if built.returncode:
        return False, 'does not build: ' + built.stdout[-200:]
    env = dict(os.environ, TSAN_OPTIONS='ignore_noninstrumented_modules=1')
    ran = call('ctest', '--test-dir', where, '-R', '^%s$' % seed.test, '--output-on-failure', '--timeout', '900', env=env)
    signs = [line.strip() for line in ran.stdout.split('\n') if SIGNS.search(line)]
    return ran.returncode == 0 and 'No tests were found' not in ran.stdout, (signs or ['?'])[0][:150]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--only', default='', help='seeds with this in their name')
    parser.add_argument('--keep', help='work here, and leave it')
    parser.add_argument('--stale', action='store_true', help='only whether the texts to change are there')
    args = parser.parse_args()
    tree = ROOT if args.stale else args.keep or tempfile.mkdtemp(prefix='clnorm-seeds-')
    if not args.stale:
        copy_tree(tree)
    bad, clean = 0, {}
    for seed in (s for s in SEEDS if args.only in s.name):
        path = os.path.join(tree, seed.file)
        with open(path) as file:
            text = file.read()
        places = pattern(seed).findall(text)
        if len(places) != 1:
            print('STALE   %-24s %s has its text %d times' % (seed.name, seed.file, len(places)), flush=True)
            bad += 1
            continue
        if args.stale:
            continue
        at = (seed.test, seed.build)
        if at not in clean:
            clean[at] = run_test(tree, seed)
        if not clean[at][0]:
            print('FAILS   %-24s %s without a bug: %s' % (seed.name, seed.test, clean[at][1]), flush=True)
            bad += 1
            continue
        with open(path, 'w') as file:
            file.write(text.replace(places[0], seed.new.strip()))
        passed, said = run_test(tree, seed)
        with open(path, 'w') as file:
            file.write(text)
        print('%-7s %-24s %-16s %s' % ('MISSED' if passed else 'found', seed.name, seed.test, '' if passed else said), flush=True)
        bad += passed or said.startswith('does not build')
    if not args.keep and not args.stale:
        shutil.rmtree(tree)
    return bad != 0


if __name__ == '__main__':
    sys.exit(main())
