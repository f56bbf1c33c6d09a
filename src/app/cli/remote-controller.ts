import type { Readable } from 'node:stream'
import { parseJson, catalogue, LarderError, type ErrorCode } from '../../core/index.ts'
import { askHttp } from './ask-http.ts'
import type { PlannedChange } from '../controller.ts'
import type { MachineController } from '../machine-controller.ts'
import type { ServiceController } from '../service-controller.ts'
import { packFiles } from '../sent-files.ts'
import type { ControllerClient } from './session.ts'

/** A controller reached over HTTP: the same questions, the same answers, the same errors. CONTROLLER_UNREACHABLE, CANCELLED. */
export function createRemoteController(
  baseUrl: string,
  token: string | undefined,
  signal: AbortSignal = new AbortController().signal,
): ControllerClient {
  const base = `${baseUrl.replace(/\/+$/, '')}/api/v1`
  const call = <T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> =>
    callApi<T>({ url: `${base}${path}`, method, token, body, signal })
  const get = <T>(path: string, query: Record<string, string | number | undefined> = {}): Promise<T> =>
    call<T>('GET', path + queryOf(query))
  const mirrorPath = (name: string): string => `/mirrors/${encodeURIComponent(name)}`
  return {
    planFiles: async (files, { progress }) => {
      const sent = { files: await packFiles(files) }
      const { changes, log } = await call<{ changes: PlannedChange[]; log: string[] }>('POST', '/plan', sent)
      for (const line of log) progress.log(line)
      return changes
    },
    mirrors: () => get('/mirrors'),
    mirror: (name) => get(mirrorPath(name)),
    snapshots: (name) => get(`${mirrorPath(name)}/snapshots`),
    packages: (name, snapshot) => get(`${mirrorPath(name)}/packages`, { snapshot }),
    diff: (name, from, to) => get(`${mirrorPath(name)}/diff`, { from, to }),
    why: (name, packageName) => get(`${mirrorPath(name)}/why/${encodeURIComponent(packageName)}`),
    promote: (name, snapshot) => call('POST', `${mirrorPath(name)}/promote`, { snapshot }),
    rollback: (name) => call('POST', `${mirrorPath(name)}/rollback`),
    verify: (name) => call('POST', `${mirrorPath(name)}/verify`),
    ownPackages: (name) => get(`${mirrorPath(name)}/own`),
    addPackage: (name, { label, content }) =>
      callApi({
        url: `${base}${mirrorPath(name)}/own${queryOf({ label })}`,
        method: 'POST',
        token,
        content,
        signal,
      }),
    removePackage: (name, which) => call('POST', `${mirrorPath(name)}/own/remove`, which),
    sync: () => call('POST', '/sync'),
    runs: ({ limit, before, state, pullRequest }) => get('/runs', { limit, before, state, pullRequest }),
    run: (id) => get(`/runs/${id}`),
    runLog: (id, after) => get(`/runs/${id}/log`, { after }),
    ...remoteImages(call),
    ...remoteMachines(call),
    ...remoteServices(call),
    retryRun: (id) => call('POST', `/runs/${id}/retry`),
    cancelRun: (id) => call('POST', `/runs/${id}/cancel`),
    deliveries: ({ limit, before }) => get('/deliveries', { limit, before }),
    pullRequests: ({ limit, state }) => get('/pull-requests', { limit, state }),
    previews: (run) => get('/previews', { run }),
    removePreviews: async (run) => (await call<{ removed: number }>('POST', `/previews/${run}/remove`)).removed,
    exportMirror: (name, folder) => call('POST', `${mirrorPath(name)}/export`, { folder }),
    collectGarbage: () => call('POST', '/gc'),
    keys: (name) => get(`${mirrorPath(name)}/keys`),
    importKey: (name, key) => call('POST', `${mirrorPath(name)}/keys/import`, key),
    rotateKey: (name) => call('POST', `${mirrorPath(name)}/keys/rotate`),
    doctor: (options) => call('POST', '/doctor', options),
  }
}

