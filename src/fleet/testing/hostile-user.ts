import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs'
import { readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lines, sh, type Script } from '../shell/script.ts'
import { runScript } from './run-script.ts'

/** Of nobody, so that it needs no account. */
export const hostileId = '54321'

export interface HostileHome {
  /** Belongs to the user. */
  readonly home: string
  /** A folder of root's with a file and a folder in it; nothing of it is ever to change. */
  readonly precious: string
  /** Everything about what is precious: names, owners, modes, contents, links. */
  preciousState(): string
  /** What the user does as itself, in its home. */
  act(does: Script): void
  /** What makes the user act in the middle of a script: it has a turn before and after each program, and uses five of them. */
  actAt(turn: number, does: Script): { before: Script; hasActed(): boolean }
  remove(): void
}

export function makeHostileHome(): HostileHome {
  const root = mkdtempSync(join(tmpdir(), 'larder-hostile-'))
  const [home, precious] = [join(root, 'home'), join(root, 'precious')]
  chmodSync(root, 0o755)
  for (const folder of [home, precious, join(precious, 'folder')]) mkdirSync(folder, { mode: 0o755 })
  for (const name of ['file', 'folder/app']) writeFileSync(join(precious, name), 'root’s own', { mode: 0o600 })
  chownSync(home, Number(hostileId), Number(hostileId))
  const asUser = (does: Script): Script =>
    sh`cd ${home} && exec setpriv --reuid ${hostileId} --regid ${hostileId} --clear-groups /bin/sh -c ${does.shell}`
  return {
    home,
    precious,
    preciousState: () => stateOf(precious),
    act: (does) => {
      const { code, stderr } = runScript(asUser(does))
      if (code !== 0) throw new Error(stderr)
    },
    actAt: (turn, does) => {
      const [turns, acted] = [join(root, 'turns'), join(root, 'acted')]
      writeFileSync(turns, '0\n')
      const act = sh`act() {
read -r turn <${turns}
echo $((turn + 1)) >${turns}
[ "$turn" -lt ${turn} ] || [ "$turn" -gt ${turn + 4} ] || { : >${acted}; (${asUser(does)}) >/dev/null 2>&1 || :; }
}`
      // Functions of the shell in place of programs, so that nothing else is slower.
      const standIns = programs.map(
        (name) => sh`${{ shell: name }}() { act; command ${name} "$@" && code=0 || code=$?; act; return $code; }`,
      )
      // Of a test that writes hundreds of files, the disk is what is slow.
      const sync = sh`sync() { act; }`
      return { before: lines(act, ...standIns, sync), hasActed: () => existsSync(acted) }
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

const programs = 'base64 chmod chown ln ls mkdir mktemp mv readlink rm rmdir stat tar'.split(' ')

function stateOf(path: string): string {
  const { mode, uid, gid } = lstatSync(path)
  const own = `${path} ${mode.toString(8)} ${uid}:${gid}`
  if ((mode & 0o170000) === 0o040000) {
    return [
      own,
      ...readdirSync(path)
        .toSorted()
        .map((name) => stateOf(join(path, name))),
    ].join('\n')
  }
  return `${own} ${(mode & 0o170000) === 0o120000 ? readlinkSync(path) : readFileSync(path, 'utf8')}`
}
