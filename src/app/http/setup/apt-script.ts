import { hereDocument, quoteWord } from './shell-text.ts'

export interface AptSetup {
  mirror: string
  /** Of this script. */
  url: string
  deb822: string
}

/**
 * A POSIX shell script that makes a Debian or Ubuntu machine a client of a mirror. It writes one file and changes
 * nothing else, unless it is asked to; it runs as a whole or, cut off in the middle, not at all.
 */
export function renderAptScript({ mirror, url, deb822 }: AptSetup): string {
  return `#!/bin/sh
# Makes this machine a client of the mirror ${mirror}:
#   curl -fsS ${url} | sudo sh
# With LARDER_ONLY=1 the mirror becomes the only source: the others are moved aside.
#   curl -fsS ${url} | sudo LARDER_ONLY=1 sh
# With LARDER_UNDO=1 all of that is taken back.
# With LARDER_ROOT=/mnt the system below /mnt is changed, and not this one.
set -eu

mirror=${quoteWord(mirror)}
root=\${LARDER_ROOT:-}
root=\${root%/}
apt=$root/etc/apt

print_source() {
  cat ${hereDocument(deb822)}
}

${actions}`
}

const actions = `source_file=$apt/sources.list.d/larder-$mirror.sources
aside=$apt/larder-aside

main() {
  [ "$(id -u)" -eq 0 ] || fail 'This must run as root: put sudo before sh.'
  command -v apt-get >/dev/null || fail 'There is no apt-get here: this mirror is for Debian and what is made from it.'
  [ -d "$apt" ] || fail "There is no folder $apt."
  if [ "\${LARDER_UNDO:-0}" = 1 ]; then
    undo
    return
  fi
  write_source
  update -o "Dir::Etc::sourcelist=$source_file" -o Dir::Etc::sourceparts=/dev/null -o APT::Get::List-Cleanup=0 ||
    fail "apt-get could not read the mirror. Its source stays in $source_file."
  if [ "\${LARDER_ONLY:-0}" = 1 ]; then
    move_aside
    update || fail 'apt-get update failed with the mirror as the only source.'
  fi
  echo "This machine is now a client of the mirror $mirror ($source_file)."
}

write_source() {
  mkdir -p "$apt/sources.list.d"
  umask 022
  print_source >"$source_file.new"
  mv -f "$source_file.new" "$source_file"
}

update() {
  apt-get update -q -o "Dir=\${root:-/}" -o APT::Update::Error-Mode=any "$@"
}

move_aside() {
  mkdir -p "$aside/sources.list.d"
  for file in "$apt/sources.list" "$apt/sources.list.d"/*.list "$apt/sources.list.d"/*.sources; do
    [ -e "$file" ] || continue
    case $file in "$apt"/sources.list.d/larder-*.sources) continue ;; esac
    kept=$aside\${file#"$apt"}
    [ ! -e "$kept" ] || fail "$kept is there already: move it away, so that nothing is overwritten."
    mv "$file" "$kept"
    echo "moved aside: $file"
  done
}

undo() {
  rm -f "$source_file"
  for kept in "$aside/sources.list" "$aside/sources.list.d"/*; do
    [ -e "$kept" ] || continue
    file=$apt\${kept#"$aside"}
    [ ! -e "$file" ] || fail "$file is there already: move it away, so that nothing is overwritten."
    mv "$kept" "$file"
    echo "brought back: $file"
  done
  [ ! -d "$aside" ] || rmdir "$aside/sources.list.d" "$aside"
  echo "This machine is no longer a client of the mirror $mirror."
}

fail() {
  echo "larder: $*" >&2
  exit 1
}

main
`
