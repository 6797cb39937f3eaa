"""compilers.py -- one unit through the compiler of one GPU, and what it says of each kernel.

A compiler is made by its family's class, which raises Missing with the reason where a part of it is not here. `version`
says what its numbers depend on; compile() gives {kernel: {metric: number}}.

registers       of one work-item; of Intel's, which has always 128, the number is left out
spills          registers that a work-item keeps in memory (AMD), bytes of them (NVIDIA), registers of a thread (Intel)
scalar spills   AMD: scalar registers that are kept in lanes of vector registers, or in memory
stack           bytes of private memory of a work-item; of Intel, of a hardware thread
local           bytes of local memory of a work-group
simd            Intel: work-items of a thread
load            bytes of the widest load from global memory in loops within loops; not of Intel
"""
import hashlib
import os
import re
import shutil
import struct
import subprocess
import tempfile
import threading


class Missing(Exception):
    """A tool is not on this machine."""


class Failed(Exception):
    """A compiler refused a unit."""


def at_fixed_addresses():
    """What to put before a command: the registers that clang uses for AMD depend on where in memory it is."""
    words = ['setarch', '-R']
    can = shutil.which(words[0]) and subprocess.run([*words, 'true'], capture_output=True, check=False).returncode == 0
    return words if can else []


FIXED = at_fixed_addresses()


def run(command, limit=600, **options):
    done = subprocess.run([*FIXED, *command], capture_output=True, text=True, errors='replace', timeout=limit, **options)
    if done.returncode:
        raise Failed('%s: %s' % (os.path.basename(command[0]), (done.stderr or done.stdout).strip()[-2000:]))
    return done.stdout + done.stderr


def find(name, *folders):
    for folder in folders:
        if os.access(os.path.join(folder, name), os.X_OK):
            return os.path.join(folder, name)
    found = shutil.which(name)
    if not found:
        raise Missing('%s is not installed' % name)
    return found


def package(tools, name):
    """The version of a package that install.sh has unpacked."""
    try:
        with open(os.path.join(tools, 'versions')) as file:
            versions = dict(line.split() for line in file)
    except OSError:
        versions = {}
    if name not in versions:
        raise Missing('%s is not in %s: tests/portability/install.sh' % (name, tools))
    return '%s %s' % (name, versions[name])


def clang(tools):
    """Of the same version as the built-in functions, which are its bitcode."""
    path = find('clang-15')
    return path, 'clang ' + re.search(r'version (\S+)', run([path, '--version'])).group(1)


OPENCL = ('-x', 'cl', '-Xclang', '-finclude-default-header', '-O3')


# ---- loops -----------------------------------------------------------------------------------------------------

def widest_load(events):
    """The bytes of the widest load in the loops within loops: the outermost walk sets. Where there are none, of all.

    events: ('label', name), ('branch', name), ('load', bytes), in the order of the code.
    """
    labels = {name: at for at, (kind, name) in enumerate(events) if kind == 'label'}
    ends = {}  # of each loop, by where it begins: the last branch back
    for at, (kind, name) in enumerate(events):
        if kind == 'branch' and labels.get(name, at) < at:
            ends[labels[name]] = at
    loads = [(sum(begin < at < end for begin, end in ends.items()), size)
             for at, (kind, size) in enumerate(events) if kind == 'load']
    hot = min(2, max((depth for depth, _ in loads), default=0))
    return max((size for depth, size in loads if depth >= hot), default=0)


# ---- AMD -------------------------------------------------------------------------------------------------------

AMD_KEYS = {'.vgpr_count': 'registers', '.vgpr_spill_count': 'spills', '.sgpr_spill_count': 'scalar spills',
            '.private_segment_fixed_size': 'stack', '.group_segment_fixed_size': 'local'}
AMD_SIZES = {'dword': 4, 'dwordx2': 8, 'dwordx3': 12, 'dwordx4': 16, 'ubyte': 1, 'sbyte': 1, 'ushort': 2, 'sshort': 2,
             'short': 2, 'b32': 4, 'b64': 8, 'b96': 12, 'b128': 16, 'u8': 1, 'i8': 1, 'u16': 2, 'i16': 2, 'd16': 2}


