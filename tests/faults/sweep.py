#!/usr/bin/env python3
"""sweep.py -- fails call after call, allocation after allocation, file after file, and judges what clnorm makes of it.

usage: sweep.py DIR [--sample N] [--seed S] [--only "SCENARIO KIND N CODE HOW"] [--of WORD] [--kinds K,...]

DIR is what CMake has written: build/tests/faults. Without --sample every call of every scenario fails once, or from
there on; --of keeps the scenarios whose name has WORD. A fault in a report is what --only takes. The last line is
always "N faults, N failed"; a fault whose call was not reached is judged too, but not counted.
"""
import argparse
import json
import os
import random
import re
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from inputs import make_inputs

CL_CODES = (-4, -5, -6, -11, -14, -36) # no memory, resources, host memory; no build; a failed event; a dead queue
IO_CODES = (28, 5, 13, 4)              # ENOSPC, EIO, EACCES, EINTR: half a read or write
LIES = ('gpu=1,wg=16,local=16384', 'gpu=1,wg=16,kernel=8', 'alloc=1024', 'global=4096', 'text=27') # 27: texts begin with ESC
KINDS = ('cl', 'malloc', 'io')
HOWS = ('once', 'forever')
PATIENCE = 60 # seconds: longer is a hang, but where kernels may have to be compiled first
MOST = 40     # faults of a kind, of the slow scenarios
FINDING = 50  # calls with which every command finds its device; `list` and `run` fail in them too
RELEASING = 5 # calls at most of the release of all, which nobody reports: four workspaces and the queue
# What may fail without a word: nothing is wrong without it. The cache is one such thing.
UNSEEN = ('clFlush', 'clGetMemObjectInfo', 'clGetProgramInfo', 'clCreateProgramWithBinary',
          'clGetExtensionFunctionAddressForPlatform')
REFUSED = (-5, -11) # by a compiler, once: something smaller is tried
BUILDING = ('clBuildProgram', 'clCreateProgramWithSource')
ALLOCATIONS = ('malloc', 'calloc', 'realloc', 'strdup')


# ---- scenarios: each counts a clean run, and judges one fault: (what failed or None, complaint or None) -----------

