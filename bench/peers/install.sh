#!/usr/bin/env bash
# install.sh -- a virtual environment with the pinned peers, outside the tree.
#
#   bench/peers/install.sh [DIRECTORY]    default ~/.cache/clnorm-peers; 3 GB to download, 6 GB on disk
#
# PyTorch's wheel on PyPI does not load without the CUDA libraries, so they come too; no GPU is used.
# torch.compile also needs a C++ compiler. oneDNN's wheel is the library alone: onednn.py calls it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${1:-$HOME/.cache/clnorm-peers}
python3 -m venv "$venv"
"$venv/bin/pip" install --disable-pip-version-check --no-cache-dir --no-deps --requirement "$here/requirements.txt"
command -v c++ >/dev/null || echo "no c++: torch.compile will be skipped"
echo "$venv/bin/python $here/run.py"
