import { sh, type Script } from '../shell/script.ts'

/**
 * Goes into a folder, so that what comes next names what is in it by `./name`, whoever renames and links meanwhile: chmod(1),
 * mkdir(1) and rm(1) follow a path wherever it leads. Within `( … )`, since it may end it. A link on the way is followed where only root
 * can have put it there, or where it leads from a folder of somebody to another of the same: else a user could lead root
 * to /etc. What is not there is made, or there is nothing to do. No process, where no link is on the way.
 */
export function enterFolder(path: string, missing: 'made' | 'nothing to do' = 'made'): Script {
  const mend = missing === 'made' ? sh`mkdir -- "./$part" || exit 1` : sh`exit 0`
  // What cd -P leaves in PWD is asked of the kernel when it is there: POSIX, cd.
  return sh`cd -P -- ${path} 2>/dev/null && [ "$PWD" = ${path} ] || {
astray() { printf '%s\n' "$at is a link that somebody other than root may have made: it is not followed" >&2; exit 1; }
cd /
left=${path} links=0
while [ -n "$left" ]; do
part=\${left%%/*} at=\${PWD%/}/\${left%%/*}
case $left in */*) left=\${left#*/} ;; *) left= ;; esac
case $part in ''|.) continue ;; ..) cd -P .. || exit 1; continue ;; esac
if [ -L "./$part" ]; then
links=$((links + 1)) owner=$(stat -c %u:%g:%a .)
[ $links -le 40 ] || astray
case $owner in ${rootOnly})
to=$(readlink -n -- "./$part" && echo .)
to=\${to%.}
left=$to\${left:+/$left}
case $to in /*) cd / ;; esac ;;
*)
cd -P -- "./$part" || exit 1
owner=\${owner%%:*}
[ "$owner" != 0 ] && [ "$(stat -c %u .)" = "$owner" ] || astray ;;
esac
else
[ -d "./$part" ] || ${mend}
cd -P -- "./$part" || exit 1
[ "$PWD" = "$at" ] || astray
fi
done
}`
}

/** Of a path: the folder that it is in, its name there, and what it is called from there. */
export function placeOf(path: string): { folder: string; name: string; at: string } {
  const slash = path.lastIndexOf('/')
  const name = path.slice(slash + 1)
  return { folder: path.slice(0, slash) || '/', name, at: `./${name}` }
}

/** Goes into a folder of this one, which is no link. */
export function enterPart(name: string): Script {
  return sh`at=\${PWD%/}/${name}
cd -P -- ${`./${name}`} || exit 1
[ "$PWD" = "$at" ] || { printf '%s\n' "$at is a link: it is not followed" >&2; exit 1; }`
}

/**
 * Makes a folder beside `name`, under a name that folders of parts (`sources.list.d`, `sudoers.d`) ignore, and goes into it.
 * Nobody but root can change what is in it, whoever owns the folder around it: `..` leads there again. It is removed when the shell ends.
 */
export function enterOwnFolder(name: string, mode: '0700' | '0711'): Script {
  const own = besideName(name)
  return sh`mkdir -m ${mode} -- ${`./${own}`} || exit 1
${enterPart(own)}
[ -O . ] && case $(stat -c %a .) in *${mode.slice(1)}) ;; *) false ;; esac || { printf '%s\n' "$at was replaced by somebody" >&2; exit 1; }
trap ${`cd -P .. && rm -rf --one-file-system -- ${sh`${`./${own}`}`.shell}`} EXIT`
}

/** What is beside a name until it is in its place. */
export function besideName(name: string): string {
  return `${besidePrefix(name)}new`
}

/** Removes what a run that was killed has left there. */
export function removeLeftovers(name: string): Script {
  return sh`for old in ${leftoversOf('.', name)}; do if [ -e "$old" ] || [ -L "$old" ]; then rm -rf --one-file-system -- "$old"; fi; done`
}

/** A pattern, which stays as it is where nothing matches. */
export function leftoversOf(folder: string, name: string): Script {
  return sh`${`${folder}/${besidePrefix(name)}`}*`
}

/** With the beginning of a name of any length: names have 255 bytes at most. */
function besidePrefix(name: string): string {
  return `.${name.slice(0, 60)}.larder-`
}

/** Of `stat -c %u:%g:%a`: a folder in which nobody but root makes, renames or removes anything. */
export const rootOnly: Script = sh`0:0:*[0145]|0:*[0145][0145]`
