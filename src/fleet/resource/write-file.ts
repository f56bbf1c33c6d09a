import { nothing, sh, type Script } from '../shell/script.ts'

export interface FileToWrite {
  path: string
  content: Buffer
  mode: string
  owner: string
  group: string
  /** Arguments of a program that judges it before anybody sees it; `%s` is where it is. */
  validate?: readonly string[] | undefined
}

/**
 * Beside its place under a name that folders of parts (`sources.list.d`, `sudoers.d`) ignore, with its owner and mode
 * before its content, judged, synced, and then renamed. What was there stays whole until then, whatever fails.
 */
export function writeFile({ path, content, mode, owner, group, validate }: FileToWrite): Script {
  const at = path.lastIndexOf('/')
  const folder = path.slice(0, at) || '/'
  const template = `${path.slice(0, at)}/.${path.slice(at + 1).slice(0, 200)}.larder-XXXXXX`
  return sh`(
umask 022
mkdir -p -- ${folder}
if [ -d ${path} ] && [ ! -L ${path} ]; then echo ${`${path} is a directory`} >&2; exit 1; fi
umask 077
new=$(mktemp ${template})
trap 'rm -f -- "$new"' EXIT
chown ${`${owner}:${group}`} -- "$new"
chmod ${mode} -- "$new"
printf %s ${content.toString('base64')} | base64 -d >"$new"
${validate === undefined ? nothing : judge(validate)}
sync -- "$new"
mv -T -f -- "$new" ${path}
if command -v restorecon >/dev/null 2>&1; then restorecon -- ${path} || :; fi
)`
}

function judge(validate: readonly string[]): Script {
  const words = validate.map((word) =>
    word
      .split('%s')
      .reduce<Script | undefined>(
        (before, text) => (before === undefined ? sh`${text}` : sh`${before}"$new"${text}`),
        undefined,
      ),
  )
  const command = words.reduce<Script>((before, word) => sh`${before} ${word ?? nothing}`, nothing)
  return sh`if ! said=$(${command} 2>&1); then printf '%s\n' "$said" >&2; echo ${`${validate[0] ?? ''} refuses the new text; what was there stays`} >&2; exit 1; fi`
}

/** Owner first: chown takes set-user-id bits away. */
export function setAttributes(path: string, { mode, owner, group }: Omit<FileToWrite, 'path' | 'content'>): Script {
  return sh`chown -h ${`${owner}:${group}`} -- ${path}\nchmod ${mode} -- ${path}`
}
