import { hereDocument, quoteWord } from './shell-text.ts'

export interface RpmSetup {
  mirror: string
  /** Of this script. */
  url: string
  /** Text of the .repo file. */
  repo: string
}

/**
 * A POSIX shell script that makes a machine with dnf or yum a client of a mirror. It writes one file and changes
 * nothing else, unless it is asked to; it runs as a whole or, cut off in the middle, not at all.
 */
export function renderRpmScript({ mirror, url, repo }: RpmSetup): string {
  return `#!/bin/sh
# Makes this machine a client of the mirror ${mirror}:
#   curl -fsS ${url} | sudo sh
# With LARDER_ONLY=1 the mirror becomes the only repository: the others are moved aside.
#   curl -fsS ${url} | sudo LARDER_ONLY=1 sh
# With LARDER_UNDO=1 all of that is taken back.
# With LARDER_ROOT=/mnt the system below /mnt is changed, and not this one.
set -eu

mirror=${quoteWord(mirror)}
root=\${LARDER_ROOT:-}
root=\${root%/}
repos=$root/etc/yum.repos.d

print_repo() {
  cat ${hereDocument(repo)}
}

${actions}`
}

const actions = `repo_file=$repos/larder-$mirror.repo
aside=$root/etc/larder-aside/yum.repos.d

main() {
  [ "$(id -u)" -eq 0 ] || fail 'This must run as root: put sudo before sh.'
  client=$(command -v dnf || command -v yum) ||
    fail 'There is neither dnf nor yum here: this mirror is for Fedora, Enterprise Linux and what is made from them.'
  if [ "\${LARDER_UNDO:-0}" = 1 ]; then
    undo
    return
  fi
  write_repo
  "$client" --installroot="\${root:-/}" -q -y --disablerepo='*' --enablerepo="larder-$mirror" makecache ||
    fail "The mirror could not be read. Its repository stays in $repo_file."
  if [ "\${LARDER_ONLY:-0}" = 1 ]; then
    move_aside
  fi
  echo "This machine is now a client of the mirror $mirror ($repo_file)."
}

write_repo() {
  mkdir -p "$repos"
  umask 022
  print_repo >"$repo_file.new"
  mv -f "$repo_file.new" "$repo_file"
}

move_aside() {
  mkdir -p "$aside"
  for file in "$repos"/*.repo; do
    [ -e "$file" ] || continue
    case $file in "$repos"/larder-*.repo) continue ;; esac
    kept=$aside\${file#"$repos"}
    [ ! -e "$kept" ] || fail "$kept is there already: move it away, so that nothing is overwritten."
    mv "$file" "$kept"
    echo "moved aside: $file"
  done
}

undo() {
  rm -f "$repo_file"
  for kept in "$aside"/*; do
    [ -e "$kept" ] || continue
    file=$repos\${kept#"$aside"}
    [ ! -e "$file" ] || fail "$file is there already: move it away, so that nothing is overwritten."
    mv "$kept" "$file"
    echo "brought back: $file"
  done
  [ ! -d "$aside" ] || rmdir -p "$aside" 2>/dev/null || :
  echo "This machine is no longer a client of the mirror $mirror."
}

fail() {
  echo "larder: $*" >&2
  exit 1
}

main
`
