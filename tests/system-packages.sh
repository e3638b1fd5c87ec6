#!/bin/sh
# The real servers and programs the tests need from Debian, and those named (chromium). As root they are installed;
# otherwise we say which.
set -eu
missing=""
[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || missing="$missing rabbitmq-server"
command -v tesseract >/dev/null || missing="$missing tesseract-ocr"
tesseract --list-langs 2>/dev/null | grep -qx fra || missing="$missing tesseract-ocr-fra"
[ -f /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || missing="$missing fonts-dejavu-core"
for program in "$@"; do command -v "$program" >/dev/null || missing="$missing $program"; done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ]; then
  echo "installing:$missing"
  apt-get update -qq
  # Debian would start the broker as a system service; tests start their own.
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
  echo "The tests need Debian packages that are not here. Ask an administrator to run:" >&2
  echo "  apt-get install$missing" >&2
  exit 1
fi
