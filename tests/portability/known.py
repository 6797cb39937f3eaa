"""known.py -- numbers held to limits, and those beyond a limit to known.txt.

A limit is (MOST or LEAST, number). Of all kernels the worst of a stage (a kernel without its op) counts.
"""
import collections
import os

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'known.txt')
SETS = ('change', 'all', 'model')
MOST, LEAST = 'most', 'least'
# The stages that walk tensors: what the others read is little.
WALKS = ('rows', 'slab', 'partial', 'apply', 'pointwise', 'clan', 'fused', 'leaves', 'tile', 'mapcols', 'window',
         'ring')


def worse(way, a, b):
    return max(a, b) if way is MOST else min(a, b)


def text_of(number):
    return '%d' % number if number == int(number) else '%.2f' % number


class Target:
    """What has been found for one target."""

    def __init__(self, name, family, version):
        self.name, self.family, self.version = name, family, version
        self.programs, self.kernels, self.failures = 0, 0, []
        self.worst = {}  # (stage, metric): the number that is most beyond the limit, its unit, and the way
        self.ends = {}   # metric: the worst of all kernels
        self.beyond = collections.Counter()  # metric: kernels

    def hold(self, unit, stage, limits, numbers):
        """One kernel of a unit."""
        self.kernels += 1
        for metric, (way, limit) in limits.items():
            number = numbers[metric]
            self.ends[metric] = worse(way, number, self.ends.get(metric, number))
            if worse(way, number, limit) == limit:
                continue
            self.beyond[metric] += 1
            before = self.worst.get((stage, metric))
            if not before or worse(way, number, before[0]) != before[0]:
                self.worst[stage, metric] = (number, unit, way)


class Known:
    """known.txt: `why FAMILY METRIC STAGE..: TEXT`, `tools SET TARGET: VERSION`, `SET STAGE METRIC: TARGET=N ..`."""

    def __init__(self):
        self.lines, self.tools, self.reasons, self.numbers = [], {}, [], {}
        with open(FILE) as file:
            for line in file:
                head, _, rest = line.strip().partition(': ')
                words = head.split(' ')
                if words[0] == 'tools':
                    self.tools[words[1], words[2]] = rest
                elif words[0] == 'why':
                    self.reasons.append((words[1], words[2].replace('-', ' '), words[3:], rest))
                elif words[0] in SETS:
                    for pair in rest.split():
                        target, number = pair.split('=')
                        self.numbers[words[0], words[1], words[2].replace('-', ' '), target] = float(number)
                if words[0] not in ('tools', *SETS):
                    self.lines.append(line)

    def why(self, family, metric, stage):
        for families, wanted, stages, text in self.reasons:
            if family in families.split(',') and metric == wanted and ('*' in stages or stage in stages):
                return text
        return None

    def other(self, which, target, version):
        """Why the numbers of a target are not those of these tools."""
        before = self.tools.get((which, target))
        return 'known.txt is of %s; here is %s' % (before, version) if before else 'known.txt has no numbers of it yet'

    def of(self, which, target):
        return {(stage, metric): number for (of, stage, metric, name), number in self.numbers.items()
                if of == which and name == target}

    def freeze(self, which, targets):
        """Writes what was found in place of what was known of these targets."""
        names = {target.name for target in targets}
        self.numbers = {key: n for key, n in self.numbers.items() if key[0] != which or key[3] not in names}
        for target in targets:
            self.tools[which, target.name] = target.version
            for (stage, metric), (number, _, _) in target.worst.items():
                self.numbers[which, stage, metric, target.name] = number
        rows = collections.defaultdict(list)
        for key in sorted(self.numbers):
            pair = '%s=%s' % (key[3], text_of(self.numbers[key]))
            rows['%s %s %s' % (key[0], key[1], key[2].replace(' ', '-'))].append(pair)
        with open(FILE, 'w') as file:
            file.writelines(self.lines)
            file.writelines('tools %s %s: %s\n' % (*key, self.tools[key]) for key in sorted(self.tools))
            file.writelines('%s: %s\n' % (head, ' '.join(pairs)) for head, pairs in rows.items())

    def judge(self, which, target, exact):
        """Sentences on what is not as known; exact: better is wrong too."""
        wanted, wrong = self.of(which, target.name), list(target.failures)
        for (stage, metric), (number, unit, way) in sorted(target.worst.items()):
            before = wanted.pop((stage, metric), None)
            said = '%s of %s is %s in %s' % (metric, stage, text_of(number), unit)
            if before is None:
                wrong.append('%s: beyond the limit' % said)
            elif text_of(number) != text_of(before) and (exact or worse(way, number, before) != before):
                wrong.append('%s: known.txt says %s' % (said, text_of(before)))
            if not self.why(target.family, metric, stage):
                wrong.append('%s: known.txt has no reason for it' % said)
        if exact:
            wrong += ['%s of %s is within the limit: known.txt says %s' % (metric, stage, text_of(number))
                      for (stage, metric), number in sorted(wanted.items())]
        return wrong


def document(path, key, lines, write):
    """Whether the file has these lines between its marks of that key; or writes them there."""
    first, last = '<!-- %s -->' % key, '<!-- end of %s -->' % key
    with open(path) as file:
        text = file.read()
    head, tail = text.split(first, 1)[0], text.split(last, 1)[1]
    new = '%s%s\n%s\n%s%s' % (head, first, '\n'.join(lines), last, tail)
    if write:
        with open(path, 'w') as file:
            file.write(new)
    return write or new == text


def report(target, wrong, metrics):
    """One target, for people; returns how many of its programs count as failed."""
    ends = ', '.join('%s %s' % (m, text_of(target.ends[m])) for m in metrics if m in target.ends)
    print('%s %s: %d programs, %d kernels, %s' % ('not ok' if wrong else 'ok', target.name, target.programs,
                                                  target.kernels, ends), flush=True)
    for sentence in wrong:
        print('    ' + sentence)
    return min(len(wrong), target.programs)
