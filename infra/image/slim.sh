#!/usr/bin/env bash
# Take out of a virtual environment what Faldone never runs, and compile what is left. docs/containers.md has what each step saves.
#   slim.sh /opt/faldone
set -euo pipefail
site=$(echo "$1"/lib/python3.*/site-packages)
cd "$site"

# of the bundled encoder's package only the weights are used (infra/models.py); these come with its code
"$1/bin/pip" uninstall --quiet --yes sentence-transformers scikit-learn scipy joblib

rm -rf torch/test torch/include torch/bin torch/share torch/lib/*test*.so           # its own tests, headers, programs
rm -rf pyarrow/include pyarrow/tests pyarrow/_flight* pyarrow/libarrow_flight* pyarrow/libarrow_python_flight*  # every other library of Arrow wants libarrow_substrait
rm -f openvino/libs/libopenvino_intel_[gn]pu_plugin.so openvino/libs/cache.json      # processors alone: cards are torch's
rm -f openvino/libs/libopenvino_{tensorflow,tensorflow_lite,pytorch,paddle,jax,gguf}_frontend*  # ONNX and OpenVINO's own are read
find . -type d \( -name tests -o -name testing \) -path '*/*' \
  \( -path './sympy/*' -o -path './numpy/*/tests' -o -path './mpmath/*' -o -path './networkx/*' -o -path './dask/*' -o -path './distributed/*' -o -path './lance/*' \) \
  -name tests -prune -exec rm -rf {} +

find botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name sts ! -name 'sso*' ! -name signin -exec rm -rf {} +  # other services of Amazon

# symbols for debuggers, in the few libraries that were built with them; not in *.libs, whose layout strip would break
for library in torch/lib/libtorch_cpu.so torch/lib/libtorch_python.so _polars_runtime_*/*.so pyarrow/libarrow.so.* pyarrow/libarrow_compute.so.* pyarrow/libparquet.so.* \
  asyncpg/*/*.so aiohttp/*.so aiohttp/*/*.so sqlalchemy/cyextension/*.so cryptography/hazmat/bindings/*.so tokenizers/*.so hf_xet/*.so PIL/*.so; do
  if [ -f "$library" ] && [ ! -L "$library" ]; then strip --strip-unneeded "$library"; fi
done

# byte code, but of the hundreds of networks and compilers that no job imports: the file system of a container is read only
find . -name __pycache__ -prune -exec rm -rf {} +
"$1/bin/python" -m compileall -q -j 0 -x '/(transformers/models|torch/(_inductor|testing|onnx|distributed)|sympy/(physics|stats))/' . || true
