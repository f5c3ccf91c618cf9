#!/bin/bash
# usage: test/kernels/fetch.sh DIRECTORY
#
# Puts one kernel of each series (test/kernels/series) into DIRECTORY/<series>/<package>_<version>.vmlinuz: the newest cloud
# kernel that its suite has, from the Debian mirror that this machine already uses. apt's own lists and sources stay
# untouched. What is there is kept; remove a series' directory to get a newer one. A series that cannot be had is told, asked
# for again the next day, and is no error: the tests then say that they lack it.
set -euo pipefail
[ $# = 1 ] || { echo "usage: test/kernels/fetch.sh DIRECTORY" >&2; exit 2; }
list=$(dirname "$0")/series
directory=$1

say() { echo "test/kernels/fetch.sh: $*" >&2; }

# gone SERIES REASON remembers that there is nothing to be had today.
gone() {
    say "no kernel $1: $2"
    mkdir -p "$directory"
    touch "$directory/$1.gone"
}

missing=()
while read -r series suite; do
    [[ $series != '#'* ]] || continue
    [ -z "$(compgen -G "$directory/$series/*.vmlinuz")" ] || continue
    [ -z "$(find "$directory/$series.gone" -mtime -1 2>/dev/null)" ] || continue
    missing+=("$series $suite")
done <"$list"
[ ${#missing[@]} -gt 0 ] || exit 0

# shellcheck disable=SC1091,SC2016 # not ours to check; apt-get fills these in
mirror=$(. /etc/os-release && apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk -v codename="${VERSION_CODENAME:-}" '$1 == codename { print $2; exit }') || true
if [ -z "$mirror" ]; then
    for one in "${missing[@]}"; do gone "${one% *}" "apt has no source of this machine's own Debian release to derive a mirror from"; done
    exit 0
fi

# An apt of its own, with nothing but the wanted suites.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{sources,lists/partial,cache/archives/partial}
: >"$work/status"
export APT_CONFIG=$work/apt.conf
cat >"$APT_CONFIG" <<END
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$work/sources";
Dir::State::Lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
APT::Sandbox::User "root";
END

# fetch SERIES SUITE
fetch() {
    local series=$1 suite=$2 pattern=${1//./\\.} package version deb
    [ "$series" != newest ] || pattern='[0-9]+\.[0-9]+'
    rm -rf "$work"/{sources,deb}
    mkdir "$work"/{sources,deb}
    echo "deb [arch=amd64 target=Packages signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$work/sources/$suite.list"
    apt-get -q update >"$work/log" 2>&1 || { gone "$series" "apt-get update of $suite failed: $(tail -n 1 "$work/log")"; return; }

    # From 6.19 on the image itself is in linux-binary, and linux-image only asks for it.
    version=$(apt-cache search --names-only "^linux-(image|binary)-${pattern}[.-].*-cloud-amd64$" |
        sed -E 's/^linux-(image|binary)-([^ ]*)-cloud-amd64 .*/\2/' | sort -V | tail -n 1)
    [ -n "$version" ] || { gone "$series" "$suite has none"; return; }
    package=linux-binary-$version-cloud-amd64
    apt-cache show "$package" >/dev/null 2>&1 || package=linux-image-$version-cloud-amd64
    say "fetching $package from $suite"
    (cd "$work/deb" && apt-get -q download "$package") >"$work/log" 2>&1 || { gone "$series" "cannot download $package: $(tail -n 1 "$work/log")"; return; }

    deb=$(basename "$work"/deb/*.deb _amd64.deb)
    mkdir -p "$directory/$series"
    dpkg-deb --fsys-tarfile "$work"/deb/*.deb | tar -x -O --wildcards '*/vmlinuz*' >"$directory/$series/$deb.partial"
    mv "$directory/$series/$deb.partial" "$directory/$series/$deb.vmlinuz"
    rm -f "$directory/$series.gone"
}

for one in "${missing[@]}"; do fetch "${one% *}" "${one#* }"; done