type Call = <T>(method: 'GET' | 'POST', path: string, body?: unknown) => Promise<T>

function remoteImages(
  call: Call,
): Pick<ControllerClient, 'images' | 'image' | 'buildImages' | 'rotateImageKey' | 'verifyImage' | 'removeImage'> {
  const imagePath = (name: string): string => `/images/${encodeURIComponent(name)}`
  return {
    images: () => call('GET', '/images'),
    image: (name) => call('GET', imagePath(name)),
    buildImages: () => call('POST', '/images/build'),
    rotateImageKey: () => call('POST', '/images/rotate-key'),
    verifyImage: (name, version) => call('POST', `${imagePath(name)}/verify`, { version }),
    removeImage: (name, version) => call('POST', `${imagePath(name)}/remove`, { version }),
  }
}

function remoteMachines(call: Call): MachineController {
  const machinePath = (name: string): string => `/machines/${encodeURIComponent(name)}`
  return {
    machines: () => call('GET', '/machines'),
    machine: (name) => call('GET', machinePath(name)),
    planMachines: (machines) => call('POST', '/machines/plan', { machines }),
    applyMachines: (machines) => call('POST', '/machines/apply', { machines }),
    networkLeases: () => call('GET', '/network/leases'),
    siteRecipient: async () => (await call<{ recipient: string }>('GET', '/secrets/recipient')).recipient,
    machineKey: (name) => call('POST', `${machinePath(name)}/key`),
    trustMachine: (name, fingerprint) => call('POST', `${machinePath(name)}/trust`, { fingerprint }),
  }
}

function remoteServices(call: Call): ServiceController {
  const servicePath = (name: string): string => `/services/${encodeURIComponent(name)}`
  return {
    services: () => call('GET', '/services'),
    service: (name) => call('GET', servicePath(name)),
    restartService: (name) => call('POST', `${servicePath(name)}/restart`),
  }
}

interface ApiCall {
  url: string
  method: 'GET' | 'POST'
  token: string | undefined
  /** JSON. */
  body?: unknown
  /** Bytes of a file, in place of JSON. */
  content?: Readable
  signal: AbortSignal
}

async function callApi<T>({ url, method, token, body, content, signal }: ApiCall): Promise<T> {
  const headers = {
    accept: 'application/json',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(content === undefined ? {} : { 'content-type': 'application/octet-stream' }),
  }
  const sent = body === undefined ? content : JSON.stringify(body)
  const { status, text } = await askHttp(url, {
    method,
    headers,
    signal,
    ...(sent === undefined ? {} : { body: sent }),
  }).catch((cause: unknown) => {
    signal.throwIfAborted()
    throw unreachable(url, cause)
  })
  const value = parseJson(text)
  if (status < 400) return value as T
  if (status === 401) throw unauthorized(url, token)
  throw toldError(value) ?? unreachable(url, new Error(`status ${status}: ${text.slice(0, 200)}`))
}

function toldError(value: unknown): LarderError | undefined {
  const { error } = (value ?? {}) as {
    error?: { code: string; message: string; hint?: string; context?: Record<string, unknown> }
  }
  if (error === undefined || !(error.code in catalogue)) return undefined
  return new LarderError(error.code as ErrorCode, error)
}

function unauthorized(url: string, token: string | undefined): LarderError {
  const { origin } = new URL(url)
  return new LarderError('UNAUTHORIZED', {
    message: token === undefined ? `${origin} asks for the admin token.` : `${origin} has another admin token.`,
    hint: 'Put it into LARDER_TOKEN: it is the first line of admin-token in the data folder of that controller.',
  })
}

function unreachable(url: string, cause: unknown): LarderError {
  const { origin } = new URL(url)
  return new LarderError('CONTROLLER_UNREACHABLE', {
    message: `No Larder answers at ${origin}: ${cause instanceof Error ? cause.message : String(cause)}.`,
    hint: 'Is `larder up` running there?',
    cause,
  })
}

function queryOf(query: Record<string, string | number | undefined>): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  )
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`
}
