import type { ServerStatistics } from '../service-spec.ts'

/** Of a server that was asked for nothing yet. */
export const noStatistics: ServerStatistics = {
  requests: 0,
  failures: 0,
  serverErrors: 0,
  bytesFromClients: 0,
  bytesToClients: 0,
  requestsPerSecond: 0,
  responseMs: 0,
  downS: 0,
}
