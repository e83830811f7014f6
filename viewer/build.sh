#!/bin/sh
# Bundle the page's JavaScript: npm ci && npm run build. The result is committed.
set -eu
cd "$(dirname "$0")"
out=../src/vitruve/viewer/bundle.js
# A test compares this with the sources, so that a stale bundle is noticed.
sources=$(cat $(ls src/*.js | LC_ALL=C sort) package-lock.json | sha256sum | cut -c 1-16)
notice="/*! Vitruve viewer (sources $sources), Apache-2.0. Contains three.js $(sed -n 's/^  "version": "\(.*\)",$/\1/p' node_modules/three/package.json), \
Copyright 2010-2026 three.js authors, MIT licence:
$(sed 's/^/ * /' node_modules/three/LICENSE) */"
node_modules/.bin/esbuild src/main.js --bundle --minify --format=iife --target=es2022 --charset=ascii \
  --legal-comments=none --banner:js="$notice" --outfile="$out.tmp" --log-level=warning
mv "$out.tmp" "$out"
wc -c "$out"
