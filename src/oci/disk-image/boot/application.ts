import { LarderError } from '../../../core/index.ts'
import type { ContentSpool } from '../source/content-spool.ts'
import type { ImageConfig } from '../source/layout.ts'
import { byteString } from '../source/root-path.ts'
import { defaultAttributes, type Attributes, type RootTree } from '../source/root-tree.ts'
import { addUser, findUser, type ApplicationUser } from './application-user.ts'
import { refuseUnbootable } from './refuse-unbootable.ts'

const applicationFolder = '/srv/image'
const unitName = 'larder-image.service'

/**
 * Puts an image of an application into a base that starts a machine: whole, in a folder of its own, as a service that
 * systemd starts in it as an engine of containers would (entry point, command, environment, working folder, user). So
 * the libraries of the two never mix. DISK_IMAGE_UNBOOTABLE where the image names no command or the base has no systemd.
 */
export async function addApplication(
  base: RootTree,
  application: { tree: RootTree; config: ImageConfig },
  options: { spool: ContentSpool; createdAt: Date },
): Promise<void> {
  const { tree, config } = application
  if (!base.find('/usr/lib/systemd/systemd') && !base.find('/lib/systemd/systemd'))
    await refuseUnbootable(
      base,
      [{ part: 'init', why: 'an image runs as a service of systemd, which is not there' }],
      'The base',
    )
  const user = await findUser(tree, config.user)
  const unit = await makeUnit(tree, config, user)
  await addUser(base, user, options.spool)
  const attributes: Attributes = {
    ...defaultAttributes,
    modifiedAtS: Math.floor(options.createdAt.getTime() / 1000),
    mode: 0o644,
  }
  base.put(applicationFolder, tree.root)
  base.put(`/etc/systemd/system/${unitName}`, await options.spool.writeFile(unit, attributes))
  base.put(`/etc/systemd/system/multi-user.target.wants/${unitName}`, {
    kind: 'symlink',
    attributes,
    target: `../${unitName}`,
  })
}

/** Source: systemd.exec(5), systemd.service(5). */
async function makeUnit(tree: RootTree, config: ImageConfig, user: ApplicationUser): Promise<string> {
  const command = [...config.entrypoint, ...config.command]
  const program = await findProgram(tree, command[0], config)
  return [
    '[Unit]',
    'Description=The image of this machine',
    'Wants=network-online.target',
    'After=network-online.target',
    '',
    '[Service]',
    `RootDirectory=${applicationFolder}`,
    'MountAPIVFS=yes',
    'BindReadOnlyPaths=-/etc/resolv.conf',
    `WorkingDirectory=${checked(config.workingFolder).replaceAll('%', '%%')}`,
    ...config.environment.map((assignment) => `Environment=${quoted(assignment)}`),
    `User=${user.uid}`,
    `Group=${user.gid}`,
    `ExecStart=${[program, ...command.slice(1)].map((word) => quoted(word).replaceAll('$', '$$$$')).join(' ')}`,
    'Restart=always',
    'RestartSec=1',
    'StandardOutput=journal+console',
    'StandardError=journal+console',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n')
}

function quoted(word: string): string {
  const escaped = word
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t')
    .replaceAll('%', '%%')
  return `"${checked(escaped)}"`
}

function checked(word: string): string {
  if (!/[\u0000-\u001f\u007f]/.test(word)) return word
  throw new LarderError('DISK_IMAGE_SOURCE_INVALID', {
    message: `The configuration of the image has a control character in ${JSON.stringify(word.slice(0, 100))}.`,
    hint: 'Look at ENV, ENTRYPOINT, CMD and WORKDIR in the Dockerfile.',
  })
}

/** systemd wants a whole path; a name without slashes is looked for where the image's PATH says. */
async function findProgram(tree: RootTree, name: string | undefined, config: ImageConfig): Promise<string> {
  if (name === undefined || name === '')
    return await refuseUnbootable(
      tree,
      [{ part: 'command', why: 'the image has no ENTRYPOINT and no CMD' }],
      'The image',
    )
  if (name.startsWith('/')) return name
  if (name.includes('/')) return `${config.workingFolder.replace(/\/$/, '')}/${name}`
  const assignment = config.environment.find((text) => text.startsWith('PATH='))
  const folders = (assignment?.slice('PATH='.length) ?? '/usr/local/bin:/usr/bin:/bin').split(':')
  for (const folder of folders) {
    const node = tree.find(byteString(`${folder}/${name}`))
    if (folder.startsWith('/') && node?.kind === 'file' && (node.attributes.mode & 0o111) !== 0)
      return `${folder}/${name}`
  }
  return await refuseUnbootable(
    tree,
    [{ part: 'command', why: `there is no ${name} on the PATH of the image` }],
    'The image',
  )
}
