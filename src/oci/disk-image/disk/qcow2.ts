import { runProgram } from '../program.ts'

/** Makes a qcow2 beside a raw disk, without what is zero. Answers where it is. TOOL_MISSING, DISK_IMAGE_FAILED, DISK_FULL, CANCELLED. */
export async function convertToQcow2(diskPath: string, { signal }: { signal: AbortSignal }): Promise<string> {
  const path = `${diskPath}.qcow2`
  // One request at a time: what lies where must not depend on which of several is done first.
  const options = ['-f', 'raw', '-O', 'qcow2', '-o', 'compat=1.1', '-m', '1']
  await runProgram('qemu-img', ['convert', ...options, diskPath, path], {
    signal,
    package: 'qemu-utils',
    failure: 'the disk cannot be made into qcow2',
  })
  return path
}