class Amd:
    family = 'amd'
    subgroups = False  # none that the library can ask for: docs/runtimes.md
    reader = '3'  # another where compile() or read() does otherwise: results are kept

    def __init__(self, target, tools):
        self.target = target
        self.clang, version = clang(tools)
        self.version = '%s, %s' % (version, package(tools, 'rocm-device-libs'))
        self.library = os.path.join(tools, 'usr/lib/x86_64-linux-gnu/amdgcn/bitcode')
        if not os.path.exists(os.path.join(self.library, self.isa_file())):
            self.added = tempfile.TemporaryDirectory()
            self.add_isa(self.added.name)
            self.version += ', with the number of %s' % target

    def isa_file(self):
        return 'oclc_isa_version_%s.bc' % self.target[3:]

    def add_isa(self, folder):
        """The libraries are older than the target: theirs, and its number, gfx1100's 11000."""
        number = int(self.target[3:-2]) * 1000 + int(self.target[-2]) * 100 + int(self.target[-1], 16)
        source = os.path.join(folder, 'isa.ll')
        for file in os.listdir(self.library):
            os.symlink(os.path.join(self.library, file), os.path.join(folder, file))
        with open(source, 'w') as out:
            out.write('@__oclc_ISA_version = linkonce_odr protected local_unnamed_addr addrspace(4) constant i32 %d\n'
                      % number)
        run([self.clang, '-target', 'amdgcn-amd-amdhsa', '-nogpulib', '-Wno-override-module', '-emit-llvm', '-c',
             source, '-o', os.path.join(folder, self.isa_file())])
        self.library = folder

    def compile(self, source, options):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, 'unit.s')
            run([self.clang, *OPENCL, '-target', 'amdgcn-amd-amdhsa', '-mcpu=' + self.target,
                 '--rocm-device-lib-path=' + self.library, *options, '-S', source, '-o', out])
            with open(out) as file:
                return self.read(file.read())

    @staticmethod
    def read(text):
        code, notes = text.split('.amdgpu_metadata', 1)
        kernels = {}
        for note in re.split(r'(?m)^  - ', notes.split('amdhsa.kernels:', 1)[1])[1:]:
            keys = dict(re.findall(r'(?m)^    (\.\w+): +(\S+)$', '    ' + note))
            if '.vgpr_count' not in keys:
                continue
            kernels[keys['.name']] = {metric: int(keys[key]) for key, metric in AMD_KEYS.items()}
        for name, kernel in kernels.items():
            events = []
            body = re.search(r'(?m)^%s:(.*?)^\.Lfunc_end' % re.escape(name), code, re.S).group(1)
            for label, branch, load in re.findall(r'(?m)^(\.LBB\w+):|\ts_c?branch\w* (\S+)|\t(?:global|flat)_load_(\w+)',
                                                  body):
                events.append(('label', label) if label else ('branch', branch) if branch else
                              ('load', AMD_SIZES[load.split('_')[0]]))
            kernel['load'] = widest_load(events)
        return kernels


# ---- NVIDIA ----------------------------------------------------------------------------------------------------

class Nvidia:
    """The built-in functions are libclc's, and the front end clang: the driver has its own of both."""
    family = 'nvidia'
    subgroups = False  # likewise
    reader = '2'  # another where read() reads otherwise: results are kept
    ptx = tempfile.TemporaryDirectory()

    def __init__(self, target, tools):
        self.target = target
        self.clang, version = clang(tools)
        self.library = os.path.join(tools, 'usr/lib/clc/nvptx64--nvidiacl.bc')
        self.ptxas, self.nvdisasm = (find(tool, os.path.join(tools, 'cuda/bin'), '/usr/local/cuda/bin')
                                     for tool in ('ptxas', 'nvdisasm'))
        release = [re.search(r'release \S+, V(\S+)', run([tool, '--version'])).group(1)
                   for tool in (self.ptxas, self.nvdisasm)]
        self.version = '%s, %s, ptxas %s, nvdisasm %s' % (version, package(tools, 'libclc-15'), *release)

    def front(self, source, options):
        """PTX, which is the same for all targets: made once."""
        path = os.path.join(self.ptx.name, hashlib.sha256(' '.join((source, *options)).encode()).hexdigest())
        if not os.path.exists(path):
            part = '%s.%d' % (path, threading.get_ident())
            run([self.clang, *OPENCL, '--target=nvptx64--nvidiacl', '-march=sm_75', '-Xclang',
                 '-mlink-builtin-bitcode', '-Xclang', self.library, *options, '-S', source, '-o', part])
            os.replace(part, path)
        return path

    def compile(self, source, options):
        with tempfile.TemporaryDirectory() as folder:
            cubin = os.path.join(folder, 'unit.cubin')
            said = run([self.ptxas, '-arch=' + self.target, '-v', self.front(source, options), '-o', cubin])
            return self.read(said, run([self.nvdisasm, '-c', cubin]))

    @staticmethod
    def read(said, code):
        kernels = {}
        pattern = (r"entry function '(\w+)'.*?(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads"
                   r'.*?Used (\d+) registers(.*?)\n')
        for name, stack, stores, loads, registers, rest in re.findall(pattern, said, re.S):
            local = re.search(r'(\d+) bytes smem', rest)
            kernels[name] = {'registers': int(registers), 'spills': max(int(stores), int(loads)), 'stack': int(stack),
                             'local': int(local.group(1)) if local else 0}
        for section in re.split(r'(?m)^\.text\.', code)[1:]:
            name = section.split(':', 1)[0]
            events = []
            for label, branch, load in re.findall(r'(?m)^(\.L_x_\w+):|\bBRA\b[^`\n]*`\((\.L_x_\w+)\)|\bLDG?\.(E[.\w]*)',
                                                  section):
                events.append(('label', label) if label else ('branch', branch) if branch else
                              ('load', Nvidia.bytes_of(load.split('.'))))
            kernels[name]['load'] = widest_load(events)
        return kernels

    @staticmethod
    def bytes_of(words):
        for word, size in (('128', 16), ('64', 8), ('U16', 2), ('S16', 2), ('U8', 1), ('S8', 1)):
            if word in words:
                return size
        return 4