class Library:
    """A process of library.c; where one dies or hangs the next goes on."""

    def __init__(self, tools, name):
        self.tools, self.name, self.process = tools, 'library:' + name, None
        self.slow, self.first = name in ('measure', 'tune', 'start'), {}

    def counts(self):
        words = self.start().split()
        if words[:1] != ['cl']:
            raise SystemExit('%s: %s' % (self.name, ' '.join(words) or 'no clean run'))
        return dict(zip(words[::2], map(int, words[1::2])))

    def start(self):
        self.process = subprocess.Popen(
            [self.tools['library'], self.name.split(':')[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, OPENCL_LAYERS=self.tools['clfault'], LD_PRELOAD=self.tools['preload'],
                     FAULT_OURS='libclnorm'), bufsize=1)
        return self.line()

    def line(self):
        with selectors.DefaultSelector() as ready:
            ready.register(self.process.stdout, selectors.EVENT_READ)
            return self.process.stdout.readline() if ready.select(PATIENCE * 5) else None

    def judge(self, kind, n, code, how):
        if not self.process:
            self.counts()
        self.process.stdin.write('%s %s %s %s\n' % (kind, n, code, how))
        said = self.line()
        if said:
            verdict, what, complaint = re.match(r'(ok|quiet|not ok) ?([^:]*):? ?(.*)', said).groups()
            return None if verdict == 'quiet' else what, complaint if verdict == 'not ok' else None
        self.process.kill()
        code, self.process = self.process.wait(), None
        return '?', 'the process hangs' if said is None else 'the process ends with %d' % code

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()
            self.process.stdout.close()
            self.process = None


class Command:
    """A run of the command for every fault."""

    def __init__(self, tools, name, words, outputs=(), says=True, slow=False, old=False, whole=False):
        """says: what it prints is always the same. old: its outputs were there before. whole: from the first call of
        OpenCL on; else from where all commands have found their device."""
        self.tools, self.name, self.words = tools, 'command:' + name, words.split()
        self.outputs, self.says, self.slow, self.old, self.whole = outputs, says, slow, old, whole
        self.first = {} if whole else {'cl': FINDING}
        other_way = 'cache-dir' in words or words == 'warmup' # which builds by themselves what does not build together
        self.unseen = UNSEEN + ((*BUILDING, *ALLOCATIONS) if other_way else ())
        self.clean = None

    def counts(self):
        run = self.run('none', 0, 0, 'once')
        if not run.ended or run.code not in (0, 1) or run.complaint():
            raise SystemExit('%s: no clean run: %s' % (self.name, run.complaint() or run.stderr or run.code))
        self.clean = run
        return {kind: run.report.get(kind, (0,))[0] for kind in KINDS}

    def run(self, kind, n, code, how):
        return Run(self, kind, n, code, how)

    def judge(self, kind, n, code, how):
        if not self.clean:
            self.counts()
        run = self.run(kind, n, code, how)
        what = 'a smaller device' if kind == 'lie' else run.report[kind][4] if run.fired(kind) else None
        return what, run.complaint() or self.compare(run, kind, what, how)

    def compare(self, run, kind, what, how):
        """With the clean run."""
        allowed = {'cl': (4, 5, 6), 'malloc': (6,), 'io': (3,), 'lie': (3, 5, 6)}[kind]
        well = run.code == self.clean.code
        if not well and run.code not in allowed:
            return 'exit %d: %s' % (run.code, run.stderr)
        if not well and not re.search('^clnorm: .', run.stderr, re.M):
            return 'exit %d without a sentence' % run.code
        refused = (what, how) == ('clBuildProgram', 'once') and run.fault in REFUSED
        unseen = what in self.unseen or refused or self.is_late(run, what)
        seen = kind in ('cl', 'malloc') and what and not unseen
        if well and seen and self.words[0] != 'cache': # which has the environment where no device answers
            return 'nobody noticed'
        if well and self.says and kind != 'lie' and run.stdout != self.clean.stdout:
            return 'exit %d, but it says: %r' % (run.code, run.stdout[:200])
        same = [run.files.get(o) == self.clean.files.get(o) for o in self.outputs]
        untouched = [run.files.get(o) == (b'old' if self.old else None) for o in self.outputs]
        whole = [a or b for a, b in zip(same, untouched)]
        stuck = (what, how) == ('rename', 'forever') # nothing can be put back
        if not (all(same) if well else all(untouched) or all(same) or all(whole) and stuck):
            return 'exit %d, outputs: %s' % (run.code, run.outputs())
        return None

    def is_late(self, run, what):
        """A wait of the release, behind all results: it is among the last calls."""
        return what in ('clWaitForEvents', 'clFinish') and run.n > self.clean.report['cl'][0] - RELEASING

    def close(self):
        pass


class Run:
    """What one run of the command has left behind."""

    def __init__(self, scenario, kind, n, code, how):
        tools, self.scenario, self.report = scenario.tools, scenario, {}
        self.n, self.fault = int(n) if kind != 'lie' else 0, code
        with tempfile.TemporaryDirectory() as root:
            work, home, report = (Path(root) / name for name in ('work', 'home', 'report'))
            shutil.copytree(tools['inputs'], work)
            for folder in (home, home / 'cache', report):
                folder.mkdir()
            for name in ('0123.clbin', '4567.clbin'):
                (home / 'cache' / name).write_bytes(b'no binary')
            for name in scenario.outputs if scenario.old else ():
                (work / name).write_bytes(b'old')
            before = set(os.listdir(work))
            self.execute(tools, work, home, report, (kind, n, code, how))
            self.left = set(os.listdir(work)) - before - set(scenario.outputs)
            self.files = {o: (work / o).read_bytes() for o in scenario.outputs if (work / o).exists()}
            self.temporaries = [str(p.name) for p in home.rglob('*.tmp')]
            self.read(report)

    def execute(self, tools, work, home, report, fault):
        kind, n, code, how = fault
        asked = {k: '%s:%s:%s' % ((n, code, how) if k == kind else (0, 0, 'once')) for k in KINDS}
        env = dict(os.environ, HOME=str(home), CLNORM_CACHE_DIR=str(home / 'cache'), OPENCL_LAYERS=tools['clfault'],
                   LD_PRELOAD=tools['preload'], FAULT_OURS='libclnorm:clnorm', FAULT_REPORT=str(report),
                   CLFAULT=asked['cl'], MALLOCFAULT=asked['malloc'], IOFAULT=asked['io'],
                   CLFAULT_LIE=n if kind == 'lie' else '')
        env.pop('XDG_CACHE_HOME', None)
        env.pop('CLNORM_DEVICE', None)
        try:
            done = subprocess.run([tools['clnorm'], *self.scenario.words], cwd=work, env=env, stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=PATIENCE * (1 if kind in KINDS else 10),
                                  check=False)
            self.ended, self.code = True, done.returncode
            self.stdout = done.stdout.replace(str(home.parent).encode(), b'ROOT')
            self.stderr = done.stderr.decode(errors='replace')
        except subprocess.TimeoutExpired:
            self.ended, self.code, self.stdout, self.stderr = False, None, b'', ''

    def read(self, report):
        for kind in KINDS:
            path = report / (kind + 'fault')
            lines = path.read_text(encoding='utf-8').split('\n') if path.exists() else []
            if len(lines) > 2: # else it died before it had written it
                numbers, detail = lines[:2]
                words = numbers.split()
                self.report[kind] = (*map(int, words[:4]), words[4], detail)

    def fired(self, kind):
        return self.report.get(kind, (0, 0))[1] > 0

    def outputs(self):
        return ', '.join('%s %s' % (o, 'right' if b == self.scenario.clean.files.get(o) else 'old' if b == b'old' else
                                    'wrong') for o, b in self.files.items()) or 'none'

    def complaint(self):
        """What is wrong whatever the fault was."""
        if not self.ended:
            return 'it hangs'
        if self.code < 0:
            return 'signal %d: %s' % (-self.code, self.stderr[-300:])
        if re.search('Sanitizer|runtime error', self.stderr):
            return self.stderr[:600]
        for _, _, live, misuse, _, detail in self.report.values():
            if misuse or live:
                return '%s: %s' % ('misuse' if misuse else '%d left' % live, detail)
        if '\x1b' in self.stderr or b'\x1b' in self.stdout and self.scenario.words[-1] != '-': # of a driver
            return 'an escape is printed: %r' % (self.stderr or self.stdout)[:200]
        if self.left or self.temporaries:
            return 'left %s' % ', '.join([*self.left, *self.temporaries])
        return None


def whitens(tools):
    """Whether this build has whitening."""
    done = subprocess.run([tools['clnorm'], 'kernels'], capture_output=True, text=True, check=True)
    return 'whiten' in done.stdout


def commands(tools):
    """Every command."""
    yield Command(tools, 'list', 'list', whole=True)
    yield Command(tools, 'list.json', 'list --json')
    yield Command(tools, 'run', 'run zscore x.npy y.npy --out=mean=m.npy --out=rstd=r.npy', ('y.npy', 'm.npy', 'r.npy'),
                  whole=True)
    yield Command(tools, 'run.old', 'run zscore x.npy y.npy --out=mean=m.npy', ('y.npy', 'm.npy'), old=True)
    yield Command(tools, 'run.json', 'run layernorm x.npy y.npy --json --in=gamma=g.npy --out-dtype=f16', ('y.npy',),
                  says=False)
    yield Command(tools, 'run.backward', 'run layernorm --backward x.npy dx.npy --in=dy=x.npy --in=gamma=g.npy '
                  '--out=dgamma=dg.npy', ('dx.npy', 'dg.npy'))
    yield Command(tools, 'run.stdout', 'run totensor x.npy -')
    yield Command(tools, 'run.doubles', 'run minmax f64.npy y.npy', ('y.npy',))
    yield Command(tools, 'run.picture', 'run normalize p.png y.npy --preset=hf.json', ('y.npy',))
    yield Command(tools, 'run.png', 'run totensor p.ppm y.png --out-dtype=u8 --scale=1 --layout=nhwc', ('y.png',))
    yield Command(tools, 'run.photo', 'run normalize photo.jpg y.npy', ('y.npy',))
    yield Command(tools, 'run.cache', '--cache-dir=../home/cache run zscore x.npy y.npy', ('y.npy',))
    if whitens(tools):
        yield Command(tools, 'fit-whiten', 'fit-whiten x.npy -o w.npz', ('w.npz',))
    yield Command(tools, 'plan', 'plan batchnorm x.npy')
    yield Command(tools, 'plan.json', 'plan groupnorm --groups=3 x.npy --json')
    yield Command(tools, 'explain', 'explain batchnorm')
    yield Command(tools, 'explain.json', 'explain layernorm --json')
    yield Command(tools, 'check', 'check --preset=half x.npy p.png')
    yield Command(tools, 'check.json', 'check --preset=imagenet x.npy --json')
    yield Command(tools, 'kernels', 'kernels --matrix')
    yield Command(tools, 'kernels.source', 'kernels rmsnorm')
    yield Command(tools, 'cache', 'cache path')
    yield Command(tools, 'cache.stats', 'cache stats --json', says=False)
    yield Command(tools, 'cache.clear', 'cache clear')
    yield Command(tools, 'bench', 'bench totensor --shape=1x3x32x32 --json', says=False, slow=True)
    yield Command(tools, 'verify', 'verify totensor', slow=True)
    yield Command(tools, 'warmup', 'warmup', says=False, slow=True)


# ---- which faults ----------------------------------------------------------------------------------------------------

CODES = {'cl': CL_CODES, 'malloc': (12,), 'io': IO_CODES}


def fault(kind, n, r):
    if kind == 'lie':
        return (kind, r.choice(LIES), 0, 'once')
    return (kind, str(n), r.choice(CODES[kind]), r.choice(HOWS))


def all_faults(scenario, counts, kinds, r):
    """Every N of every kind, of files with every code; of slow scenarios some."""
    for kind in kinds:
        numbers = list(range(scenario.first.get(kind, 0) + 1, counts.get(kind, 0) + 1))
        if scenario.slow and len(numbers) > MOST:
            numbers = sorted(r.sample(numbers, MOST))
        for n in numbers:
            if kind == 'io': # an interrupted write that is followed by a failure would hide what was not written
                yield from ((kind, str(n), code, 'once' if code == 4 else r.choice(HOWS)) for code in IO_CODES)
            else:
                yield fault(kind, n, r)
    if counts['cl'] and 'cl' in kinds and not scenario.slow:
        yield from (('lie', text, 0, 'once') for text in LIES)


def drawn_faults(scenario, counts, kinds, r, size):
    weights = {kind: max(0, counts.get(kind, 0) - scenario.first.get(kind, 0)) for kind in kinds}
    weights['lie'] = min(weights.get('cl', 0), 1)
    for _ in range(size if sum(weights.values()) else 0):
        kind = r.choices(list(weights), [w ** 0.5 for w in weights.values()])[0]
        yield fault(kind, scenario.first.get(kind, 0) + r.randint(1, max(1, weights[kind])), r)


# ---- all -------------------------------------------------------------------------------------------------------------

class Tally:
    def __init__(self):
        self.count, self.failed, self.kinds = 0, 0, {}

    def add(self, scenario, wanted):
        what, complaint = scenario.judge(*wanted)
        text = '%s %s %s %s %s' % (scenario.name, *wanted)
        if what is not None or complaint:
            self.count += 1
            key = '%s %s' % (scenario.name.split(':')[0], wanted[0])
            self.kinds[key] = self.kinds.get(key, 0) + 1
        if complaint:
            self.failed += 1
            print('not ok %s: %s: %s' % (text, what, complaint.strip()), flush=True)
        return what, complaint


def layer_is_complete(tools):
    """The layer must know every function of OpenCL that clnorm calls."""
    used = set()
    for name in ('clnorm', 'libclnorm'):
        symbols = subprocess.run(['nm', '-D', '--undefined-only', tools[name]], capture_output=True, text=True,
                                 check=False).stdout
        used |= set(re.findall(r' U (cl[A-Z]\w+)', symbols))
    known = Path(tools['source'], 'clfault.c').read_text(encoding='utf-8')
    missing = sorted(name for name in used if not re.search(r'X\(%s\)' % name, known))
    if missing:
        print('not ok: clfault.c does not know %s' % ', '.join(missing))
    return not missing


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('dir', type=Path)
    parser.add_argument('--sample', type=int, default=0)
    parser.add_argument('--seed', type=int, default=int(time.time()) % 100000)
    parser.add_argument('--only')
    parser.add_argument('--of', default='')
    parser.add_argument('--kinds', default=','.join(KINDS))
    args = parser.parse_args()
    tools = json.loads((args.dir / 'tools.json').read_text(encoding='utf-8'))
    kinds, r, tally, begin = args.kinds.split(','), random.Random(args.seed), Tally(), time.time()
    tools['preload'] = ':'.join([tools['mallocfault'], tools['iofault']] if kinds != ['cl'] else [])
    with tempfile.TemporaryDirectory() as inputs:
        tools['inputs'] = inputs
        make_inputs(Path(inputs), Path(tools['photo']))
        names = subprocess.run([tools['library']], capture_output=True, text=True, check=True).stdout.split()
        scenarios = [Library(tools, name) for name in names] + list(commands(tools))
        if args.only:
            name, *wanted = args.only.split()
            print(*tally.add(next(s for s in scenarios if s.name == name), wanted))
        else:
            print('seed %d' % args.seed, flush=True)
            tally.failed += not layer_is_complete(tools)
            sweep([s for s in scenarios if args.of in s.name], kinds, r, args.sample, tally)
    print(', '.join('%d %s' % (n, key) for key, n in sorted(tally.kinds.items())), '; %.0f s' % (time.time() - begin))
    print('%d faults, %d failed' % (tally.count, tally.failed))
    return tally.failed != 0


def sweep(scenarios, kinds, r, sample, tally):
    """All, or `sample`: 16 of each scenario that is drawn, but of no slow one, for kernels take a while to build."""
    if sample:
        r.shuffle(scenarios)
        scenarios = [s for s in scenarios if not s.slow]
    for scenario in scenarios:
        if sample and tally.count >= sample:
            break
        counts = scenario.counts()
        faults = drawn_faults(scenario, counts, kinds, r, 16) if sample else \
            all_faults(scenario, counts, kinds, r)
        before = tally.count, tally.failed
        for wanted in faults:
            tally.add(scenario, wanted)
        scenario.close()
        print('%s: %d faults, %d failed' % (scenario.name, tally.count - before[0], tally.failed - before[1]),
              flush=True)


if __name__ == '__main__':
    sys.exit(main())
