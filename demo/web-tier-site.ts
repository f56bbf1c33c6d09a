// examples/web-tier as the demo pushes it: its network, registry and secrets are those of the demo, and its page is bundled.
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { armor, Encrypter } from 'age-encryption'
import { execa } from 'execa'
import { rolldown } from 'rolldown'
import { hostSuite } from '../src/apt/index.ts'
import type { RunningController } from '../src/app/controller-process.ts'
import { writeLayout } from '../src/oci/testing/write-layout.ts'
import type { PushedSite } from './pushed-site.ts'

const example = join(import.meta.dirname, '../examples/web-tier')

/** First three numbers of the addresses of the network. */
export const subnet = '10.213.90'

/** Where machines and builds find the registry: builds are made on this host. */
export interface DemoRegistry {
  port: number
}

/** The mirror alone: the image that the counter is built upon is made from it. */
export async function writeMirror(site: PushedSite): Promise<void> {
  const text = await readFile(join(example, 'larder.yaml'), 'utf8')
  await site.write({
    'larder.yaml': (await adapted(text)).replace(/^images:[^]*/m, ''),
    'packages.json': await readFile(join(example, 'packages.json'), 'utf8'),
  })
}

/** All of it, with secrets that only this controller can read. */
export async function writeWebTier(site: PushedSite, registry: DemoRegistry, recipient: string): Promise<void> {
  const names = (await readdir(example, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(example.length + 1))
  const texts = names.map(async (name) => {
    const text = await adapted(await readFile(join(example, name), 'utf8'))
    return [name, text.replace('registry.example.org:7443', `localhost:${registry.port}`)] as const
  })
  const secrets = ['counter-database', 'postgresql-replication'].map(
    async (name) => [`secrets/${name}.age`, await encrypt(randomBytes(16).toString('hex'), recipient)] as const,
  )
  await site.write({
    ...Object.fromEntries(await Promise.all([...texts, ...secrets])),
    'counter/public/page.js': await bundlePage(),
  })
}

/** Another version of the counter. */
export async function writeVersion(site: PushedSite, version: string): Promise<void> {
  await site.write({
    'images.json': JSON.stringify([{ service_name: 'counter', type: 'Docker', version }]),
    'counter/version': `${version}\n`,
  })
}

/** Whether a client stays at its machine: another configuration of the balancer, and no other release of the counter. */
export async function writeStickiness(site: PushedSite, isSticky: boolean): Promise<void> {
  const text = await adapted(await readFile(join(example, 'larder.yaml'), 'utf8'))
  await site.write({ 'larder.yaml': text.replace('on: [lb-1] }', `on: [lb-1], sticky: ${isSticky} }`) })
}

async function adapted(text: string): Promise<string> {
  return text.replaceAll('192.168.137', subnet).replace('suite: bookworm', `suite: ${await hostSuite()}`)
}

async function encrypt(value: string, recipient: string): Promise<string> {
  const encrypter = new Encrypter()
  encrypter.addRecipient(recipient)
  return armor.encode(await encrypter.encrypt(value))
}

async function bundlePage(): Promise<string> {
  const bundle = await rolldown({
    input: join(example, 'counter/web/page.jsx'),
    platform: 'browser',
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
  })
  const { output } = await bundle.generate({ minify: true })
  await bundle.close()
  return output[0].code
}

/** Node and what it needs, from the mirror alone, as `base/node:18` of the registry. It has no shell and no package manager. */
export async function pushBaseImage(
  { url, token }: RunningController,
  registry: DemoRegistry,
  folder: string,
): Promise<void> {
  const [certificates, sources] = [join(folder, 'certificates'), join(folder, 'base.sources')]
  const [archive, layout] = [join(folder, 'node.tar'), join(folder, 'node')]
  await mkdir(certificates, { recursive: true })
  const controller = url.replace('0.0.0.0', '127.0.0.1')
  await writeFile(sources, await (await fetch(`${controller}/setup/base.sources`)).text())
  await writeFile(join(certificates, 'ca.crt'), await (await fetch(`${controller}/keys/ca.crt`)).text())
  await execa('mmdebstrap', ['--variant=extract', '--include=nodejs,node-pg', '', archive, sources], {
    stdin: 'ignore',
  })
  await writeLayout(layout, { layers: [{ bytes: await readFile(archive) }], isBase: true })
  await rm(archive)
  const login = [`--dest-cert-dir=${certificates}`, `--dest-creds=admin:${token}`]
  const to = `docker://localhost:${registry.port}/base/node:18`
  await execa('skopeo', ['copy', '--quiet', ...login, `oci:${layout}`, to])
}
