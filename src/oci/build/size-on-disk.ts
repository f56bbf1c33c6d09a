/** What folders take together, in bytes, by du(1), which sees blocks and not lengths: a sparse file is as large as what it holds. */
export async function sizeOnDisk(folders: readonly string[]): Promise<number> {
  // Loaded by who builds: it takes a tenth of a start.
  const { execa } = await import('execa')
  // What vanishes meanwhile makes it fail; its sums are good all the same.
  const { stdout } = await execa('du', ['-s', '-x', '--block-size=1', '--', ...folders], { reject: false })
  return stdout.split('\n').reduce((sum, line) => sum + (Number.parseInt(line, 10) || 0), 0)
}
