#!/usr/bin/env python3
"""abi.py -- what programs that were linked against clnorm rely on: its name, symbols, signatures, structs and enums.

usage: abi.py LIBRARY INCLUDE_DIR FROZEN [--freeze] [--break]

FROZEN is tests/abi/x86_64.txt. A line that is gone or says something else fails, and so does one that is new, until
--freeze has written it; --freeze refuses to drop or change a line, but with --break. Structs may grow at their end, and do so
only by --freeze too. Types are read from the debugging information of a file that includes the public headers, so that no
list of them is kept by hand; binutils and cc are needed, and exit 77 says which is missing or that this is another machine.
"""
import argparse
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HEADERS = ('clnorm.h', 'clnorm_ops.h')


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit('%s failed: %s' % (' '.join(words), done.stderr))
    return done.stdout


# ---- the library -----------------------------------------------------------------------------------------------------

def of_library(library):
    """Its soname, and what it exports."""
    yield 'soname ' + re.search(r'\(SONAME\).*\[(.*)\]', run('readelf', '-d', '-W', library)).group(1)
    for line in run('nm', '-D', '--defined-only', library).splitlines():
        yield 'symbol %s %s' % (line.split()[2], line.split()[1])


# ---- the headers -----------------------------------------------------------------------------------------------------

class Entry:
    """One of DWARF's: a tag, attributes, what it holds."""

    def __init__(self, tag):
        self.tag, self.attributes, self.parts = tag, {}, []

    def number(self, name):
        return int(self.attributes[name].split()[0], 0)


def read_dwarf(text):
    """The top of all entries, and each by its place."""
    top, places, path = Entry('all'), {}, []
    for line in text.splitlines():
        head = re.match(r' <([0-9a-f]+)><([0-9a-f]+)>: Abbrev Number: \d+ \((DW_TAG_\w+)\)', line)
        if head:
            depth, entry = int(head.group(1), 16), Entry(head.group(3)[7:])
            path = path[:depth]
            (path[-1] if path else top).parts.append(entry)
            places[head.group(2)] = entry
            path.append(entry)
            continue
        value = re.match(r'    <[0-9a-f]+> +DW_AT_(\w+) *: (.*)', line)
        if value and path:
            path[-1].attributes[value.group(1)] = re.sub(r'^(\([^)]*\):? ?)*', '', value.group(2)).strip()
    return top, places


class Types:
    """What is said of types, in C's words."""

    def __init__(self, places):
        self.places = places

    def of(self, entry):
        at = entry.attributes.get('type')
        return self.places[re.match(r'<0x([0-9a-f]+)>', at).group(1)] if at else None

    def named(self, entry):
        if entry is None:
            return 'void'
        name = entry.attributes.get('name')
        if entry.tag == 'pointer_type':
            return self.named(self.of(entry)) + '*'
        if entry.tag == 'const_type':
            return self.named(self.of(entry)) + ' const'
        if entry.tag == 'array_type':
            lengths = ''.join('[%d]' % (p.number('upper_bound') + 1) for p in entry.parts)
            return self.named(self.of(entry)) + lengths
        if entry.tag == 'subroutine_type':
            return '%s(%s)' % (self.named(self.of(entry)), self.parameters(entry))
        return name or entry.tag.replace('_type', '')

    def parameters(self, entry):
        return ', '.join(self.named(self.of(p)) for p in entry.parts if p.tag == 'formal_parameter')

    def bytes(self, entry):
        if entry.tag == 'array_type':
            count = 1
            for part in entry.parts:
                count *= part.number('upper_bound') + 1
            return count * self.bytes(self.of(entry))
        return entry.number('byte_size') if 'byte_size' in entry.attributes else self.bytes(self.of(entry))

    def sized(self, entry):
        """A struct of ours may grow where nothing behind it moves."""
        name = self.named(entry)
        return name if ours(name) and entry.tag == 'typedef' and self.of(entry).parts else '%d bytes, %s' % (self.bytes(entry), name)

    def fields(self, path, entry, offset):
        """A line per field, of unnamed members their own."""
        for part in (p for p in entry.parts if p.tag == 'member'):
            kind, at = self.of(part), offset + part.number('data_member_location') \
                if 'data_member_location' in part.attributes else offset
            name = part.attributes.get('name')
            below = kind.tag in ('structure_type', 'union_type') and 'name' not in kind.attributes
            if name and name != 'reserved': # which new fields take
                yield 'field %s.%s at %d, %s' % (path, name, at, self.sized(kind))
            if below:
                yield from self.fields(path + ('.' + name if name else ''), kind, at)


