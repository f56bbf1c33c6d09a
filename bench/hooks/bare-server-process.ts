// A process for floor.ts: takes deliveries as a server of Node that knows nothing of them. With the path of a file, each
// is written into its place there and on the disk before it is answered.
import { constants, openSync, write, writeSync } from 'node:fs'
import { createServer } from 'node:http'

const fileBytes = 16 << 20
const path = process.argv[2]
const file = path === undefined ? undefined : prepare(path)
let position = 0

// As ours: connections that the load does not need for a while stay open.
const server = createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
  const chunks: Buffer[] = []
  const answer = (): void => void response.writeHead(202, { 'content-length': 0 }).end()
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    if (file === undefined) {
      answer()
      return
    }
    const body = Buffer.concat(chunks)
    const blocks = Math.ceil(body.length / 4096) * 4096
    if (position + blocks > fileBytes) position = 0
    write(file, body, 0, body.length, position, answer)
    position += blocks
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(`running at http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`)
})
process.on('SIGTERM', () => process.exit())

/** Its blocks have their places, so that a write waits for nothing but its own. */
function prepare(path: string): number {
  const { O_CREAT, O_RDWR, O_DSYNC } = constants
  writeSync(openSync(path, 'w'), Buffer.alloc(fileBytes))
  return openSync(path, O_CREAT | O_RDWR | O_DSYNC)
}
