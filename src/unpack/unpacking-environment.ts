const usualPath = '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin'

/** Of a program that unpacks: XZ_OPT and the like must not change what it does. */
export function unpackingEnvironment(programPath = usualPath): NodeJS.ProcessEnv {
  return { PATH: programPath, LC_ALL: 'C' }
}
