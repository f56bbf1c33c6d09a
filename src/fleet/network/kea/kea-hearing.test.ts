import { expect, it } from 'vitest'
import { parsePacketSockets } from './kea-hearing.ts'

/** Written after what Linux prints: sockets at three interfaces, one of which is gone; the last is of another process. */
const packets = `sk               RefCnt Type Proto  Iface R Rmem   User   Inode
0000000000000000 3      3    0003   2     1 0      0      812345
0000000000000000 3      3    0003   -1    0 0      0      812347
0000000000000000 3      3    0003   14    1 0      0      812349
0000000000000000 3      3    0003   15    1 0      0      812351
`

it('a process hears at the interfaces of its own packet sockets', () => {
  const own = new Set(['socket:[812345]', 'socket:[812347]', 'socket:[812349]', '/dev/null', 'pipe:[812351]'])
  expect(parsePacketSockets(packets, own)).toEqual(new Set([2, -1, 14]))
})
