#!/usr/bin/env python3
"""coverage.py -- which lines and branches of the library and the command the tests have reached.

usage: coverage.py BUILD [--doc docs/coverage.md] [--list] [--reset]

BUILD was configured with -DCLNORM_COVERAGE=ON (gcc), and its tests have run; --reset forgets what they have counted. A
branch is one way out of a condition, each operand of && and || by itself, as gcov counts it without optimization; asserts are
compiled out, as in a release. Lines of a header are reached where any file that includes them has. --list prints all that was
not reached, with the reason that reasons.txt has for it; --doc writes the page. It fails below LINES and BRANCHES per cent.
"""
import argparse
import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

LINES, BRANCHES = 95, 90
ROOT = Path(__file__).resolve().parents[2]


class Line:
    """Of a source file: how often it ran, and each way out of it."""

    def __init__(self):
        self.count, self.ways, self.functions = 0, {}, set()

    def add(self, found):
        self.count += found['count']
        self.functions.add(found.get('function_name', ''))
        now = [branch['count'] for branch in found['branches']]
        if now: # as many ways in every file that includes it, but where a macro made them differ
            old = self.ways.get(len(now), [0] * len(now))
            self.ways[len(now)] = [a + b for a, b in zip(old, now)]

    def branches(self):
        return sum(len(ways) for ways in self.ways.values())

    def missed(self):
        return sum(not count for ways in self.ways.values() for count in ways)


def read(build):
    """{file: {number: Line}} of the library and the command."""
    files, notes = defaultdict(lambda: defaultdict(Line)), sorted(map(str, build.rglob('*.gcno')))
    for note in notes: # one by one: what has never run makes gcov fail
        done = subprocess.run(['gcov', '--json-format', '--stdout', '--branch-probabilities', note], cwd=build,
                              capture_output=True, text=True, check=False)
        for text in done.stdout.splitlines():
            unit = json.loads(text) if text.startswith('{') else {'files': []}
            for found in unit['files']:
                path = os.path.relpath(os.path.join(unit['current_working_directory'], found['file']), ROOT)
                if path.startswith('src/'):
                    for line in found['lines']:
                        files[path][line['line_number']].add(line)
    return files


def reset(build):
    for path in build.rglob('*.gcda'):
        path.unlink()


# ---- what was not reached ---------------------------------------------------------------------------------------------

def read_reasons():
    """(pattern of "FILE FUNCTION TEXT", reason), in order: the first that fits."""
    lines = (ROOT / 'tests/coverage/reasons.txt').read_text(encoding='utf-8').splitlines()
    pairs = [line.split(' => ') for line in lines if line and not line.startswith('#')]
    return [(re.compile(pattern), reason) for pattern, reason in pairs]


class Gap:
    def __init__(self, path, number, line, text, reasons):
        self.path, self.number, self.text = path, number, text.strip()
        self.function = min(line.functions)
        self.line, self.missed, self.branches = line.count == 0, line.missed(), line.branches()
        subject = '%s %s %s' % (path, self.function, self.text)
        self.reason = next((reason for pattern, reason in reasons if pattern.search(subject)), '')


def gaps(files):
    reasons = read_reasons()
    for path, lines in sorted(files.items()):
        text = (ROOT / path).read_text(encoding='utf-8').splitlines()
        for number, line in sorted(lines.items()):
            if not line.count or line.missed():
                yield Gap(path, number, line, text[number - 1], reasons)


# ---- the tables -------------------------------------------------------------------------------------------------------

class Sum:
    def __init__(self):
        self.lines = self.ran = self.branches = self.taken = 0

    def add(self, line):
        self.lines += 1
        self.ran += line.count > 0
        self.branches += line.branches()
        self.taken += line.branches() - line.missed()

    def share(self):
        return 100 * self.ran / self.lines, 100 * self.taken / max(1, self.branches)


def sums(files):
    by = defaultdict(Sum)
    for path, lines in files.items():
        for line in lines.values():
            by[os.path.dirname(path)].add(line)
            by['all'].add(line)
    return by


def table(by):
    yield '| | lines | reached | % | branches | taken | % |'
    yield '|---|---|---|---|---|---|---|'
    for name, s in sorted(by.items(), key=lambda item: (item[0] == 'all', item[0])):
        yield '| %s | %d | %d | %.1f | %d | %d | %.1f |' % ('`%s`' % name if name != 'all' else '**all**', s.lines, s.ran,
                                                         s.share()[0], s.branches, s.taken, s.share()[1])


def reasons_table(found):
    lines, ways = Counter(), Counter()
    for gap in found:
        lines[gap.reason] += gap.line
        ways[gap.reason] += gap.missed
    yield '| why | lines | branches |'
    yield '|---|---|---|'
    for reason, n in ways.most_common():
        yield '| %s | %d | %d |' % (reason or 'nothing: tests are missing', lines[reason], n)


def by_name(found):
    """Functions of which a part was not reached, by reason."""
    names = defaultdict(lambda: defaultdict(list))
    for gap in found:
        if gap.function not in names[gap.reason][gap.path]:
            names[gap.reason][gap.path].append(gap.function)
    for reason, paths in sorted(names.items()):
        yield '\n**%s**\n' % (reason[:1].upper() + reason[1:] if reason else 'Nothing: tests are missing')
        for path, functions in sorted(paths.items()):
            yield '- `%s`: %s' % (path, ', '.join('`%s`' % f for f in functions))


def write_doc(path, by, found):
    head, rest = path.read_text(encoding='utf-8').split('<!-- written by tests/coverage/coverage.py -->\n')[:2]
    tail = rest.split('<!-- end -->')[1]
    made = '\n'.join([*table(by), '', '## What is not reached, and why', '', *reasons_table(found), *by_name(found)])
    path.write_text(head + '<!-- written by tests/coverage/coverage.py -->\n' + made + '\n<!-- end -->' + tail,
                    encoding='utf-8')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build', type=Path)
    parser.add_argument('--doc', type=Path)
    parser.add_argument('--list', action='store_true')
    parser.add_argument('--reset', action='store_true')
    args = parser.parse_args()
    if args.reset:
        reset(args.build)
        return 0
    files = read(args.build.resolve())
    if not files:
        raise SystemExit('%s has counted nothing; it is to be configured with -DCLNORM_COVERAGE=ON' % args.build)
    by, found = sums(files), list(gaps(files))
    for gap in found if args.list else []:
        print('%s:%d: %s: %s%s | %s | %s' % (gap.path, gap.number, gap.function, 'line ' if gap.line else '',
                                             '%d of %d' % (gap.missed, gap.branches), gap.text[:100], gap.reason or '?'))
    print('\n'.join(table(by)))
    if args.doc:
        write_doc(args.doc, by, found)
    lines, branches = by['all'].share()
    return int(lines < LINES or branches < BRANCHES)


if __name__ == '__main__':
    sys.exit(main())