# ---- Intel -----------------------------------------------------------------------------------------------------

def section(path, wanted):
    """The contents of one section of a 64-bit ELF file."""
    with open(path, 'rb') as file:
        data = file.read()
    start, = struct.unpack_from('<Q', data, 40)
    size, count, names = struct.unpack_from('<HHH', data, 58)
    heads = [struct.unpack_from('<IIQQQQ', data, start + k * size) for k in range(count)]
    for name, _, _, _, offset, length in heads:
        at = heads[names][4] + name
        if data[at:data.index(b'\0', at)] == wanted:
            return data[offset:offset + length].decode(errors='replace')
    raise Failed('%s has no section %s' % (path, wanted.decode()))


class Intel:
    family = 'intel'
    subgroups = True
    reader = ''

    def __init__(self, target, tools):
        self.target = target
        self.version = '%s, %s' % (package(tools, 'intel-opencl-icd'), package(tools, 'libigc1'))
        self.ocloc = find('ocloc', os.path.join(tools, 'usr/bin'))
        self.environment = dict(os.environ, LD_LIBRARY_PATH=os.path.join(tools, 'usr/lib/x86_64-linux-gnu'))

    def compile(self, source, options):
        with tempfile.TemporaryDirectory() as folder:
            said = run([self.ocloc, 'compile', '-file', os.path.abspath(source), '-device', self.target, '--format',
                        'zebin', '-out_dir', folder, '-output', 'unit', '-options', ' '.join(options)],
                       env=self.environment, cwd=folder)
            found = [name for name in os.listdir(folder) if name.endswith('.bin')]
            if len(found) != 1:
                raise Failed('ocloc wrote no binary: ' + said.strip()[-2000:])
            return self.read(said, section(os.path.join(folder, found[0]), b'.ze_info'))

    @staticmethod
    def read(said, text):
        spilled = dict(re.findall(r'warning: kernel (\w+) .* spilled around (\d+)', said))
        kernels = {}
        for note in re.split(r'(?m)^  - name: +', re.split(r'(?m)^kernels_misc_info:', text)[0])[1:]:
            name = note.split(None, 1)[0]
            local = re.search(r'slm_size: +(\d+)', note)
            memory = re.search(r'per_thread_memory_buffers:\n((?:      .*\n)*)', note)
            sizes = re.findall(r'size: +(\d+)', memory.group(1)) if memory else []
            kernels[name] = {'simd': int(re.search(r'simd_size: +(\d+)', note).group(1)),
                             'spills': int(spilled.get(name, 0)), 'stack': sum(map(int, sizes)),
                             'local': int(local.group(1)) if local else 0}
        return kernels


TARGETS = {**{name: Amd for name in ('gfx803', 'gfx906', 'gfx90a', 'gfx1030', 'gfx1100')},
           **{name: Nvidia for name in ('sm_75', 'sm_80', 'sm_89', 'sm_90', 'sm_120')},
           **{name: Intel for name in ('skl', 'tgllp', 'dg2', 'pvc')}}
