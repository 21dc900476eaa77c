#!/usr/bin/env bash
# Programs outside Python that Faldone uses: `use` for everyday work, `test` for the test suite as well.
# LIBREOFFICE=1 adds LibreOffice (some 400 MB), which then reads DOC and PPT before Faldone's own readers do.
# Installs what is missing on Debian and Ubuntu when it may; elsewhere it says what to install.
set -u
want="${1:-use}"
declare -A package=([redis-server]=redis-server [tesseract]="tesseract-ocr tesseract-ocr-ita tesseract-ocr-eng" [bsdtar]=libarchive-tools)
if [ "$want" = test ]; then
  package[pdftotext]=poppler-utils
  package[qpdf]=qpdf
  package[pg_lsclusters]=postgresql
  command -v chromium-browser google-chrome >/dev/null 2>&1 || package[chromium]=chromium
fi
[ -z "${LIBREOFFICE:-}" ] || package[soffice]="libreoffice-writer-nogui libreoffice-impress-nogui"
missing=()
for program in "${!package[@]}"; do
  command -v "$program" >/dev/null 2>&1 || missing+=(${package[$program]})
done
if [ ${#missing[@]} -eq 0 ]; then
  command -v soffice >/dev/null 2>&1 || [ "$want" = test ] ||
    echo "DOC and PPT are read without LibreOffice; to have it read them first: make install LIBREOFFICE=1" >&2
  exit 0
fi
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
