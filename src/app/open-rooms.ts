import { createLog, KnownSecrets, type Clock, type Log, type LogLevel } from '../core/index.ts'
import { createFetcher, proxyFromEnvironment, type Fetcher, type FetchLimits } from '../fetch/index.ts'
import { createRegistry, type Registry } from '../oci/index.ts'
import { createKeyring, createPublisher, type Keyring, type Publisher } from '../publish/index.ts'
import { createCache, lockDataFolder, openDatabase, type Cache, type State } from '../state/index.ts'
import {
  createLeases,
  openFileBlobStore,
  sqlLeaseBook,
  type CollectableLeases,
  type FileBlobStore,
} from '../store/index.ts'
import { version } from './cli/version.ts'
import { createDataFolder, type DataFolder } from './data-folder.ts'

export interface OpenRoomsOptions {
  dataFolder: DataFolder
  clock: Clock
  logLevel: LogLevel
  environment: NodeJS.ProcessEnv
  /**
   * Its first line encrypts the signing keys on the disk. Default: LARDER_PASSPHRASE_FILE, or they are protected by
   * their mode alone.
   */
  passphraseFile?: string
  /** Most bytes a second to fetch from upstreams. Default: no limit. */
  bandwidthBytesPerSecond?: number
  /** Transfers at once from one host. Default 4; in all, twice as many. */
  connectionsPerHost?: number
  /** Other limits of fetching than the usual ones: patience, attempts. */
  fetchLimits?: Partial<FetchLimits>
}

/** What works on one data folder, whatever is done with it. */
export interface Rooms {
  clock: Clock
  log: Log
  state: State
  cache: Cache
  store: FileBlobStore
  leases: CollectableLeases
  keyring: Keyring
  publisher: Publisher
  registry: Registry
  fetcher: Fetcher
  /** What this process was given in confidence. */
  secrets: KnownSecrets
  close(): Promise<void>
}

/** Takes possession of a data folder. DATA_IN_USE, DATA_NEWER, DISK_FULL; then nothing stays open. */
export async function openRooms(options: OpenRoomsOptions): Promise<Rooms> {
  const { dataFolder, clock, logLevel, environment } = options
  const passphraseFile = options.passphraseFile ?? environment['LARDER_PASSPHRASE_FILE']
  await createDataFolder(dataFolder)
  const lock = await lockDataFolder(dataFolder.root)
  try {
    const log = createLog({ level: logLevel, destination: process.stderr, clock })
    const state = await openDatabase({ path: dataFolder.database, clock })
    const store = await openFileBlobStore({ folder: dataFolder.root, leaseBook: sqlLeaseBook(state) })
    const leases = createLeases(state, store, clock)
    const registry = createRegistry({ state, store, leases, clock })
    const limits = fetchLimitsOf(options)
    const proxy = proxyFromEnvironment(environment)
    const fetcher = createFetcher({ store, leases, clock, proxy, limits, userAgent: `Larder/${version}` })
    return {
      clock,
      log,
      state,
      cache: createCache(state, clock),
      store,
      leases,
      keyring: createKeyring(dataFolder.keys, { clock, site: 'larder', passphraseFile }),
      publisher: createPublisher({ state, store, leases, clock }),
      registry,
      fetcher,
      secrets: new KnownSecrets(),
      async close() {
        await fetcher.close()
        await registry.close()
        await state.close()
        await lock.release()
      },
    }
  } catch (error) {
    await lock.release()
    throw error
  }
}

function fetchLimitsOf(options: OpenRoomsOptions): Partial<FetchLimits> {
  const { bandwidthBytesPerSecond, connectionsPerHost, fetchLimits = {} } = options
  return {
    ...fetchLimits,
    ...(bandwidthBytesPerSecond === undefined ? {} : { bandwidthBytesPerSecond }),
    ...(connectionsPerHost === undefined ? {} : { perHost: connectionsPerHost, total: 2 * connectionsPerHost }),
  }
}
