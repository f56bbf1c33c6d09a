import { lines, nothing, sh, type Script } from '../shell/script.ts'
import { besideName, enterFolder, enterOwnFolder, placeOf, removeLeftovers, rootOnly } from './enter-folder.ts'

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
 * Beside its place, with its owner and mode before its content, judged, synced, and then renamed. What was there stays whole
 * until then, whatever fails. In a folder in which others than root may act, it is made in one in which they may not:
 * they would put a link in its place, and chown(1) or the shell would follow that. What is mounted there itself (the
 * `/etc/resolv.conf` of a container) cannot be replaced, and gets the new text where it is.
 */
export function writeFile(file: FileToWrite): Script {
  return inFolderOf(file, makeFile(file))
}

/** Of a file with the right content. Where others than root may put a link in its place, it is written anew. */
export function setAttributes(file: FileToWrite): Script {
  const { at } = placeOf(file.path)
  const inPlace = sh`if [ "$new" != "$name" ] && [ -f ${at} ] && [ ! -L ${at} ]; then
${giveTo(sh`${at}`, file)}
chmod ${file.mode} -- ${at}
exit 0
fi`
  return inFolderOf(file, lines(inPlace, makeFile(file)))
}

export function removeFile(path: string): Script {
  const { folder, at } = placeOf(path)
  return sh`(\n${enterFolder(folder, 'nothing to do')}\nrm -f -- ${at}\n)`
}

/** Owner first: chown takes set-user-id bits away. */
export function giveTo(at: Script, { owner, group }: { owner: string; group: string }): Script {
  const give = sh`chown -h ${`${owner}:${group}`} -- ${at}`
  return owner === 'root' && group === 'root' ? sh`[ -O ${at} ] && [ -G ${at} ] || ${give}` : give
}

/** Bytes to where `to` leads, without a process where they are a text. */
export function bytesTo(content: Buffer, to: Script): Script {
  const text = content.toString('utf8')
  const isText = !text.includes('\0') && Buffer.from(text).equals(content)
  return isText ? sh`printf %s ${text} >${to}` : sh`printf %s ${content.toString('base64')} | base64 -d >${to}`
}

/** `new` is its name until it is in its place, `to`. */
function inFolderOf({ path, validate }: FileToWrite, body: Script): Script {
  const { folder, name } = placeOf(path)
  return sh`(
umask 022
${enterFolder(folder)}
name=${name}
if [ -d "./$name" ] && [ ! -L "./$name" ]; then echo ${`${path} is a directory`} >&2; exit 1; fi
${removeLeftovers(name)}
case $(stat -c %u:%g:%a .) in ${rootOnly}) new=${besideName(name)} to=./$name ;;
*)
${enterOwnFolder(name, validate === undefined ? '0700' : '0711')}
new=$name to=../$name ;;
esac
${body}
)`
}

function makeFile({ content, mode, owner, group, validate }: FileToWrite): Script {
  return sh`umask 077
[ "$new" = "$name" ] || trap '[ ! -e "./$new" ] || rm -f -- "./$new"' EXIT
set -C
exec 3>"./$new"
set +C
${giveTo(sh`"./$new"`, { owner, group })}
chmod ${mode} -- "./$new"
${bytesTo(content, sh`&3`)}
exec 3>&-
${validate === undefined ? nothing : judge(validate)}
sync -- "./$new"
if ! said=$(mv -T -f -- "./$new" "$to" 2>&1); then
${intoMount({ owner, group, mode })}
fi
if command -v restorecon >/dev/null 2>&1; then restorecon -- "$to" || :; fi`
}

/** Only where nobody but root may act: no link is put in the place of the file meanwhile. Source: proc_pid_mountinfo(5). */
function intoMount({ owner, group, mode }: Pick<FileToWrite, 'owner' | 'group' | 'mode'>): Script {
  return sh`if [ "$new" = "$name" ] || ! cut -d ' ' -f 5 /proc/self/mountinfo | grep -qxF -- "\${PWD%/}/$name"; then
printf '%s\n' "$said" >&2; exit 1
fi
cat -- "./$new" >"$to"
${giveTo(sh`"$to"`, { owner, group })}
chmod ${mode} -- "$to"
sync -- "$to"
rm -f -- "./$new"`
}

function judge(validate: readonly string[]): Script {
  const words = validate.map((word) =>
    word
      .split('%s')
      .reduce<Script | undefined>(
        (before, text) => (before === undefined ? sh`${text}` : sh`${before}"$judged"${text}`),
        undefined,
      ),
  )
  const command = words.reduce<Script>((before, word) => sh`${before} ${word ?? nothing}`, nothing)
  return sh`judged=\${PWD%/}/$new
if ! said=$(cd / && ${command} 2>&1); then printf '%s\n' "$said" >&2; echo ${`${validate[0] ?? ''} refuses the new text; what was there stays`} >&2; exit 1; fi`
}
