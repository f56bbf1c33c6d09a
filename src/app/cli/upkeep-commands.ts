import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { formatBytes, LarderError } from '../../core/index.ts'
import type { CommandContext } from './command-context.ts'
import type { Bind } from './program.ts'

export function addUpkeepCommands(program: Command, bind: Bind): void {
  program.command('gc').description('remove what nothing refers to any more').action(bind(gc))
  const key = program.command('key').description('the keys that clients of a mirror trust')
  key.command('show').description('fingerprints').argument('<mirror>').action(bind(showKeys))
  key
    .command('rotate')
    .description('make a new key; for 30 days both sign')
    .argument('<mirror>', 'or images, where no mirror is called so')
    .action(bind(rotateKey))
  key
    .command('import')
    .description('sign a mirror with an existing OpenPGP key')
    .argument('<mirror>')
    .argument('<file>', 'private key in ASCII armour')
    .option('--passphrase-file <file>', 'whose first line opens the key')
    .action(bind(importKey))
}

async function gc({ withController, output }: CommandContext): Promise<undefined> {
  const result = await withController((client) => client.collectGarbage())
  output.data(result)
  output.line(`${result.removed} blobs removed, ${formatBytes(result.freedBytes)} freed, ${result.kept} kept`)
}

async function showKeys({ withController, output }: CommandContext, mirror: string): Promise<undefined> {
  tellKeys(output, await withController((client) => client.keys(mirror)))
}

async function rotateKey({ withController, output }: CommandContext, mirror: string): Promise<undefined> {
  const isOfImages = await withController(async (client) => {
    const isOurs = mirror === 'images' && (await client.mirrors()).every(({ name }) => name !== mirror)
    tellKeys(output, await (isOurs ? client.rotateImageKey() : client.rotateKey(mirror)))
    return isOurs
  })
  if (isOfImages) output.line('clients fetch both keys from /keys/images.pub')
  else output.line(`clients fetch the new key from /keys/${mirror}.asc, or run /setup/${mirror} again`)
}

async function importKey(
  { withController, output }: CommandContext,
  mirror: string,
  file: string,
  options: { passphraseFile?: string },
): Promise<undefined> {
  const armored = await readGiven(file)
  const passphrase = options.passphraseFile && (await readGiven(options.passphraseFile)).split(/\r?\n/)[0]
  tellKeys(output, await withController((client) => client.importKey(mirror, { armored, passphrase })))
}

async function readGiven(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new LarderError('NOT_FOUND', {
      message: `${path} cannot be read: ${(cause as Error).message}.`,
      hint: 'Give a file that the user who runs this command may read.',
      cause,
    })
  })
}

function tellKeys(
  output: CommandContext['output'],
  keys: { fingerprint: string; retiresAt: string | undefined }[],
): void {
  output.data(keys)
  output.table(
    ['FINGERPRINT', 'SIGNS UNTIL'],
    keys.map((key) => [key.fingerprint, key.retiresAt ?? 'replaced']),
  )
}

/** Writes into a folder of the machine that the controller runs on. */
export async function exportMirror(
  { withController, output }: CommandContext,
  mirror: string,
  folder: string,
): Promise<undefined> {
  const result = await withController((client) => client.exportMirror(mirror, resolve(folder)))
  output.data(result)
  output.line(`${result.written} files written, ${result.kept} right already, ${result.removed} removed`)
}
