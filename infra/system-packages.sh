#!/usr/bin/env bash
# Programs outside Python that Faldone uses: `use` for everyday work, `test` for the test suite as well.
# Installs what is missing on Debian and Ubuntu when it may; elsewhere it says what to install.
set -u
want="${1:-use}"
declare -A package=([redis-server]=redis-server [tesseract]="tesseract-ocr tesseract-ocr-ita tesseract-ocr-eng" [bsdtar]=libarchive-tools)
if [ "$want" = test ]; then
  package[pdftotext]=poppler-utils
  package[qpdf]=qpdf
fi
missing=()
for program in "${!package[@]}"; do
  command -v "$program" >/dev/null 2>&1 || missing+=(${package[$program]})
done
[ ${#missing[@]} -eq 0 ] && exit 0
if command -v apt-get >/dev/null 2>&1; then
  sudo=""
  [ "$(id -u)" -eq 0 ] || sudo="sudo -n"
  if $sudo true 2>/dev/null; then
    echo "Installing ${missing[*]}" >&2
    $sudo apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null && exit 0
  fi
fi
echo "Not installed: ${missing[*]}. Install them with the package manager of this system, e.g. apt-get install ${missing[*]}" >&2
if [ "$want" = test ]; then
  echo "The tests need them." >&2
  exit 1
fi
echo "Without Redis there is no shared cache, without tesseract scanned pages are not read, without bsdtar 7z and RAR archives; everything else works." >&2
exit 0
