#!/bin/sh
# Writes checksums.txt: the SHA-256 of every sensor's object, by the sensor's name.
set -eu
cd "$(dirname "$0")/.."
for object in */*_bpfel.o; do
	printf '%s  %s\n' "$(sha256sum <"$object" | cut -d ' ' -f 1)" "$(basename "$object" _bpfel.o)"
done >loader/checksums.txt
