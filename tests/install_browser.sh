#!/usr/bin/env bash
# Installs Chromium and its driver for the tests of the user study's page, where that is possible without asking.
# Never fails: without a browser those tests are skipped, loudly.
set -u
command -v chromedriver >/dev/null 2>&1 && { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null 2>&1 && exit 0
sudo=""
if [ "$(id -u)" -ne 0 ]; then
  if sudo -n true 2>/dev/null; then sudo="sudo -n"; else echo "no browser: not root, and sudo asks" >&2; exit 0; fi
fi
command -v apt-get >/dev/null 2>&1 || { echo "no browser: no apt-get here; install Chromium and chromedriver by hand" >&2; exit 0; }
echo "installing chromium and chromium-driver (about 100 MB, once)"
export DEBIAN_FRONTEND=noninteractive
{ $sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends chromium chromium-driver; } >/dev/null 2>&1 ||
  echo "no browser: apt-get could not install chromium and chromium-driver" >&2
exit 0
