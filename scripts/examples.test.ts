import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { generateKey } from 'openpgp'
import { describe, expect, it } from 'vitest'
import { siteKinds } from '../src/app/site-kinds.ts'
import type { SiteFiles } from '../src/core/index.ts'
import type { MirrorConfig } from '../src/mirror/index.ts'
import { readPackageList } from '../src/mirror/read-package-list.ts'
import { readSite } from '../src/pipeline/index.ts'
import { root } from './command.ts'

const examples = join(root, 'examples')
const { publicKey } = await generateKey({ userIDs: [{ name: 'Publisher' }], format: 'armored' })
const folders = readdirSync(examples).filter((name) => statSync(join(examples, name)).isDirectory())

describe('examples', () => {
  it.each(folders)('%s is a site without mistakes', async (folder) => {
    expect(await readSite(filesIn(join(examples, folder)), siteKinds())).toMatchObject({
      warnings: [],
    })
  })

  it.each(folders)('%s is told of in the README', (folder) => {
    expect(readFileSync(join(examples, 'README.md'), 'utf8')).toContain(`[${folder}](${folder})`)
  })

  it('all shapes of a package list mean the same', async () => {
    const files = filesIn(join(examples, 'package-list-shapes'))
    const result = await readSite(files, siteKinds())
    if (!('site' in result)) throw new Error('the example has mistakes')
    const { sections } = result.site
    const lists = await Promise.all(
      Object.entries(sections['mirrors'] as Record<string, MirrorConfig>).map(async ([name, mirror]) => {
        const { list } = await readPackageList(files, name, mirror)
        return list.map(({ name: listed, constraint, architecture, recommends, exclude }) => {
          return { name: listed, constraint, architecture, recommends, exclude }
        })
      }),
    )
    expect(lists).toHaveLength(5)
    expect(lists[0]?.map(({ name }) => name)).toEqual(['nmap', 'curl', 'nginx'])
    for (const list of lists) expect(list).toEqual(lists[0])
  })
})

/** Keys and secrets are for whoever copies an example to put there. */
const left = ['keys/el9.asc', 'keys/ours.asc', 'secrets/counter-database.age', 'secrets/postgresql-replication.age']

function filesIn(folder: string): SiteFiles {
  return {
    read: (path) => {
      if (path.endsWith('.asc')) return Promise.resolve(Buffer.from(publicKey))
      return Promise.resolve(existsSync(join(folder, path)) ? readFileSync(join(folder, path)) : undefined)
    },
    list: () => {
      const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      return Promise.resolve([...files, ...left].sort())
    },
    entries: () => Promise.resolve([]),
  }
}
