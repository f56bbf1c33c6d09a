import { createHash } from 'node:crypto'
import { z } from 'zod'
import { lines, sh } from '../../shell/script.ts'
import { containerEnvironment } from '../container-environment.ts'
import { desiredFile } from '../content.ts'
import { environmentMap, hostPath, oneLine, presence, siteName } from '../grammar.ts'
import { probeSchema, probeScript, readyMsOf, readyTimeout, type Probe } from '../probe.ts'
import { pulledImage, pullImage, type PulledImage } from '../pull-image.ts'
import type { ResourceType } from '../resource-type.ts'
import {
  installUnit,
  readUnitFiles,
  removeUnit,
  unitFilesDifferences,
  unitFilesAsked,
  type DesiredUnit,
  type UnitFilesFacts,
} from '../unit-files.ts'
import { activeScript } from '../unit-facts.ts'
import { environmentFile, unitCommand } from '../unit-text.ts'

/** podman-run(1): `:` means something to --volume, `,` and quotes to --mount. */
const volume = z
  .strictObject({ from: hostPath, to: hostPath, read_only: z.boolean().default(false) })
  .refine(
    ({ from, to }) => !`${from}${to}`.includes(':') || !/[,"]/.test(`${from}${to}`),
    'podman takes no volume with ":" and with "," or quotes in its paths',
  )

const schema = z
  .strictObject({
    container: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,60}$/, 'small letters, digits, _ and - make the name of a container'),
    image: z.string().min(1).max(255).optional().describe('An image of this site'),
    command: z.array(oneLine).max(200).default([]).describe('Default: that of the image'),
    environment: environmentMap,
    secrets: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), siteName)
      .default({})
      .describe('Variables that are set to secrets of the site'),
    network: z.enum(['host', 'bridge', 'none']).default('host'),
    ports: z
      .array(
        z
          .string()
          .regex(/^(?:[0-9.]{7,15}:)?[0-9]{1,5}:[0-9]{1,5}(?:\/(?:tcp|udp))?$/, 'two ports are needed: 8080:80'),
      )
      .max(100)
      .default([])
      .describe('network: bridge. Port of the machine, and of the container'),
    volumes: z.array(volume).max(100).default([]),
    user: z
      .string()
      .regex(/^[a-z0-9_][a-z0-9_-]*(?::[a-z0-9_-]+)?$/)
      .optional()
      .describe('Within the container'),
    cgroups: z
      .enum(['enabled', 'disabled'])
      .default('enabled')
      .describe('disabled: for machines that are containers themselves'),
    ready: probeSchema.optional().describe('Default: systemd says that it is active'),
    ready_timeout: readyTimeout,
    state: presence,
  })
  .refine(({ image, state }) => state === 'absent' || image !== undefined, '"image" is missing')
  .describe('A container of an image of this site, run by podman as a unit of systemd')

type Declared = z.output<typeof schema>

interface Desired extends DesiredUnit {
  readonly image: PulledImage
  readonly ready: Probe | undefined
  readonly readyMs: number | undefined
}

