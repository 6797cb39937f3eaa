#!/usr/bin/env bash
# install.sh -- two more OpenCL runtimes of a CPU, unpacked into a directory of their own: nothing is installed, no root
# is needed, and no other program sees them. Intel's of PyPI, Mesa's rusticl of Debian 12 (bookworm); 290 MB to
# download, 500 MB on disk.
#
#   tests/runtimes/install.sh [DIRECTORY]    default ~/.cache/clnorm-runtimes
#
# rusticl also needs libclc-15 and looks for it in /usr/lib/clc alone: apt-get install libclc-15. Intel's runtime is
# under Intel's own licence: to be had from PyPI, not to be passed on.
set -eu
dir=$(realpath -m "${1:-$HOME/.cache/clnorm-runtimes}")
packages=(mesa-opencl-icd libllvmspirvlib15)
wheels=(intel-opencl-rt==2026.2.0 intel-cmplr-lib-rt==2026.2.0 tbb==2023.2.0)
part=$dir.part
rm -rf "$part"
mkdir -p "$part"/{intel,rusticl}/vendors "$part"/{debs,wheels}
cd "$part"
(cd debs && timeout 600 apt-get -q download "${packages[@]}")
for deb in debs/*.deb; do
  dpkg -x "$deb" debs
  echo "$(dpkg-deb -f "$deb" Package) $(dpkg-deb -f "$deb" Version)" >>versions
done
mv debs/usr/lib/x86_64-linux-gnu rusticl/lib
timeout 600 python3 -m pip download -q --disable-pip-version-check --no-deps -d wheels "${wheels[@]}"
for wheel in wheels/*.whl; do
  python3 -m zipfile -e "$wheel" wheels/all
done
mv wheels/all/intel_opencl_rt-*.data/data/lib intel/lib
mv wheels/all/*.data/data/lib/lib{irng.so,imf.so,intlc.so.5,svml.so,tbb.so.12,tbbmalloc.so.2} intel/lib
rm -f intel/lib/{libOpenCL.so*,libcommon_clang.so,libintelocl.so.*} # another loader; what Python unpacks twice
printf '%s\n' "${wheels[@]/==/ }" >>versions
echo "$dir/intel/lib/libintelocl.so" >intel/vendors/intel.icd
echo "$dir/rusticl/lib/libRusticlOpenCL.so.1" >rusticl/vendors/rusticl.icd
rm -rf debs wheels "$dir"
mv "$part" "$dir"
echo "$dir"
cat "$dir/versions"
