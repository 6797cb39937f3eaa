#!/usr/bin/env bash
# install.sh -- the compilers of GPUs that offline.py asks for, unpacked into a directory of their own: nothing is
# installed, no root is needed. Of Debian 12 (bookworm) and PyPI; 70 MB to download, 200 MB on disk.
#
#   tests/portability/install.sh [DIRECTORY]    default ~/.cache/clnorm-portability
#
# AMD and NVIDIA also need clang-15, which comes with Debian's PoCL.
set -eu
dir=$(realpath -m "${1:-$HOME/.cache/clnorm-portability}")
packages=(rocm-device-libs libclc-15                                                   # AMD, NVIDIA: built-in functions
  intel-opencl-icd libigdgmm12 libigc1 libigdfcl1 libopencl-clang14 libllvmspirvlib14 # Intel: ocloc
  liboclgrind-dev)                                                                     # coalescing.cc
wheels=(nvidia-cuda-nvcc==13.0.88 nvidia-cuda-nvdisasm==13.2.86)                       # NVIDIA: ptxas, nvdisasm
part=$dir.part
rm -rf "$part"
mkdir -p "$part/cuda/bin" "$part/wheels"
cd "$part"
timeout 600 apt-get -q download "${packages[@]}"
for deb in *.deb; do
  dpkg -x "$deb" .
  echo "$(dpkg-deb -f "$deb" Package) $(dpkg-deb -f "$deb" Version)" >>versions
done
timeout 600 python3 -m pip download -q --disable-pip-version-check --no-deps -d wheels "${wheels[@]}"
for wheel in wheels/*.whl; do
  python3 -m zipfile -e "$wheel" wheels/all
done
install -m 755 wheels/all/nvidia/cu13/bin/{ptxas,nvdisasm} cuda/bin
rm -rf -- *.deb wheels
rm -rf "$dir"
mv "$part" "$dir"
echo "$dir"
cat "$dir/versions"