export const containerType: ResourceType<Declared, Desired, UnitFilesFacts> = {
  name: 'container',
  schema,
  subjectOf: (declared) => declared.container,
  names: ({ image, secrets }) => [
    ...(image === undefined ? [] : [{ kind: 'image' as const, name: image, key: 'image' }]),
    ...Object.values(secrets).map((name) => ({ kind: 'secret' as const, name, key: 'secrets' })),
  ],
  resolve: async (declared, room) => {
    const name = declared.container
    const isAbsent = declared.state === 'absent'
    const image = isAbsent ? noImage : await pulledImage(declared.image ?? '', room)
    const secrets = await Promise.all(
      Object.entries(declared.secrets).map(
        async ([variable, secret]) => [variable, await room.secret(secret)] as const,
      ),
    )
    const { file, passed } = containerEnvironment(name, { ...declared.environment, ...Object.fromEntries(secrets) })
    const [handed, through] = containerVariables(name)
    const hidden = { mode: '0600', isSecret: secrets.length > 0 }
    const variables = [desiredFile(handed, file, hidden), desiredFile(through, environmentFile(passed), hidden)]
    const text = unitText(declared, image.reference, Object.keys(passed))
    const hash = createHash('sha256').update(text)
    for (const { sha256 } of variables) hash.update(sha256)
    const release = hash.digest('hex').slice(0, 16)
    const unit = desiredFile(`/etc/systemd/system/${name}.service`, text.replace(releaseMark, release))
    // Written by the unit itself once it has started: another one is running, or none, where it says something else.
    const running = desiredFile(`/run/larder-containers/${name}`, `${release}\n`)
    const files = [...variables, unit, running]
    const { ready, ready_timeout: within } = declared
    return { unit: `${name}.service`, files, isAbsent, image, ready, readyMs: readyMsOf(within) }
  },
  after: () => ['package:*', 'file:/etc/containers/*', 'authority:*', 'directory:*', 'mount:*', 'host-entry:*'],
  asks: unitFilesAsked,
  read: (_, _all, seen) => seen.map(readUnitFiles),
  diff: unitFilesDifferences,
  apply: (desired) => {
    if (desired.isAbsent) return removeUnit(desired)
    // Before anything is stopped.
    return lines(pullImage(desired.image), installUnit({ ...desired, files: desired.files.slice(0, -1) }))
  },
  notified: ({ unit }) => sh`systemctl restart -- ${unit}`,
  ready: ({ unit, ready, isAbsent }) => {
    if (isAbsent) return undefined
    const active = activeScript(unit)
    return ready === undefined ? active : sh`${active} && ${probeScript(ready)}`
  },
  readyMs: (desired) => desired.readyMs,
}

const noImage: PulledImage = { reference: '', login: undefined }

const releaseMark = '@RELEASE@'

function mountOptions({ from, to, read_only: isReadOnly }: Declared['volumes'][number]): string[] {
  if (!`${from}${to}`.includes(':')) return ['--volume', `${from}:${to}${isReadOnly ? ':ro' : ''}`]
  return ['--mount', `type=bind,source=${from},destination=${to}${isReadOnly ? ',ro=true' : ''}`]
}

/** Files of its variables: those that podman reads, and those that systemd gives to podman. */
export function containerVariables(name: string): readonly [handed: string, through: string] {
  return [`/etc/larder/containers/${name}.env`, `/etc/larder/containers/${name}.passed.env`]
}

function unitText(declared: Declared, reference: string, passed: readonly string[]): string {
  const name = declared.container
  const { cgroups } = declared
  const [handed, through] = containerVariables(name)
  const options = [
    ...['--rm', '--replace', '--name', name, '--sdnotify=conmon', '--pull=never', '--log-driver=journald'],
    ...(cgroups === 'disabled' ? ['--cgroups=disabled'] : ['--cgroups=split']),
    `--network=${declared.network}`,
    ...declared.ports.flatMap((ports) => ['--publish', ports]),
    ...declared.volumes.flatMap(mountOptions),
    ...(declared.user === undefined ? [] : ['--user', declared.user]),
    '--env-file',
    handed,
    ...passed.flatMap((variable) => ['--env', variable]),
  ]
  return `# Written by Larder.
[Unit]
Description=Container ${name}
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
NotifyAccess=all
EnvironmentFile=${through}
ExecStartPre=-/bin/rm -f /run/larder-containers/${name}
ExecStart=/usr/bin/podman run ${unitCommand([...options, reference, ...declared.command])}
ExecStartPost=/bin/sh -c "mkdir -p /run/larder-containers && echo ${releaseMark} >/run/larder-containers/${name}"
ExecStop=/usr/bin/podman stop --ignore --time 10 ${name}
ExecStopPost=-/usr/bin/podman rm --force --ignore ${name}
Restart=on-failure
RestartSec=2
TimeoutStopSec=30

[Install]
WantedBy=multi-user.target
`
}
