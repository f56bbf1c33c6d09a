import { isLarderError, problemAt, type CheckContext, type Problem, type SourceDocument } from '../../core/index.ts'
import { checkResources } from '../resource/check-resources.ts'
import { parseResources } from '../resource/parse-resources.ts'
import { pulledImage } from '../resource/pull-image.ts'
import { renderTemplate, templateNames, templateSecrets } from '../resource/render-template.ts'
import { resolveResources } from '../resource/resolve-resources.ts'
import type { Resource, ResolveRoom } from '../resource/resource-type.ts'
import { secretNames } from '../secret/secret-names.ts'
import { declaredService } from './declared-service.ts'
import { imagePresence } from './image-presence.ts'
import { readinessOf } from './readiness.ts'
import {
  serviceEntries,
  unitOfService,
  variablesSecret,
  variablesText,
  type ServiceToWrite,
} from './service-entries.ts'
import type { ServiceRoom } from './service-room.ts'
import type { ServiceConfig, ServicesConfig } from './service-schema.ts'

/** A service as it is wanted on one of its machines. */
export interface ServiceOnMachine {
  /** The unit of systemd that runs it. */
  readonly unit: string
  /** Of its image; undefined for a unit. */
  readonly version: string | undefined
  readonly reference: string | undefined
  /** What it needs, and itself. */
  readonly resources: readonly Resource[]
  /** What can be brought before anything that runs is touched: podman, the image. */
  readonly preparation: readonly Resource[]
}

/** First names that templates may use. */
const commonVariables = ['machine', 'machines', 'site']
const example = 'registry.example.org'

/** Everything that is wrong with what services name, each at its place. */
export async function checkServiceResources(services: ServicesConfig, context: CheckContext): Promise<Problem[]> {
  const secrets = [...(await secretNames(context.files)), variablesSecret]
  const checked = Object.entries(services).map(async ([name, config]) => {
    const document = context.documentAt(['services', name])
    const { environment } = config
    const registry = { host: example, authority: undefined, isPlain: false }
    const toWrite = { name, config, environment, isNested: false, registry }
    const { resources, problems } = parseResources(documentOf(serviceEntries(toWrite), document))
    const unknown = Object.entries(config.secrets).flatMap(([variable, secret]) =>
      config.image === undefined && !secrets.includes(secret)
        ? [problemAt(document, ['secrets', variable], { message: `there is no secret "${secret}"` })]
        : [],
    )
    const check = { files: context.files, variables: commonVariables, secrets }
    return [...problems, ...unknown, ...checkEnvironment(config, document), ...(await checkResources(resources, check))]
  })
  return (await Promise.all(checked)).flat()
}

/** FLEET_IMAGE_UNKNOWN until its image is published, FLEET_SECRET_UNKNOWN, FLEET_TEMPLATE_INVALID, FLEET_RESOURCE_INVALID. */
export async function resolveService(
  service: { name: string; config: ServiceConfig; isNested: boolean },
  room: ServiceRoom,
): Promise<ServiceOnMachine> {
  const { name, config } = service
  const image = config.image === undefined ? undefined : await room.image(config.image)
  const environment = Object.fromEntries(
    Object.entries(config.environment).map(([variable, value]) => [
      variable,
      renderTemplate(value, room.variables, 'larder.yaml'),
    ]),
  )
  const toWrite: ServiceToWrite = { ...service, environment, registry: room.registry }
  const nowhere = { file: 'larder.yaml', value: {}, positionOf: () => ({ line: 1, column: 1 }) }
  const parsed = parseResources(documentOf(serviceEntries(toWrite), nowhere)).resources
  const own: ResolveRoom = {
    ...room,
    image: (asked) => room.image(asked),
    secret: async (asked) =>
      asked === variablesSecret ? secretVariables(service, environment, room) : room.secret(asked),
  }
  const origin = `larder.yaml: services.${name}`
  const resolved = await resolveResources(parsed.map((one) => ({ resource: { ...one, origin }, room: own })))
  const isRunning = ({ type }: Resource): boolean => ['container', 'service', 'unit'].includes(type.name)
  const needs = resolved.filter((one) => !isRunning(one))
  const unit = unitOfService(name, config)
  const runs = resolved.filter(isRunning).map(({ id }) => id)
  const readiness = readinessOf(name, { unit, probe: declaredService(name, config).ready, after: runs, origin })
  return {
    unit,
    version: image?.version,
    reference: image?.reference,
    resources: [...resolved, readiness],
    preparation: config.image === undefined ? [] : await preparationOf(config.image, needs, { room, origin }),
  }
}

/** What its image needs, and the image. */
async function preparationOf(
  image: string,
  needs: readonly Resource[],
  { room, origin }: { room: ServiceRoom; origin: string },
): Promise<Resource[]> {
  const after = needs.map(({ id }) => id)
  return [...needs, imagePresence(image, await pulledImage(image, room), { after, origin })]
}

async function secretVariables(
  { name, config }: { name: string; config: ServiceConfig },
  environment: Readonly<Record<string, string>>,
  room: ServiceRoom,
): Promise<string> {
  const secrets = await Promise.all(
    Object.entries(config.secrets).map(async ([variable, secret]) => [variable, await room.secret(secret)] as const),
  )
  return variablesText(name, { PORT: String(config.port), ...environment, ...Object.fromEntries(secrets) })
}

/** What is wrong with an entry is told at the key of the service that it was made of. */
function documentOf(entries: readonly Record<string, unknown>[], service: SourceDocument): SourceDocument {
  const keys = service.value as Record<string, unknown>
  return {
    file: service.file,
    value: entries,
    positionOf: ([, ...path], part) => {
      const [key = ''] = path
      if (Object.hasOwn(keys, key)) return service.positionOf(path, part)
      const isUnit = Object.hasOwn(keys, 'unit')
      return service.positionOf(isUnit ? ['unit', ...path] : [], part)
    },
  }
}

function checkEnvironment({ environment }: ServiceConfig, document: SourceDocument): Problem[] {
  return Object.entries(environment).flatMap(([variable, value]) => {
    const report = (message: string): Problem => problemAt(document, ['environment', variable], { message })
    try {
      if (templateSecrets(value, document.file).asked.length > 0)
        return [report('secrets are not there: `secrets` sets variables to them')]
      return templateNames(value, document.file).flatMap(({ name, isOutermost }) => {
        const [first = ''] = name.split('.')
        if (!isOutermost || commonVariables.includes(first)) return []
        return [report(`nothing is called "${first}" here: ${commonVariables.join(', ')} are there`)]
      })
    } catch (error) {
      if (!isLarderError(error, 'FLEET_TEMPLATE_INVALID')) throw error
      return [report(error.message)]
    }
  })
}
