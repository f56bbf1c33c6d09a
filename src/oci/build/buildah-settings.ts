import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { authsOf } from './auths.ts'
import { buildahFolder, storeFor } from './buildah-store.ts'
import type { BuildRequest } from './image-builder.ts'

export interface BuildahSettings {
  environment: Record<string, string>
  /** Before every command: images are kept in the cache folder, apart from those that people of this host have. */
  storage: readonly string[]
  /** Where base images come from, and who may be believed. */
  pulling: string[]
  /** All that is ours of buildah. */
  folder: string
  /** Of this build alone. */
  workFolder: string
  /** Of all layers that there are, a folder each. */
  layers: string
  /** Builds that a process which is gone was at. */
  leftovers: string[]
}

/**
 * Nothing of this host's own configuration has a say: neither its registries nor its storage.
 * Source: containers-storage.conf(5), containers-registries.conf(5), containers-policy.json(5), containers.conf(5).
 */
export async function writeSettings({
  cacheFolder,
  registries = [],
  platform,
}: Pick<BuildRequest, 'cacheFolder' | 'registries' | 'platform'>): Promise<BuildahSettings> {
  const folder = buildahFolder(cacheFolder)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const leftovers = (await readdir(folder)).filter((name) => isLeftover(name)).map((name) => join(folder, name))
  const workFolder = await mkdtemp(join(folder, `work-${process.pid}-`))
  const write = async (name: string, text: string): Promise<string> => {
    const path = join(workFolder, name)
    await writeFile(path, text, { mode: 0o600 })
    return path
  }
  const policy = await write('policy.json', '{"default":[{"type":"insecureAcceptAnything"}]}')
  const auth = await write('auth.json', JSON.stringify({ auths: authsOf(registries) }))
  const networks = join(workFolder, 'networks')
  const certificates = join(workFolder, 'certificates')
  const temporary = join(workFolder, 'tmp')
  for (const one of [networks, certificates, temporary]) await mkdir(one)
  for (const [index, { caFile }] of registries.entries()) {
    if (caFile !== undefined) await writeFile(join(certificates, `${index}.crt`), await readFile(caFile))
  }
  const store = storeFor(folder, platform)
  const storage = '[storage]\ndriver = "overlay"\n'
  return {
    environment: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      LC_ALL: 'C.UTF-8',
      HOME: workFolder,
      TMPDIR: temporary,
      CONTAINERS_CONF: await write('containers.conf', `[network]\nnetwork_config_dir = ${JSON.stringify(networks)}\n`),
      CONTAINERS_REGISTRIES_CONF: await write('registries.conf', registriesText),
      CONTAINERS_STORAGE_CONF: await write('storage.conf', storage),
    },
    pulling: [`--authfile=${auth}`, `--cert-dir=${certificates}`, `--signature-policy=${policy}`],
    storage: store.options,
    folder,
    workFolder,
    layers: join(store.root, 'overlay'),
    leftovers,
  }
}

/** A name without a registry names no image: which one is meant would depend on the host. */
const registriesText = 'unqualified-search-registries = []\nshort-name-mode = "disabled"\n'

function isLeftover(name: string): boolean {
  const [, pid] = /^work-(\d+)-/.exec(name) ?? []
  return pid !== undefined && pid !== String(process.pid)
}

export async function removeSettings({ workFolder }: BuildahSettings): Promise<void> {
  await rm(workFolder, { recursive: true, force: true })
}