def ours(name):
    return name.lower().startswith('clnorm_')


def of_types(top, types):
    for unit in top.parts:
        for entry in unit.parts:
            name = entry.attributes.get('name', '')
            if entry.tag == 'enumeration_type' and any(ours(p.attributes['name']) for p in entry.parts):
                for part in entry.parts:
                    yield 'value %s %d' % (part.attributes['name'], part.number('const_value'))
            elif entry.tag == 'subprogram' and ours(name):
                yield 'function %s(%s) %s' % (name, types.parameters(entry), types.named(types.of(entry)))
            elif entry.tag == 'typedef' and ours(name):
                kind = types.of(entry)
                if kind is not None and kind.tag in ('structure_type', 'union_type') and kind.parts:
                    yield 'struct %s %d' % (name, types.bytes(entry))
                    yield from types.fields(name, kind, 0)


def of_headers(include, names):
    """A file that includes the headers and uses every function, compiled for its debugging information."""
    with tempfile.TemporaryDirectory() as root:
        source, made = Path(root) / 'abi.c', Path(root) / 'abi.o'
        source.write_text('\n'.join('#include <clnorm/%s>' % h for h in HEADERS) + '\nvoid *const used[] = {\n' +
                          ''.join('    (void *)%s,\n' % n for n in names) + '};\n', encoding='utf-8')
        run('cc', '-std=c99', '-g', '-gdwarf-4', '-O0', '-fno-eliminate-unused-debug-types', '-I', include, '-c',
            str(source), '-o', str(made))
        top, places = read_dwarf(run('readelf', '--debug-dump=info', '-W', str(made)))
    yield from of_types(top, Types(places))


# ---- the judgement ---------------------------------------------------------------------------------------------------

def key(line):
    """What a line is about: all but what it says of it."""
    return re.match(r'\w+ [\w.]+', line).group(0) if not line.startswith('soname') else 'soname'


def complaints(old, new):
    """(what breaks programs, what is new): a struct may grow, and nothing else may change."""
    breaks, grown = [], []
    now = {key(line): line for line in new}
    for line in old:
        have = now.get(key(line))
        if have is None:
            breaks.append('is gone: ' + line)
        elif have != line:
            larger = line.startswith('struct') and int(have.split()[2]) > int(line.split()[2])
            (grown if larger else breaks).append('was: %s\n    is: %s' % (line, have))
    frozen = {key(line) for line in old}
    grown += ['is new: ' + line for line in new if key(line) not in frozen]
    return breaks, grown


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('library')
    parser.add_argument('include')
    parser.add_argument('frozen', type=Path)
    parser.add_argument('--freeze', action='store_true')
    parser.add_argument('--break', action='store_true', dest='breaks')
    args = parser.parse_args()
    missing = [tool for tool in ('cc', 'nm', 'readelf') if not shutil.which(tool)]
    if missing or platform.machine() != 'x86_64':
        print('skipped: %s' % (', '.join(missing) + ' missing' if missing else 'frozen for x86_64 alone'))
        return 77
    lines = list(of_library(args.library))
    lines += of_headers(args.include, [line.split()[1] for line in lines if line.startswith('symbol')])
    old = args.frozen.read_text(encoding='utf-8').splitlines() if args.frozen.exists() else []
    breaks, grown = complaints(old, lines)
    for text in breaks + grown:
        print(text)
    if args.freeze and (args.breaks or not breaks):
        args.frozen.write_text('\n'.join(lines) + '\n', encoding='utf-8')
        print('%d lines frozen' % len(lines))
        return 0
    print('%d lines, %d break programs, %d are new%s' %
          (len(lines), len(breaks), len(grown), '; --freeze them' if grown and not breaks else ''))
    return int(bool(breaks or grown))


if __name__ == '__main__':
    sys.exit(main())
