import { sh, type Script } from '../shell/script.ts'

/** A glob that matches nothing stays as it is, and is no file then. It is a text of ours, and not quoted. */
const sources = sh`/etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources /etc/yum.repos.d/*.repo`

/** Does something with each source of packages that is not Larder's, as `$file`. It may `continue` and `break`. */
export function forOtherSources(body: Script): Script {
  return sh`for file in ${sources}; do
case $file in */larder-*) continue ;; esac
[ -s "$file" ] || continue
${body}
done`
}
