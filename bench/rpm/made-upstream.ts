import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeRpm } from '../../src/rpm/testing/make-rpm.ts'
import { signRpm } from '../../src/rpm/testing/sign-rpm.ts'
import { makeRpmSigner } from '../../test/fixtures/rpm-upstream/index.ts'
import { measureProcess } from '../measure-process.ts'
import { makeDistribution } from './made-distribution.ts'

/** A repository on the disk, every package and repomd.xml signed by one key. */
export interface MadeUpstream {
  /** What is served. */
  folder: string
  /** File with the key that signs, armored. */
  keyring: string
  roots: readonly string[]
}

/** Makes it where it is missing, which takes some four minutes and 400 MB, and keeps it. Metadata by createrepo_c. */
export async function openMadeUpstream(parent: string, count: number): Promise<MadeUpstream> {
  const { packages, roots } = makeDistribution(count)
  const folder = join(parent, 'repository')
  const [keyring, complete] = [join(parent, 'key.asc'), join(parent, 'complete')]
  const recipe = createHash('sha256').update(JSON.stringify(packages)).digest('hex')
  const made: MadeUpstream = { folder, keyring, roots }
  if ((await readIfThere(complete)) === recipe) return made
  await rm(parent, { recursive: true, force: true })
  await mkdir(join(folder, 'Packages'), { recursive: true })
  const signer = await makeRpmSigner('Bench')
  for (const [index, options] of packages.entries()) {
    if (index % 2000 === 0) console.error(`making the upstream: ${index} of ${count} packages`)
    const { name, version, release = '1', architecture = 'x86_64' } = options
    const path = join(folder, 'Packages', `${name}-${version}-${release}.${architecture}.rpm`)
    await writeFile(path, await signRpm(makeRpm(options), signer.privateKey))
  }
  await measureProcess('createrepo_c', ['--quiet', '--no-database', '--changelog-limit=10', folder])
  const repomd = join(folder, 'repodata/repomd.xml')
  await writeFile(`${repomd}.asc`, await signer.signDetached(await readFile(repomd, 'utf8'), new Date()))
  await writeFile(keyring, signer.publicKeyArmored)
  await writeFile(complete, recipe)
  return made
}

async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  })
}
