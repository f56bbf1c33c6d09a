import { nestedStorage } from '../resource/nested-storage.ts'
import { environmentFile } from '../resource/unit-text.ts'
import type { ServiceRegistry } from './service-room.ts'
import type { ServiceConfig } from './service-schema.ts'
import { declaredService } from './declared-service.ts'

/** The variables of a unit, where secrets are among them, as a secret that no file of the site has. */
export const variablesSecret = 'larder.variables'

export interface ServiceToWrite {
  name: string
  config: ServiceConfig
  /** Templates in it are filled in. */
  environment: Readonly<Record<string, string>>
  /** Its machine is a container itself. */
  isNested: boolean
  /** Where its image comes from, as machines reach that. */
  registry: ServiceRegistry
}

/** A service on a machine, as resources that somebody could have written there. */
export function serviceEntries(service: ServiceToWrite): Record<string, unknown>[] {
  return service.config.image === undefined ? unitEntries(service) : containerEntries(service)
}

/** The unit of systemd that it is. */
export function unitOfService(name: string, { unit }: Pick<ServiceConfig, 'unit'>): string {
  return typeof unit === 'string' ? unit : `${name}.service`
}

function containerEntries({ name, config, environment, isNested, registry }: ServiceToWrite) {
  const { image, command, secrets, volumes, user, port } = config
  const settings = ['package:podman']
  const storage = { file: '/etc/containers/storage.conf', content: nestedStorage, after: settings }
  return [
    { package: ['podman', 'crun', 'ca-certificates'], recommends: false },
    ...(isNested ? [storage] : []),
    ...registryEntries(registry).map((entry) => ({ ...entry, after: settings })),
    {
      container: name,
      image,
      command,
      environment: { PORT: String(port), ...environment },
      secrets,
      volumes,
      ...(user === undefined ? {} : { user }),
      cgroups: isNested ? 'disabled' : 'enabled',
      ready: declaredService(name, config).ready,
    },
  ]
}

/** containers-registries.conf(5). Podman alone has to trust it. */
function registryEntries({ host, authority, isPlain }: ServiceRegistry): Record<string, unknown>[] {
  if (authority !== undefined) return [{ authority: 'registry', system: false }]
  if (!isPlain) return []
  const content = `# Written by Larder: what is pulled is compared with its digest.\n[[registry]]\nlocation = "${host}"\ninsecure = true\n`
  return [{ file: '/etc/containers/registries.conf.d/larder.conf', content }]
}

function unitEntries({ name, config, environment }: ServiceToWrite) {
  const { unit, port, secrets } = config
  const unitName = unitOfService(name, config)
  const text = variablesText(name, { PORT: String(port), ...environment })
  const variables = Object.keys(secrets).length > 0 ? { secret: variablesSecret } : { content: text }
  const notify = [`service:${unitName.replace(/\.service$/, '')}`]
  return [
    ...(typeof unit === 'object' ? [{ unit: unitName, ...unit, notify }] : []),
    { file: `/etc/larder/services/${name}.env`, ...variables, notify },
    {
      unit: `${unitName}.d/larder.conf`,
      content: `# Written by Larder.\n[Service]\nEnvironmentFile=/etc/larder/services/${name}.env\n`,
      notify,
    },
    { service: unitName, ready: declaredService(name, config).ready },
  ]
}

export function variablesText(name: string, environment: Readonly<Record<string, string>>): string {
  return `# Variables of ${name}, written by Larder.\n${environmentFile(environment)}`
}
