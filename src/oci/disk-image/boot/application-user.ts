import type { ContentSpool } from '../source/content-spool.ts'
import type { RootTree } from '../source/root-tree.ts'
import { readText } from './kernel-image.ts'
import { refuseUnbootable } from './refuse-unbootable.ts'

export interface ApplicationUser {
  uid: string
  gid: string
  home: string
}

/**
 * Whom an image runs as; names mean what its own files say. Source: OCI image-spec, config.md: `user`, `uid`,
 * `user:group` … DISK_IMAGE_UNBOOTABLE.
 */
export async function findUser(tree: RootTree, text: string): Promise<ApplicationUser> {
  const [user = '', group] = text.split(':')
  const people = await readRows(tree, '/etc/passwd')
  const name = user === '' ? '0' : user
  const row = people.find((fields) => fields[0] === name) ?? people.find((fields) => fields[2] === name)
  const uid = row?.[2] ?? name
  const gid = group === undefined ? (row?.[3] ?? '0') : await findGroup(tree, group)
  if (isNumber(uid) && isNumber(gid)) return { uid, gid, home: homeOf(row) }
  const why = `it is to run as ${JSON.stringify(text.slice(0, 100))}, whom it does not know`
  return await refuseUnbootable(tree, [{ part: 'command', why }], 'The image')
}

/** systemd runs nothing as somebody whom the machine does not know: so it is told, where no other has the number. */
export async function addUser(base: RootTree, { uid, gid, home }: ApplicationUser, spool: ContentSpool): Promise<void> {
  await addRow(
    base,
    '/etc/passwd',
    { number: uid, row: `${newName}:x:${uid}:${gid}::${home}:/usr/sbin/nologin` },
    spool,
  )
  await addRow(base, '/etc/group', { number: gid, row: `${newName}:x:${gid}:` }, spool)
}

const newName = 'larder-image'

async function addRow(
  base: RootTree,
  path: string,
  { number, row }: { number: string; row: string },
  spool: ContentSpool,
): Promise<void> {
  const file = base.find(path)
  if (file?.kind !== 'file') return
  const text = await readText(file)
  if (text.split('\n').some((line) => line.split(':')[2] === number)) return
  base.put(path, await spool.writeFile(`${text.replace(/\n*$/, '\n')}${row}\n`, file.attributes))
}

async function findGroup(tree: RootTree, name: string): Promise<string> {
  const groups = await readRows(tree, '/etc/group')
  return groups.find((fields) => fields[0] === name)?.[2] ?? name
}

/** A colon or a line feed cannot be in a row; others could be what systemd takes for something else. */
function homeOf(row: readonly string[] | undefined): string {
  const home = row?.[5] ?? '/'
  return /^\/[\x21-\x7e]*$/.test(home) ? home : '/'
}

function isNumber(text: string): boolean {
  return /^\d{1,10}$/.test(text)
}

async function readRows(tree: RootTree, path: string): Promise<string[][]> {
  const file = tree.find(path)
  return file?.kind === 'file' ? (await readText(file)).split('\n').map((line) => line.split(':')) : []
}
