import type { Command } from 'commander'
import { formatBytes, LarderError, shortTime } from '../../core/index.ts'
import type { CommandContext } from './command-context.ts'
import type { Bind } from './program.ts'
import { carryOut } from './run-commands.ts'

export function addImageCommands(program: Command, bind: Bind): void {
  const image = program.command('image').description('images that Larder builds')
  image.command('ls').description('images, their newest version and the state of their last build').action(bind(list))
  image.command('show').description('versions, builds and proofs of an image').argument('<image>').action(bind(show))
  image.command('build').description('build what has changed on the branch of images').action(bind(build))
  image
    .command('verify')
    .description('read and hash a version, and look at its signature')
    .argument('<image>')
    .argument('[version]', 'default: the newest')
    .action(bind(verify))
  image
    .command('rm')
    .description('remove a version from the registry')
    .argument('<image>')
    .argument('<version>')
    .action(bind(remove))
}

async function list({ withController, output }: CommandContext): Promise<undefined> {
  const images = await withController((client) => client.images())
  output.data(images)
  output.table(
    ['IMAGE', 'TYPE', 'VERSION', 'STATE', 'BUILT', 'ERROR'],
    images.map(({ name, type, version, state, builtAt, error }) => [
      name,
      type,
      version ?? '',
      state,
      shortTime(builtAt),
      error?.message.split('\n', 1)[0] ?? '',
    ]),
  )
}

async function show({ withController, output }: CommandContext, name: string): Promise<undefined> {
  const image = await withController((client) => client.image(name))
  output.data(image)
  const { reference, digest, error } = image
  output.line(`${name}, ${image.type}: ${image.state}`)
  if (reference !== undefined) output.line(`pull it as ${reference} (${digest ?? ''})`)
  if (error !== undefined) output.line(`the last build failed: ${error.message} [${error.code}]`)
  output.line()
  output.table(
    ['VERSION', 'DIGEST', 'PLATFORMS', 'COMMIT', 'BUILT'],
    image.versions.map((one) => [
      one.version,
      one.digest,
      one.platforms.join(' '),
      one.commit?.slice(0, 12) ?? '',
      shortTime(one.builtAt),
    ]),
  )
  output.line()
  output.table(
    ['BUILD', 'STATE', 'RUN', 'COMMIT', 'BEGAN', 'EC2'],
    image.builds.map((one) => [
      one.version,
      one.state,
      one.run,
      one.commit?.slice(0, 12) ?? '',
      shortTime(one.startedAt),
      one.ec2 === undefined ? '' : `${one.ec2.imageId} in ${one.ec2.region}`,
    ]),
  )
  if (image.proofs.length === 0) return
  output.line()
  output.table(
    ['PROOF', 'DIGEST', 'SIZE'],
    image.proofs.map((one) => [one.artifactType, one.digest, formatBytes(one.sizeBytes)]),
  )
}

async function build(context: CommandContext): Promise<number> {
  return carryOut(context, (client) => client.buildImages())
}

async function verify({ withController, output }: CommandContext, name: string, asked?: string): Promise<number> {
  const { version, findings } = await withController(async (client) => {
    const version = asked ?? (await client.image(name)).version
    if (version === undefined) {
      throw new LarderError('OCI_MANIFEST_UNKNOWN', { message: `No version of ${name} is published.` })
    }
    return { version, findings: await client.verifyImage(name, version) }
  })
  output.data(findings)
  for (const { message } of findings) output.line(`${name} ${version}: ${message}`)
  if (findings.length === 0) output.line(`${name} ${version} is whole, and signed by this Larder`)
  return findings.length === 0 ? 0 : 1
}

async function remove({ withController, output }: CommandContext, name: string, version: string): Promise<undefined> {
  const answer = await withController((client) => client.removeImage(name, version))
  output.data(answer)
  output.line(`removed ${answer.removed}; what nothing else needs is freed by gc some time later`)
}
