import manifest from '../../../package.json' with { type: 'json' }

/** Version of this Larder, as `package.json` has it: `0.1.0`. */
export const version: string = manifest.version
